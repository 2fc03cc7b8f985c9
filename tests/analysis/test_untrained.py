"""No verdict of stability where no gradient reaches the networks that make the embeddings."""

import pytest

from losslang.analysis.explain.text import explanation_text
from losslang.analysis.structure.learning import why_untrained
from losslang.questions import explanation, reading, stability
from tests.methods import method

HEAD = """network encoder = backbone
network projector = linear(8)
network scores = prototypes(6)
z = projector(encoder(x))
s = scores(z)
"""
NO_GRADIENT = "the objective has no gradient with respect to any network"
UNTRAINED = {
    "mean(z > 0)": NO_GRADIENT,
    "mean(sinkhorn(s[a], epsilon=0.5, iterations=3))": NO_GRADIENT,
    "mean(stopgrad(z))": NO_GRADIENT,
    "0 * mse_alignment(z[a], z[b])": NO_GRADIENT,
    "mean(scores(stopgrad(z)))": "only `scores` learns",
    "2": "no output of a network enters the objective",
}
TRAINED = (
    "mean(z > 0) + mse_alignment(z[a], z[b])",
    "cross_entropy(sinkhorn(s[a], epsilon=0.5, iterations=3), softmax(s[b] / 0.1, over=prototype), over=prototype)",
    "mean(scores(stopgrad(z))) + mean(z)",
)


def of(term):
    return method(f"minimize\n  t: {term}\n", head=HEAD)


@pytest.mark.parametrize(("term", "reason"), UNTRAINED.items())
def test_the_verdict_says_that_nothing_trains(term, reason):
    found = stability(of(term))
    assert (found.constant.answer, found.constant.reason, found.rank.answer) == ("untrained", reason, "moot")
    assert found.lines()[0] == f"nothing trains the embeddings: {reason}"
    assert found.outcome == "undecided"


@pytest.mark.parametrize("term", TRAINED)
def test_one_gradient_is_enough(term):
    assert why_untrained(of(term)) == ""


def test_an_explanation_shows_no_mechanism_at_work():
    spec = of("mean(sinkhorn(s[a], epsilon=0.5, iterations=3))")
    assert reading(spec).mechanisms == ()
    assert NO_GRADIENT in explanation_text(explanation(spec), stability=reading(spec))
