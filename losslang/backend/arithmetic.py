"""Torch forms of elementwise operations and of reductions over axes. Each needs torch alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losslang.backend.precision import in_own_precision
from losslang.backend.vmapped import axes_behind, with_signature

__all__: list[str] = []


def ratio_of(x: float, y: float) -> float:
    """x / y of numbers, infinite or NaN where y is 0, as it is of tensors."""
    return x / y if y else x * math.inf


def safe_sqrt(x: Tensor) -> Tensor:
    """Square root with gradient 0 at 0."""
    zero = x == 0
    return torch.where(zero, torch.zeros_like(x), torch.where(zero, 1.0, x).sqrt())


def mean_over(x: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """Mean over axes; the way back spreads what comes in, where that of torch writes it out for every entry."""
    axes = (dim,) if isinstance(dim, int) else dim
    return x.sum(axes) / math.prod([x.shape[axis] for axis in axes])


def variance_over(x: Tensor, dim: Sequence[int], ddof: float, where: Tensor | None = None) -> Tensor:
    """Variance over axes with divisor n - ddof, in two passes."""
    dims = list(dim)
    if where is None:
        return Variance.apply(x, tuple(dims), ddof)[0].squeeze(tuple(dims))
    x, where = torch.broadcast_tensors(x, where)
    weight = where.to(x.dtype)
    total = weight.sum(dim=dims, keepdim=True)
    centered = (x - (x * weight).sum(dim=dims, keepdim=True) / total) * weight
    return centered.square().sum(dim=dims) / (weight.sum(dim=dims) - ddof)


class Variance(torch.autograd.Function):
    """The gradient is 2 (x - mean) / (n - ddof). Has a form for torch.vmap."""

    @staticmethod
    @with_signature
    def forward(x: Tensor, dim: tuple[int, ...], ddof: float) -> tuple[Tensor, Tensor]:
        """The variance (the axes keep size 1), and the mean."""
        mean = x.mean(dim, keepdim=True)
        return (x - mean).square_().sum(dim, keepdim=True) / divisor_of(x, dim, ddof), mean

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, tuple[int, ...], float], output: tuple[Tensor, Tensor]) -> None:
        """The value and its mean are kept."""
        x, dim, ddof = inputs
        ctx.divisor = divisor_of(x, dim, ddof)
        ctx.save_for_backward(x, output[1])
        ctx.mark_non_differentiable(output[1])
        ctx.set_materialize_grads(False)

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor, _mean: None) -> tuple[Tensor, None, None]:
        """The gradient, times what comes in."""
        x, mean = ctx.saved_tensors
        return (x - mean).mul_(2 * grad / ctx.divisor), None, None

    @staticmethod
    def vmap(
        _info: Any, places: tuple[int, None, None], x: Tensor, dim: tuple[int, ...], ddof: float
    ) -> tuple[tuple[Tensor, Tensor], int]:
        """The same on one more axis in front."""
        return Variance.apply(x.movedim(places[0], 0), axes_behind(dim), ddof), 0


def divisor_of(x: Tensor, dim: Sequence[int], ddof: float) -> Tensor:
    """The number of entries along axes less ddof, as a tensor: what is divided by 0 is NaN."""
    return x.new_tensor(math.prod([x.shape[axis] for axis in dim]) - ddof)


def masked_mean(x: Tensor, where: Tensor, dim: Sequence[int]) -> Tensor:
    """Mean over the true entries."""
    x, where = torch.broadcast_tensors(x, where)
    kept = torch.where(where, x, torch.zeros_like(x))
    return kept.sum(dim=list(dim)) / where.sum(dim=list(dim))


def masked_sum(x: Tensor, where: Tensor, dim: Sequence[int]) -> Tensor:
    """Sum over the true entries."""
    x, where = torch.broadcast_tensors(x, where)
    return torch.where(where, x, torch.zeros_like(x)).sum(dim=list(dim))


def masked_count(x: Tensor, where: Tensor, dim: Sequence[int]) -> Tensor:
    """The number of true entries."""
    x, where = torch.broadcast_tensors(x, where)
    return where.sum(dim=list(dim)).to(x.dtype)


def kept_where(x: Tensor, where: Tensor) -> Tensor:
    """The true entries, and minus infinity elsewhere."""
    return torch.where(where, x, torch.full((), -math.inf, dtype=x.dtype, device=x.device))


def largest_over(x: Tensor, dim: Sequence[int]) -> Tensor:
    """Largest entry over axes; the gradient is shared among equals."""
    return x.amax(dim=list(dim))


def log_softmax_over(x: Tensor, dim: Sequence[int]) -> Tensor:
    """The value minus its log-sum-exp over axes."""
    if len(dim) == 1:
        return x.log_softmax(dim[0])
    return x - x.logsumexp(dim=list(dim), keepdim=True)
