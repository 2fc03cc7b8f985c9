"""A definition of annotated axes is computed for each entry of the others: what is written ranges over what is removed.

Each row is what a definition binds, the formula written for it, and that formula worked out by hand on one view. The value
of the whole method must be the mean of it over the views: that says that the formula is true.
"""

import numpy as np
import pytest

from losslang.analysis.explain.notation.unicode import unicode
from losslang.meaning.evaluate import World, evaluate
from losslang.questions import explanation
from tests.analysis.explain.methods import explained
from tests.methods import method

Z = np.random.default_rng(5).standard_normal((2, 9, 6))

REDUCTIONS = {
    "sum(y^3)": ("Σᵢₖ yᵢₖ³", lambda y: (y**3).sum()),
    "mean(y^2)": ("𝔼ᵢₖ yᵢₖ²", lambda y: (y**2).mean()),
    "mean(y, where=y > 0)": ("𝔼_{yᵢₖ>0} yᵢₖ", lambda y: y[y > 0].mean()),
    "max(y)": ("maxᵢₖ yᵢₖ", lambda y: y.max()),
    "logsumexp(y)": ("log Σᵢₖ exp yᵢₖ", lambda y: np.log(np.exp(y).sum())),
    "norm(y)": ("√(Σᵢₖ yᵢₖ²)", lambda y: np.sqrt((y**2).sum())),
    "var(y, ddof=1)": ("Var⁽ⁿᵈ⁻¹⁾ᵢₖ yᵢₖ", lambda y: ((y - y.mean()) ** 2).sum() / (9 * 6 - 1)),
    "std(y, ddof=0)": ("√(Varᵢₖ yᵢₖ)", lambda y: np.sqrt(((y - y.mean()) ** 2).mean())),
    "mean(abs(y - mean(y)))": ("𝔼ᵢₖ |yᵢₖ − 𝔼ⱼₗ yⱼₗ|", lambda y: np.abs(y - y.mean()).mean()),
    "sum(cov(y, ddof=1)^2)": ("‖Cov⁽ⁿ⁻¹⁾(y)‖_F²", lambda y: (np.cov(y.T) ** 2).sum()),
    "trace(cov(y, ddof=1))": ("tr(Cov⁽ⁿ⁻¹⁾(y))", lambda y: np.trace(np.cov(y.T))),
    "sum(log(diag(cov(y, ddof=1)) + 1))": (
        "Σₖ log(Cov⁽ⁿ⁻¹⁾(y)ₖₖ + 1)",
        lambda y: np.log(np.diag(np.cov(y.T)) + 1).sum(),
    ),
}


@pytest.mark.parametrize(("expression", "told"), REDUCTIONS.items())
def test_a_reduction_is_written_over_what_it_removes(expression, told):
    written, worked_out = told
    body = f"def f(y: [batch, feature]) =\n    s = {expression}\n    s\nminimize\n  t: mean(f(z))\n"
    row = next(row for row in explained(body).primitives if row.statement.name == "f")
    (bound,) = row.bindings
    assert unicode(bound.right) == written
    value = evaluate(method(body), World({"z": Z})).total
    assert value == pytest.approx(np.mean([worked_out(view) for view in Z]), rel=1e-12)


def test_functions_that_it_calls_are_mapped_too():
    body = "def inner(q) = sum(log(q^2))\ndef f(y: [batch, feature]) = inner(y)\nminimize\n  t: mean(f(z))\n"
    spec = method(body)
    (inner,) = (row for row in explanation(spec).primitives if row.statement.name == "inner")
    assert unicode(inner.statement.right) == "Σᵢₖ log qᵢₖ²"
    assert evaluate(spec, World({"z": Z})).total == pytest.approx(np.mean([np.log(y**2).sum() for y in Z]))


def test_a_definition_without_axes_removes_them_all():
    body = "def f(y) =\n    s = sum(y^3)\n    s\nminimize\n  t: f(z)\n"
    spec = method(body)
    (row,) = explanation(spec).primitives
    assert unicode(row.bindings[0].right) == "Σᵥᵢₖ (yᵛᵢₖ)³"
    assert evaluate(spec, World({"z": Z})).total == pytest.approx((Z**3).sum())
