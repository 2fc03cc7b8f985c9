"""The axes of every kind of expression."""

import pytest

from losslang.diagnostics import SpecError
from tests.methods import term, typed

AXES = {
    "z": "[view=2, batch, feature=6]",
    "z[a]": "[batch, feature=6]",
    "2 * z[a] + 1": "[batch, feature=6]",
    "z[a] - mean(z[a], over=batch)": "[batch, feature=6]",
    "mean(z)": "[]",
    "mean(z, over=[view, batch])": "[feature=6]",
    "norm(z[a], over=feature)": "[batch]",
    "z > 0": "[view=2, batch, feature=6]",
    "normalize(z)": "[view=2, batch, feature=6]",
    "dot(z[a], z[b])": "[batch]",
    "dot(z[a], z[b], over=batch, pairs=feature)": "[feature=6, feature'=6]",
    "dot(z, z, pairs=[view, batch])": "[view=2, view'=2, batch, batch']",
    "similarity(z[a], z[b])": "[batch, batch']",
    "cov(z, ddof=1)": "[view=2, feature=6, feature'=6]",
    "second_moment(z, over=[view, batch])": "[feature=6, feature'=6]",
    "dot(z[a], cov(z[a], ddof=1))": "[batch, feature=6]",
    "diag(cov(z[a], ddof=1))": "[feature=6]",
    "trace(cov(z, ddof=1))": "[view=2]",
    "offdiag(similarity(z[a], z[b]), axis=batch)": "[batch, batch']",
    "diag(similarity(z[a], z[b]), axis=batch)": "[batch]",
    "logdet(same(feature) + second_moment(z))": "[view=2]",
    "eigenvalues(cov(z[a], ddof=0))": "[rank=6]",
    "nuclear_norm(z, over=[batch, feature])": "[view=2]",
    "nuclear_norm(z[a], also=z[b])": "[]",
    "mean(similarity(z[a], z[a]), where=not same(batch))": "[]",
    "logsumexp(similarity(z[a], z[a]), over=batch', where=not same(batch))": "[batch]",
    "max(similarity(z[a], z[a]), over=batch)": "[batch']",
    "first(z, 2)": "[view=2, batch, feature=2]",
    "roll(z[a], 1)": "[batch, feature=6]",
    "linspace(0, 3, 17)": "[knot=17]",
    "dot(z[a], random_directions(5, like=z)) * linspace(0, 1, 3)": "[batch, direction=5, knot=3]",
    "integrate(exp(-linspace(0, 3, 17)^2), over=knot)": "[]",
    "normal_quantiles(z)": "[batch]",
    "ordinals(z, over=feature)": "[feature=6]",
    "variance_hinge(z)": "[view=2]",
    "variance_hinge(z[a])": "[]",
    "alignment(z[a], z[b])": "[]",
    "alignment(z, z[b])": "[view=2]",
    "size(z, feature)": "[]",
    "mean(z[v] for v in views)": "[batch, feature=6]",
    "local(cov(z[a], ddof=1), rows=4)": "[feature=6, feature'=6]",
    "whiten(z[a])": "[batch, feature=6]",
    "argmax(z, over=feature)": "[view=2, batch, feature=6]",
}


@pytest.mark.parametrize(("expression", "axes"), AXES.items())
def test_axes(expression, axes):
    assert str(typed(expression)) == axes


def test_groups_of_views_are_sets():
    views = "view global = 2, local = 3"
    assert str(typed("z[local]", views=views)) == "[view=3, batch, feature=6]"
    assert typed("z[global + local]", views=views) == typed("z", views=views)
    assert typed("z[local]", views=views).dims[0].labels == ("local.0", "local.1", "local.2")


def test_a_group_of_one_is_a_view():
    assert str(typed("z[teacher]", views="view teacher = 1, student = 2")) == "[batch, feature=6]"


@pytest.mark.parametrize(
    ("loop", "pairs"),
    [
        ("for u in views for v in views", 9),
        ("for u in views for v in views if u != v", 6),
        ("for u in views for v in views if u < v", 3),
        ("for u in global for v in views if u != v", 4),
        ("for u in global for v in n", 2),
        ("for u in global + n for v in views if not (u == v or v == n)", 4),
    ],
)
def test_pairs_of_a_loop(loop, pairs):
    spec = term(f"mean(mean(z[u]) * mean(z[v]) {loop})", views="view global = 2, n = 1")
    value = spec.graph.terms[0].value
    assert value.op == "divide"
    assert value.inputs[1]["value"] == pairs


def test_networks_are_evaluated_once():
    spec = term("alignment(projector(encoder(x))[a], projector(encoder(x))[b])")
    assert sum(node.op == "apply" for node in spec.graph.nodes()) == 2


def test_gradient_reaches_what_trains():
    spec = term("alignment(z[a], stopgrad(z[b]))")
    assert spec.graph.terms[0].value.trains == {"encoder", "projector"}
    with_stop = term("alignment(stopgrad(z[a]), stopgrad(z[b]))")
    assert not with_stop.graph.terms[0].value.trains
    assert [d.code for d in with_stop.warnings] == ["W104"]


def test_sizes_given_for_the_inputs():
    assert str(typed("z", input_sizes={"z": 9})) == "[view=2, batch, feature=9]"


def test_the_backbone_binds_its_size():
    head = "network encoder = backbone\nz = encoder(x)\n"
    assert typed("z", head=head).dims[-1].size == "features(encoder)"
    assert str(typed("z", head=head, feature_sizes={"encoder": 512})) == "[view=2, batch, feature=512]"


def test_a_conflict_names_both_sides():
    head = "network encoder = backbone\nnetwork one = linear(4)\nnetwork two = linear(8)\nz = one(encoder(x))\n"
    with pytest.raises(SpecError) as raised:
        term("alignment(z[a], two(encoder(x))[b])", head=head)
    text = str(raised.value)
    assert "error[E301]: `alignment` combines values of different size" in text
    assert "feature=4, from one (line 4)" in text
    assert "feature=8, from two (line 5)" in text


def test_terms_know_their_weight():
    spec = term("0.5 * 2 * mean(z^2)")
    assert spec.graph.terms[0].raw.op == "mean"
    assert term("mean(z^2)").graph.terms[0].weight is None
