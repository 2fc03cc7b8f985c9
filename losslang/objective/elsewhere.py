"""What operations are called in other libraries, and how the language writes them: help for a name that is not known."""

from __future__ import annotations

__all__ = ["ELSEWHERE"]

_COSINE = "dot(normalize(x), normalize(y))"

ELSEWHERE = {
    "stop_gradient": "stopgrad(z)",
    "sg": "stopgrad(z)",
    "detach": "stopgrad(z)",
    "no_grad": "stopgrad(z)",
    "cosine_similarity": _COSINE,
    "cos_sim": _COSINE,
    "matmul": "dot(x, y, over=feature)",
    "mm": "dot(x, y, over=feature)",
    "bmm": "dot(x, y, over=feature)",
    "einsum": "dot(x, y, over=feature)",
    "l2_normalize": "normalize(z)",
    "mse": "mse_alignment(p, z)",
    "mse_loss": "mse_alignment(p, z)",
    "slogdet": "logdet(m)",
    "eigvalsh": "eigenvalues(m)",
    "eigvals": "eigenvalues(m)",
    "clamp": "maximum(x, 0)",
    "square": "x^2",
    "pow": "x^2",
}
"""From a name to an expression of the language; names that `nearest` finds need no row."""
