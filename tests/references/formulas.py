"""The few formulas that several references share."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["cosine", "cross_entropy", "eye", "off_diagonal", "pairs", "unit"]


def unit(x: Tensor, dim: int = -1) -> Tensor:
    """x / ||x||."""
    return x / x.norm(dim=dim, keepdim=True)


def cosine(x: Tensor, y: Tensor) -> Tensor:
    """Cosine of corresponding rows."""
    return (unit(x) * unit(y)).sum(-1)


def cross_entropy(q: Tensor, logits: Tensor) -> Tensor:
    """Mean over rows of -sum_k q_k log softmax(logits)_k."""
    return -(q * logits.log_softmax(-1)).sum(-1).mean()


def eye(x: Tensor) -> Tensor:
    """The identity matrix of the last size of x."""
    return torch.eye(x.shape[-1], dtype=x.dtype)


def off_diagonal(c: Tensor) -> Tensor:
    """c with a zero diagonal."""
    return c - torch.diag_embed(torch.diagonal(c, dim1=-2, dim2=-1))


def pairs(first: int, second: int) -> list[tuple[int, int]]:
    """All (u, v) with u < first, v < second and u != v."""
    return [(u, v) for u in range(first) for v in range(second) if u != v]
