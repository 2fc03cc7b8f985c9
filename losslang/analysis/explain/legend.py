"""What the letters and signs of an explanation mean, of those that occur in it."""

from __future__ import annotations

from collections.abc import Iterator

from losslang.analysis.explain.explanation import Explanation
from losslang.analysis.explain.notation.unicode import unicode

__all__ = ["legend_lines"]

_AXES = {
    "batch": "images of the batch",
    "feature": "features",
    "view": "views",
    "prototype": "prototypes",
    "queue": "rows of a queue",
    "direction": "random directions",
    "knot": "knots",
    "rank": "ranks",
    "group": "groups of rows",
}

_SIGNS = {
    "𝔼": "𝔼 mean over the indices below it",
    "sg(": "sg stops the gradient",
    "̂": "a hat makes unit length",
    "unit(": "unit(x) is x/‖x‖",
    "sim(": "sim cosine of two rows",
    "ω": "ω random unit vectors, {directions} of them, drawn anew each step",
    "∫": "∫ by the trapezoid rule over the knots",
    "floored(": "floored(x, f) x with its eigenvalues below f set to f",
    "kmeans": "kmeans centroids of that many clusters",
    "roll(": "roll puts row i − 1 in the place of row i",
    "log₍": "log₍ₖ₎ Taylor polynomial of order k of the matrix logarithm, about I",
    "chol(": "chol(c) the lower Cholesky factor of c",
    "Φ⁻¹": "Φ⁻¹ quantile function of the standard normal",
    "Var⁽": "Var⁽ⁿ⁻ᶠ⁾ variance with divisor n − f",
    "Cov⁽": "Cov⁽ⁿ⁻ᶠ⁾ covariance with divisor n − f",
    "⊙": "⊙ product entry by entry",
    "onehot(": "onehot 1 at the index, 0 elsewhere",
    "Sinkhorn": "Sinkhorn with ε and the number of iterations: balanced assignments, without gradient",
    "_F": "‖·‖_F Frobenius norm",
    "_*": "‖·‖_* nuclear norm, the sum of singular values",
}


def legend_lines(explanation: Explanation) -> Iterator[str]:
    """Indices and sizes; signs."""
    legend = explanation.legend
    indices = [f"{', '.join(letters)} {_AXES[axis]}" for axis, letters in legend.letters.items()]
    sizes = [f"{letter} the number of {_AXES[axis]}" for axis, letter in legend.sizes.items()]
    if indices or sizes:
        yield "; ".join(indices + sizes)
    text = _formulas(explanation)
    signs = [meaning.format(directions=legend.directions) for sign, meaning in _SIGNS.items() if sign in text]
    if signs:
        yield "; ".join(signs)


def _formulas(explanation: Explanation) -> str:
    import unicodedata

    statements = [*explanation.terms, *explanation.definitions]
    statements += [s for p in explanation.primitives for s in (p.statement, *p.bindings)]
    return unicodedata.normalize("NFD", " ".join(f"{unicode(s.left)} {unicode(s.right)}" for s in statements))
