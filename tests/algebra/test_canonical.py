"""The canonical form: one for all spellings of one mathematics, another for what is not the same."""

import os
import subprocess
import sys
from functools import cache

import pytest

import losslang
from losslang.algebra import identities
from losslang.algebra.canonical import canonical
from losslang.algebra.show import show_canonical
from losslang.cli import main
from losslang.questions import canonical_hash
from losslang.shipped import shipped_specs
from tests.methods import method, shipped
from tests.soon import soon

CROSS = "dot(normalize(z[a], over=batch), normalize(z[b], over=batch), over=batch, pairs=feature)"
TURNED = "dot(normalize(z[b], over=batch), normalize(z[a], over=batch), over=batch, pairs=feature)"

SAME = [
    # unit vectors: ‖x̂ − ŷ‖² = 2 − 2 cos
    ("squared_distance(normalize(z[a]), normalize(z[b]))", "2 + 2 * alignment(z[a], z[b])"),
    ("0.5 * squared_distance(normalize(z[a]), normalize(z[b]))", "1 + alignment(z[a], z[b])"),
    ("mse_alignment(normalize(z[a]), normalize(z[b]))", "(2 + 2 * alignment(z[a], z[b])) / 6"),
    ("mean(norm(normalize(z[a]) - normalize(z[b]), over=feature)^2)", "2 + 2 * alignment(z[a], z[b])"),
    ("alignment(normalize(z[a]), 3 * z[b])", "alignment(z[a], z[b])"),
    ("alignment(z[a], stopgrad(z[b]))", "alignment(z[a], stopgrad(normalize(z[b])))"),
    # both sides of a Gram matrix
    ("norm(gram(z[a]))^2", "norm(dot(z[a], z[a], pairs=batch))^2"),
    ("coding_rate(z[a])", "0.5 * logdet(same(batch) + 12 / size(z, batch) * dot(z[a], z[a], pairs=batch))"),
    ("coding_rate(z[a])", "0.5 * sum(log(eigenvalues(same(feature) + 12 * second_moment(z[a]))))"),
    ("half_logdet(z[a], 2)", "0.5 * logdet(same(feature) + 2 * gram(z[a]))"),
    (
        "sum(offdiag(cov(z[a], ddof=1))^2)",
        "sum(dot(centered(z[a]), centered(z[a]), pairs=batch)^2) / (size(z, batch) - 1)^2 - sum(var(z[a], over=batch, ddof=1)^2)",
    ),
    ("sum(offdiag(gram(z[a]))^2)", "sum(gram(z[a])^2) - sum(diag(gram(z[a]))^2)"),
    ("sum(offdiag(gram(z[a]))^2)", "sum(gram(z[a])^2) - sum(sum(z[a]^2, over=batch)^2)"),
    (f"sum(offdiag({CROSS})^2)", f"sum(offdiag({TURNED})^2)"),
    ("trace(gram(z[a]))", "sum(z[a]^2)"),
    ("sum(cov(z[a], ddof=1)^2)", "norm(cov(z[a], ddof=1))^2"),
    # the center
    ("center_penalty(z[a], power=2)", "mean(similarity(z[a], z[a]))"),
    ("center_penalty(z[a], power=2)", "sum(mean(normalize(z[a]), over=batch)^2)"),
    # statistics
    ("mean(var(z[a], over=batch, ddof=0))", "mean(centered(z[a])^2)"),
    ("mean(var(z[a], over=batch, ddof=1))", "trace(cov(z[a], ddof=1)) / 6"),
    ("mean(std(z[a], over=batch, ddof=1, eps=1e-4))", "mean(sqrt(var(z[a], over=batch, ddof=1) + 1e-4))"),
    ("variance_hinge(z[a])", "mean(relu(1 - std(z[a], over=batch, ddof=1, eps=1e-4)))"),
    # contrast
    ("info_nce(z[a], z[b], 0.2)", "-mean(diag(log_softmax(similarity(z[a], z[b]) / 0.2, over=batch'), axis=batch))"),
    (
        "info_nce(z[a], z[b], 0.2)",
        "alignment(z[a], z[b]) / 0.2 + mean(logsumexp(similarity(z[a], z[b]) / 0.2, over=batch'))",
    ),
    ("uniformity(z[a], t=1)", "log(mean(exp(2 * similarity(z[a], z[a])), where=not same(batch))) - 2"),
    (
        "cross_entropy(softmax(z[a]), log_softmax(z[b]), over=feature)",
        "mean(logsumexp(z[b], over=feature) - dot(softmax(z[a]), z[b]))",
    ),
    # views
    ("mean(mean(z[v]^2) for v in views)", "mean(z^2)"),
    ("mean((z - mean(z, over=view))^2)", "mean(mean((z[u] - z[v])^2) for u in views for v in views) / 2"),
    ("mean((z - mean(z, over=view))^2)", "mse_alignment(z[a], z[b]) / 4"),
    ("mean(alignment(z[u], z[v]) for u in views for v in views if u != v)", "alignment(z[a], z[b])"),
    ("mean(alignment(z[u], z[v]) for u in views for v in views if u < v)", "alignment(z[b], z[a])"),
    # arithmetic and functions
    ("mean(z[a] * z[b] / z[b])", "mean(z[a])"),
    ("mean(2 * sigmoid(z[a]) - 1)", "mean(tanh(z[a] / 2))"),
    ("mean(maximum(z[a], 0))", "mean(relu(z[a]))"),
    ("mean(maximum(z[a], z[b]))", "-mean(minimum(-z[b], -z[a]))"),
    ("mean(abs(z[a] - z[b]))", "mean(abs(z[b] - z[a]))"),
    ("mean(softplus(z[a]))", "mean(log(1 + exp(z[a])))"),
    # assignments: scale, and a number for each prototype
    ("mean(sinkhorn(s[a], 0.05, 3) * s[b])", "mean(sinkhorn(20 * s[a], 1, 3) * s[b])"),
    ("mean(sinkhorn(s[a], 0.05, 3) * s[b])", "mean(sinkhorn(s[a] - mean(s[a], over=batch) + 2, 0.05, 3) * s[b])"),
]

