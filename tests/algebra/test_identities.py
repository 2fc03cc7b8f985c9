"""Every row of the table of identities: used, and right in value and gradient; and a wrong one would be caught."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from losslang.algebra.identities import IDENTITIES
from losslang.algebra.polynomial import combine
from losslang.algebra.rewrite import Row
from losslang.pipeline import small
from losslang.shipped import shipped_specs
from tests.algebra.worlds import differences, rewritten
from tests.methods import HEAD, method, shipped

VALUE, GRADIENT = 1e-9, 1e-5

PROTOTYPES = HEAD + "\nnetwork codebook = prototypes(5)\ns = codebook(z)\n"
SCHEDULE = "parameter t = linear(0.5, 2)\n"

EXAMPLES = {
    "sum": ["mean(z[a] - z[b] + 2 * z[a])"],
    "negation": ["-mean(-z[a] * z[b])"],
    "product": ["mean((z[a] + 1) * (z[b] - z[a]) / exp(z[a]))"],
    "power": ["mean((z[a] - 2 * z[b])^2)", "mean(2^z[a])", "mean((z[a] * z[b])^3)"],
    "root": ["mean(sqrt(exp(z[a])))"],
    "exp_of_sum": ["mean(exp(2 * z[a] + z[b] - 1))", "mean(exp(log(abs(z[a]) + 1)))"],
    "log_of_product": ["mean(log(3 * exp(z[a]) * (z[b]^2 + 1)))", "mean(log(exp(2 * z[a])))"],
    "logsumexp": ["mean(logsumexp(similarity(z[a], z[b]), over=batch', where=not same(batch)))"],
    "logsumexp_of_items": ["mean(logsumexp(z[v] for v in views))"],
    "softmax": ["mean(softmax(z[a]) * z[b])"],
    "log_softmax": ["mean(log_softmax(z[a]) * z[b])"],
    "sigmoid": ["mean(sigmoid(z[a]) * z[b])"],
    "softplus": ["mean(softplus(z[a]) * z[b])"],
    "odd": ["mean(tanh(z[a] - z[b]) * tanh(z[b] - z[a]))", "mean(sin(-2 * z[a] * z[b]))"],
    "even": ["mean(cos(-z[a] * z[b]) * z[a])"],
    "absolute": ["mean(abs(-3 * z[a]))"],
    "hinge": ["mean(relu(1 - 3 * z[a]))", "mean(relu(-2 * z[a]))"],
    "extremes": ["mean(maximum(z[a], z[b]) + 2 * minimum(z[b], z[a]))", "mean(maximum(0.5, z[a]))"],
    "not": ["sum(z[a], where=not (z[b] > 0))"],
    "both": ["sum(z[a], where=z[b] > 0 and z[a] > 0)"],
    "either": ["sum(z[a], where=z[b] > 0 or z[a] > 0)"],
    "opposites": ["sum(z[a], where=z[b] >= z[a])", "sum(z[a], where=z[b] <= 1)", "sum(z[a], where=z[b] != z[a])"],
    "comparison": ["sum(z[a], where=z[b] > 2 * z[a])", "sum(z[a] * (3 * z[b] < 1))"],
    "number": [f"{f}(size(z, feature) - 9) * mean(z[a])" for f in ("tanh", "sin", "cos", "abs")]
    + ["relu(size(z, feature) - 3) * mean(z[a])"],
    "sum_where": ["sum(z[a], where=z[b] > 0)"],
    "sum_of_constant": ["sum(z[a] - z[a] + 2) * mean(z[b])"],
    "sum_is_linear": ["sum(2 * z[a] - z[b] + 3)"],
    "sum_of_products": ["sum(sum(z[a], over=feature) * z[b])", "sum(mean(z[a]) * mean(z[b], over=batch) * z[a])"],
    "sum_of_views": ["mean(z^3)", "sum(mean(z, over=view)^2)"],
    "mean": ["mean(z[a])", "mean(z[a], where=z[b] > 0)", "mean(mean(z[a] * z[b], over=batch)^2)"],
    "norm": ["norm(z[a] - z[b])", "mean(norm(z[a], over=feature) * norm(z[b], over=feature, where=z[a] > 0))"],
    "normalize": ["mean(normalize(z[a]) * z[b])", "mean(normalize(z[a], over=batch) * z[b])"],
    "variance": ["mean(var(z[a], over=batch, ddof=1) * var(z[b], over=[batch, feature], ddof=0))"],
    "deviation": ["mean(std(z[a], over=batch, ddof=1, eps=1e-4))"],
    "dot": ["mean(dot(z[a], z[b])^3)"],
    "integral_is_linear": ["mean(integrate(2 * z[a] * linspace(0, 3, 7) - linspace(0, 3, 7)^2, over=knot))"],
    "diagonal": [
        "mean(diag(similarity(z[a], z[b]), axis=batch)^3)",
        "trace(gram(z[a]))",
        "sum(diag(exp(gram(z[a])/50)))",
    ],
    "sum_of_pairs": ["mean(dot(z[a], z[b], pairs=batch))", "mean(dot(z, z, pairs=[view, batch]))"],
    "gram_square": ["sum(dot(z[a], z[a], pairs=batch)^2)"],
    "transpose": ["sum(sum(dot(z[u], z[v], over=batch, pairs=feature)^4) / 1e4 for u in views for v in views)"],
    "log_spectrum": ["sum(log(eigenvalues(eye() + second_moment(z[a]))))"],
    "spectrum": ["sum(eigenvalues(cov(z[a], ddof=1)))", "sum(eigenvalues(cov(z[a], ddof=1))^2)"],
    "assigned": ["sum(sinkhorn(s[a], 0.5, 3) * mean(z[b]))", "sum(argmax(z[a]) * sum(z[b], over=feature))"],
    "scalars_of_product": ["mean(dot(3 * z[a], mean(z[b]) * z[b], pairs=batch)^3)"],
    "sylvester": ["logdet(same(batch) + 0.3 * dot(z[a], z[a], pairs=batch))"],
    "homogeneous": ["mean(max(3 * z[a], over=feature))", "nuclear_norm(-2 * z[a]) + sum(sort(2 * z[b]) * z[a])"],
    "assignment": ["mean(sinkhorn(s[a] + 3 + 2 * mean(s[b], over=batch), 0.5, 3) * s[b])"],
    "view_of_views": ["sum(mean(z[a + b], over=[batch, feature])^2)"],
    "view": ["mean(normalize(z)[a] * exp(z)[b])"],
    "rows": ["mean(roll(normalize(z[a])) * z[b])", "mean(first(exp(z[a]), 2) * sum(z[b], over=feature))"],
    "groups": ["local(mean(g[a] * z[b]), rows=8)"],
    "stop": ["mean(stopgrad(normalize(z[a])) * z[b])", "mean(stopgrad(z[a] * z[b]) * z[a])"],
    "same": ["sum(offdiag(gram(z[a])) * gram(z[b]))"],
    "size": ["size(z, [view, batch]) * mean(z[a])"],
}
NEED = {"view_of_views": "view a, b, c"}


def example(text, name=""):
    """A method of one term, with scores `s` against prototypes and `g` of every entry."""
    return method(f"g = tanh(z)\nminimize\n  term: {text}\n", head=PROTOTYPES, views=NEED.get(name, "view a, b"))


CASES = [(name, text) for name, texts in EXAMPLES.items() for text in texts]


def test_every_row_has_an_example():
    assert {row.name for row in IDENTITIES} == set(EXAMPLES)
    assert all(row.algebra for row in IDENTITIES)


@pytest.mark.parametrize(("name", "text"), CASES)
@settings(max_examples=3)
@given(seed=st.integers(0, 10_000))
def test_a_row_holds_in_value_and_gradient(name, text, seed):
    spec = example(text, name)
    graph, used, digests = rewritten(spec)
    assert used[name] > 0
    value, gradient = differences(spec, graph, digests, seed)
    assert value < VALUE
    assert gradient < GRADIENT


def spoiled(name):
    """The table with one row whose result is half as large again."""

    def wrong(row):
        def rewrite(node, make):
            found = row.rewrite(node, make)
            return None if found is None or found is node else combine(make, [(1.5, found)])

        return replace(row, rewrite=rewrite)

    return [wrong(row) if row.name == name else row for row in IDENTITIES]


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_wrong_row_would_be_caught(name):
    caught = 0
    for text in EXAMPLES[name]:
        spec = example(text, name)
        graph, _, digests = rewritten(spec, spoiled(name))
        value, gradient = differences(spec, graph, digests, 1)
        caught += value > VALUE or gradient > GRADIENT
    assert caught


def _released(node, make):
    return node.inputs[0] if node.op == "stopgrad" else None


def test_a_row_that_is_wrong_in_the_gradient_alone_would_be_caught():
    spec = example("mean(stopgrad(z[a]) * z[b])")
    graph, _, digests = rewritten(spec, [Row("released", "sg x = x", _released)])
    value, gradient = differences(spec, graph, digests, 1)
    assert value < VALUE
    assert gradient > GRADIENT


@pytest.mark.parametrize("name", shipped_specs())
def test_the_form_of_a_method_is_the_method(name):
    spec = small(shipped(name))
    graph, _, digests = rewritten(spec)
    value, gradient = differences(spec, graph, digests, 5)
    assert value < VALUE
    assert gradient < GRADIENT
