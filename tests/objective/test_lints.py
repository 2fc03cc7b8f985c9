"""Warnings: methods that ship have none unanswered, and what is meant is not warned of."""

import pytest

from losslang.diagnostics import Source
from losslang.pipeline import check, load
from losslang.shipped import shipped_specs
from tests.methods import method


def codes(spec):
    return [warning.code for warning in spec.warnings]


@pytest.mark.parametrize("path", shipped_specs().values(), ids=shipped_specs())
def test_what_ships_is_clean(path):
    assert check(path) == ()


HEADS = """
network encoder = backbone
network neck = mlp(8, {size})
network head = linear({size})
network target = ema(chain(encoder, neck, head), momentum=0.9)
y = neck(encoder(x))
z = head(y)
t = target(x)
"""


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("alignment(z[a], stopgrad(z[b]))", ["W110"]),
        ("alignment(z[a], t[b])", ["W110"]),
        ("alignment(z[a], stopgrad(y[b]))", []),  # a predictor on one side
        ("alignment(z[a], z[b])", []),  # two heads behind one another, nothing stopped
        ("alignment(y[a], stopgrad(y[b]))", []),  # one head alone is a projector
        ("info_nce(z[a], t[b], 0.1)", []),  # the other rows repel
        ("alignment(z[a], stopgrad(z[b] + y[b]))", []),
        ("alignment(stopgrad(z[a]), y[b])", ["W109"]),
    ],
)
def test_the_branches(term, expected):
    spec = method(f"minimize\n  term: {term}\n", head=HEADS)
    assert [code for code in codes(spec) if code >= "W109"] == expected


@pytest.mark.parametrize("network", ["frozen(linear({size}))", "identity"])
def test_what_is_not_meant_to_learn_is_not_warned_of(network):
    head = (
        f"network encoder = backbone\nnetwork net = linear({{size}})\nnetwork net2 = {network}\nz = net(encoder(x))\n"
    )
    assert "W109" not in codes(method("minimize\n  term: mean((net2(z[a]) - z[b])^2)\n", head=head))


def test_a_network_that_starts_late_learns():
    head = "network encoder = backbone\nnetwork net = freeze_for(linear({size}), epochs=1)\nz = net(encoder(x))\n"
    assert codes(method("minimize\n  term: alignment(z[a], z[b])\n", head=head)) == []


def test_two_places_of_local_are_two_warnings():
    terms = "one: local(mean(std(z[a], over=batch, ddof=1)), rows=8)\n  two: local(mean(std(z[b], over=batch, ddof=1)), rows=4)"
    spec = method(f"minimize\n  {terms}\n")
    assert [warning.message.split()[2] for warning in spec.warnings] == ["8", "4"]


def test_each_file_answers_for_itself():
    text = "method mine\nextends simsiam_mirror\n{}\nminimize\n  align: alignment(stopgrad(p[a]), z[b])\n"
    assert codes(load(Source("mine.loss", text.format("")))) == ["W109"]
    assert codes(load(Source("mine.loss", text.format("# losslang: allow(W109)")))) == []
    assert codes(load(Source("mine.loss", "method mine\nextends simsiam_mirror\n"))) == []