DIFFERENT = [
    ("mean(z[a]^2)", "sum(z[a]^2)"),
    (
        "mean(alignment(z[u], z[v]) for u in views for v in views)",
        "mean(alignment(z[u], z[v]) for u in views for v in views if u != v)",
    ),
    ("mean(sum(z[u]^2) for u in views)", "sum(sum(z[u]^2) for u in views)"),
    ("mean(var(z[a], over=batch, ddof=0))", "mean(var(z[a], over=batch, ddof=1))"),
    ("mean(std(z[a], over=batch, ddof=0))", "mean(std(z[a], over=batch, ddof=1))"),
    ("variance_hinge(z[a])", "mean(relu(1 - std(z[a], over=batch, ddof=1, eps=1e-4))^2)"),
    ("coding_rate(z[a])", "coding_rate(centered(z[a]))"),
    ("norm(second_moment(z[a]))", "norm(cov(z[a], ddof=0))"),
    ("mean(mean(var(z[v], over=batch, ddof=0)) for v in views)", "mean(var(z, over=[view, batch], ddof=0))"),
    ("alignment(z[a], z[b])", "alignment(z[a], stopgrad(z[b]))"),
    ("alignment(stopgrad(z[a]), z[b])", "alignment(z[a], stopgrad(z[b]))"),
    ("norm(gram(z[a]))", "norm(gram(z[a]))^2"),
    ("logdet(eye() + cov(z[a], ddof=0))", "trace(cov(z[a], ddof=0))"),
    ("mean(sinkhorn(s[a], 0.05, 3) * s[b])", "mean(sinkhorn(s[a], 0.05, 2) * s[b])"),
    ("mean(sinkhorn(s[a], 0.05, 3) * s[b])", "mean(sinkhorn(s[a] + mean(s[a], over=prototype), 0.05, 3) * s[b])"),
    ("mean(sinkhorn(s[a], 0.05, 1) * s[b])", "mean(softmax(s[a] / 0.05, over=prototype) * s[b])"),
    ("info_nce(z[a], z[b], 0.2)", "info_nce(z[b], z[a], 0.2)"),
    ("info_nce(z[a], z[b], 0.2)", "info_nce(z[a], z[b], 0.1)"),
    ("nt_xent(z, 0.2)", "info_nce(z[a], z[b], 0.2)"),
    ("mse_alignment(z[a], z[b])", "squared_distance(z[a], z[b])"),
    ("triplet(z[a], z[b], roll(z[b]))", "triplet(z[a], z[b], roll(z[b]), margin=0.5)"),
    ("logdet(eye() + second_moment(z[a]))", "trace(matrix_log(eye() + second_moment(z[a])))"),
    ("local(coding_rate(z[a]), rows=64)", "local(coding_rate(z[a]), rows=32)"),
]

