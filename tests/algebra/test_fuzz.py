"""Random expressions: the canonical form is the expression, in value and gradient."""

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from losslang.diagnostics import SpecError
from tests.algebra.worlds import differences, rewritten
from tests.methods import HEAD, method

PROTOTYPES = HEAD + "\nnetwork codebook = prototypes(5)\ns = codebook(z)\n"

LEAVES = st.sampled_from(["z[a]", "z[b]", "z[a]", "z[b]", "1", "2", "0.5", "mean(z, over=view)"])
UNARY = st.sampled_from(
    [
        "-({})",
        "tanh({})",
        "exp(tanh({}))",
        "log(1 + ({})^2)",
        "sqrt(1 + ({})^2)",
        "relu({})",
        "abs({})",
        "stopgrad({})",
        "({})^2",
        "sin({})",
        "sigmoid({})",
        "softplus({})",
        "2^tanh({})",
        "({}) / 3",
        "relu(1 - 2 * ({}))",
        "cos(2 * ({}))",
        "(z[b] > 2 * z[a]) * ({})",
    ]
)
BINARY = st.sampled_from(
    [
        "({}) + ({})",
        "({}) - ({})",
        "({}) * ({})",
        "({}) / (1 + ({})^2)",
        "maximum({}, {})",
        "minimum({}, {})",
        "exp(tanh({}) - 2 * tanh({}))",
        "({}) * log(2 + sin({}))",
        "({}) / exp(sin({}))",
    ]
)
ROWS = st.sampled_from(
    [
        "normalize(0.37 * ({}) + z[a])",
        "softmax(0.37 * ({}) + z[a])",
        "log_softmax(0.37 * ({}) + z[b])",
        "centered(0.37 * ({}) + z[a])",
        "roll(0.37 * ({}) + z[a])",
        "mean(0.37 * ({}) + z[a], over=batch)",
        "sum(0.37 * ({}) + z[b], over=feature)",
        "std(0.37 * ({}) + z[a], over=batch, ddof=1, eps=0.01)",
        "sinkhorn(0.37 * ({}) + s[a], 0.5, 2) * s[a]",
    ]
)
TERMS = st.sampled_from(
    [
        "mean({})",
        "sum({}) / 100",
        "norm(0.37 * ({}) + z[a])",
        "mean(0.37 * ({}) + z[a], where=z[b] > 0)",
        "logsumexp(0.37 * ({}) + z[a])",
        "norm(gram(0.37 * ({}) + z[a]))",
        "sum(offdiag(cov(0.37 * ({}) + z[a], ddof=1))^2)",
        "coding_rate(0.37 * ({}) + z[a])",
        "trace(gram(0.37 * ({}) + z[a]))",
        "info_nce(0.37 * ({}) + z[a], z[b], 0.5)",
        "uniformity(0.37 * ({}) + z[a])",
        "mean(diag(similarity(0.37 * ({}) + z[a], z[b]), axis=batch)^2)",
        "sum(dot(0.37 * ({}) + z[a], z[b], pairs=batch)) / 100",
        "mean(max(0.37 * ({}) + z[a], over=batch))",
    ]
)


def grown(inner):
    """One operation more."""
    return st.one_of(
        st.builds(str.format, UNARY, inner),
        st.builds(str.format, BINARY, inner, inner),
        st.builds(str.format, ROWS, inner),
    )


VALUES = st.recursive(LEAVES, grown, max_leaves=5)


@settings(max_examples=int(os.environ.get("LOSSLANG_EXPRESSIONS", "60")))
@given(texts=st.lists(st.builds(str.format, TERMS, VALUES), min_size=1, max_size=2), seed=st.integers(0, 1000))
def test_the_form_of_an_expression_is_the_expression(texts, seed):
    body = "\n".join(f"  t{i}: {text}" for i, text in enumerate(texts))
    try:
        spec = method(f"minimize\n{body}\n", head=PROTOTYPES)
    except SpecError:
        return  # a constant where a value of rows is needed
    graph, _, digests = rewritten(spec)
    value, gradient = differences(spec, graph, digests, seed)
    assert value < 1e-8
    assert gradient < 1e-4