HEAD = """
network encoder = backbone
network projector = linear({size})
network codebook = prototypes(5)
z = projector(encoder(x))
s = codebook(z)
"""


def form(text, head=HEAD):
    return canonical(method(f"minimize\n  term: {text}\n", head=head))


@pytest.mark.parametrize(("one", "two"), SAME)
def test_spellings_of_one_mathematics_have_one_form(one, two):
    assert form(one).hash == form(two).hash


@pytest.mark.parametrize(("one", "two"), DIFFERENT)
def test_what_is_not_the_same_has_another_form(one, two):
    assert form(one).hash != form(two).hash


def test_a_term_is_scale_times_value_plus_offset():
    (one,) = form("2 + 2 * alignment(z[a], z[b])").terms
    (two,) = form("alignment(z[a], z[b])").terms
    assert one.offset == pytest.approx(2)
    assert two.offset == 0
    assert {key: 2 * scale for key, scale in two.scales.items()} == pytest.approx(one.scales)


def test_numbers_that_floats_cannot_hold_stay_as_they_are():
    assert form("nt_xent(z, 0.0001)").hash != form("nt_xent(z, 0.00011)").hash
    assert form("mean(exp(z[a] - 2000))").hash != form("mean(exp(z[a] - 2001))").hash


def test_networks_built_alike_are_told_apart_by_their_place():
    head = HEAD + "\nnetwork one = linear(6)\nnetwork two = linear(6)\n"
    pair = "alignment(one(z[a]), two(z[b])) + 2 * mean(one(z[a])^2)"
    swapped = "alignment(two(z[a]), one(z[b])) + 2 * mean(two(z[a])^2)"
    other = "alignment(one(z[a]), one(z[b])) + 2 * mean(one(z[a])^2)"
    crossed = "alignment(one(z[a]), two(z[b])) + 2 * mean(two(z[a])^2)"
    assert form(pair, head).hash == form(swapped, head).hash
    assert form(pair, head).hash not in {form(other, head).hash, form(crossed, head).hash}


@cache
def form_of(name):
    """The form of a method that ships."""
    return canonical(shipped(name))


def test_methods_that_ship_differ_from_each_other():
    """Other specs of the same loss and networks: recipes and notes alone tell them apart."""
    hashes = {}
    for name in shipped_specs():
        hashes.setdefault(form_of(name).hash, []).append(name)
    assert [names for names in hashes.values() if len(names) > 1] == []


def test_the_hash_is_that_of_every_process():
    code = "import losslang; from losslang.questions import canonical_hash as h; print(h(losslang.load('vicreg')))"
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {canonical_hash(losslang.load("vicreg"))}


@pytest.mark.parametrize("name", ["empssl", "lejepa", "dino", "mcr2"])
def test_it_takes_little_time(name):
    spec = shipped(name)
    with soon(1):
        assert canonical(spec).complete


def test_the_deepest_expression_ends():
    chain = "\n".join(f"d{i} = tanh(stopgrad(d{i - 1}) + d{i - 1})" for i in range(1, 26))
    assert canonical(method(f"d0 = z\n{chain}\nminimize\n  term: mean(d25[a])\n")).complete


def test_a_form_that_is_not_found_is_the_methods_own_graph(monkeypatch):
    monkeypatch.setattr(identities, "CAP", 5)
    one, two = (canonical(method(f"minimize\n  {name}: alignment(z[a], z[b])\n")) for name in ("one", "two"))
    assert not one.complete
    assert one.hash == two.hash
    assert "no end" in show_canonical(one)


def test_it_is_shown(capsys):
    assert main(["compile", "simsiam", "--show", "canonical"]) == 0
    shown = capsys.readouterr().out
    assert "minimise align:" in shown
    assert "stopgrad(z)[a] * p[b]" in shown
    for name in shipped_specs():
        assert "minimise" in show_canonical(form_of(name))
