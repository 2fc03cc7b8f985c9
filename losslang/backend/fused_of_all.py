"""Torch forms of fused operations on rows that processes share, with gradients of their own: the cheaper side of two.

Every process computes the whole loss and gradients are averaged (`losslang.networks.processes`). So what comes back for a value
that all have is summed over the processes, as single numbers, and own rows are given their gradient from what lies here.
`losslang.algebra.ways` has the two ways to each and the choice.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from losslang.algebra.ways import ways_of_cross_squares, ways_of_logdet, ways_of_squares, ways_of_trace
from losslang.backend.fused import squared_entries, symmetric_product, trace_of_log, trace_of_shifted
from losslang.backend.on_gpu import logsumexp_of_similarities
from losslang.backend.precision import in_own_precision
from losslang.backend.spectral import cholesky_factor
from losslang.networks.processes import Share, Sum

__all__: list[str] = []


def heard(grad: Tensor, *, alike: bool) -> Tensor:
    """What all processes hold of a gradient, summed; nothing is sent where it is everywhere the same."""
    return grad * dist.get_world_size() if alike else summed(grad.clone())


def summed(partial: Tensor) -> Tensor:
    """What every process made of its rows, summed in place, without gradient."""
    partial = partial.contiguous()
    dist.all_reduce(partial)
    return partial


# ---------------------------------------------------------------- sums of squares


def squared_products_of_all(
    x: Tensor, y: Tensor | None, scale: float | Tensor, share: Share, *, hollow: bool
) -> Tensor:
    """[…]: a part of Σ (scale · xᵀy)² over the entries of [k, k'], from own rows x, y [..., own row, k]; y is x if None.

    The parts of all processes sum to it, and the gradient that comes back is that of the sum.
    """
    sizes = (share.rows, x.shape[-1], len(share.counts))
    if y is None:
        by_rows = share.by_rows(x, *ways_of_squares(*sizes))
        return SquaresOfAll.apply(x, scale, share, by_rows, "columns" if hollow else "nothing")
    by_rows = share.by_rows(x, *ways_of_cross_squares(*sizes))
    return CrossSquaresOfAll.apply(x, y, scale, share, by_rows, hollow)


def squared_similarities_of_all(x: Tensor, scale: float | Tensor, share: Share, *, hollow: bool) -> Tensor:
    """[…]: a part of Σ (scale · x xᵀ)² over the entries of [row, row'], which is that of [k, k'] but for what is hollow."""
    by_rows = share.by_rows(x, *ways_of_squares(share.rows, x.shape[-1], len(share.counts)))
    return SquaresOfAll.apply(x, scale, share, by_rows, "rows" if hollow else "nothing")


class SquaresOfAll(torch.autograd.Function):
    """‖x xᵀ‖² = ‖xᵀx‖²: the gradient of own rows is 4 scale · (own rows of x xᵀ) x = 4 scale · own x (xᵀx)."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        scale: float | Tensor,
        share: Share,
        by_rows: bool,  # noqa: FBT001
        hollow: str,
    ) -> Tensor:
        """A part of the sum; of [k, k'] or [row, row'] the diagonal does not count where `hollow` is "columns" or "rows"."""
        (whole,) = share.rows_of_all(x) if by_rows else (None,)
        matrix = symmetric_product(x.mT).mul_(scale) if whole is None else (x @ whole.mT).mul_(scale)
        matrix = matrix if by_rows else summed(matrix)
        diagonal = None
        if hollow == "rows" and by_rows:
            matrix.diagonal(share.start, dim1=-2, dim2=-1).zero_()
        elif hollow == "columns" and not by_rows:
            matrix.diagonal(dim1=-2, dim2=-1).zero_()
        elif hollow == "rows":
            diagonal = x.square().sum(-1, keepdim=True) * scale
        elif whole is not None and hollow == "columns":
            diagonal = whole.square().sum(-2, keepdim=True) * scale
        world = len(share.counts)
        value = squared_entries(matrix) if by_rows else squared_entries(matrix) / world
        if diagonal is not None:
            value = value - diagonal.square().sum((-2, -1)) / (1 if hollow == "rows" else world)
        ctx.scale = scale
        ctx.save_for_backward(x, whole, matrix, diagonal)
        return value

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Through the same side."""
        x, whole, matrix, diagonal = ctx.saved_tensors
        grad_x = x @ matrix if whole is None else matrix @ whole
        if diagonal is not None:
            grad_x.addcmul_(x, diagonal, value=-1)
        return grad_x.mul_((4 * ctx.scale * grad)[..., None, None]), None, None, None, None


class CrossSquaresOfAll(torch.autograd.Function):
    """‖xᵀy‖² = ⟨x xᵀ, y yᵀ⟩: the gradients of own rows are 2 scale · y (xᵀy)ᵀ = 2 scale · (own rows of y yᵀ) x, and so for y."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        y: Tensor,
        scale: float | Tensor,
        share: Share,
        by_rows: bool,  # noqa: FBT001
        hollow: bool,  # noqa: FBT001
    ) -> Tensor:
        """A part of the sum."""
        ctx.scale, ctx.by_rows, world = scale, by_rows, len(share.counts)
        if not by_rows:
            products = summed((x.mT @ y).mul_(scale))
            if hollow:
                products.diagonal(dim1=-2, dim2=-1).zero_()
            ctx.save_for_backward(x, y, products, None, None, None)
            return squared_entries(products) / world
        of_x, of_y = share.rows_of_all(x, y)
        one, two = (x @ of_x.mT).mul_(scale), (y @ of_y.mT).mul_(scale)
        value, diagonal = (one * two).sum((-2, -1)), None
        if hollow:
            diagonal = (of_x * of_y).sum(-2, keepdim=True) * scale
            value = value - diagonal.square().sum((-2, -1)) / world
        ctx.save_for_backward(of_x, of_y, one, two, diagonal, torch.stack([x, y]) if hollow else None)
        return value

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Through the same side."""
        x, y, one, two, diagonal, own = ctx.saved_tensors
        grad_x, grad_y = (two @ x, one @ y) if ctx.by_rows else (y @ one.mT, x @ one)
        if diagonal is not None:
            grad_x.addcmul_(own[1], diagonal, value=-1)
            grad_y.addcmul_(own[0], diagonal, value=-1)
        factor = (2 * ctx.scale * grad)[..., None, None]
        return grad_x.mul_(factor), grad_y.mul_(factor), None, None, None, None


# ---------------------------------------------------------------- log-dets and traces


def logdet_of_products_of_all(x: Tensor, scale: float | Tensor, share: Share, *, alike: bool) -> Tensor:
    """[…]: log det(I + scale · xᵀx) = log det(I + scale · x xᵀ), from own rows x [..., own row, k].

    `alike`: the gradient that comes back is the same on every process.
    """
    by_rows = share.by_rows(x, *ways_of_logdet(share.rows, x.shape[-1], len(share.counts)))
    return LogDetOfAll.apply(x, scale, share, by_rows, alike)


class LogDetOfAll(torch.autograd.Function):
    """The gradient of own rows is 2 scale · x (I + scale · xᵀx)⁻¹ = 2 scale · own rows of (I + scale · x xᵀ)⁻¹ x."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        scale: float | Tensor,
        share: Share,
        by_rows: bool,  # noqa: FBT001
        alike: bool,  # noqa: FBT001
    ) -> Tensor:
        """The log-det; every process has the same matrix and factors it."""
        (whole,) = share.rows_of_all(x) if by_rows else (None,)
        matrix = summed(symmetric_product(x.mT)) if whole is None else share.rows_of_all(x @ whole.mT)[0]
        matrix = matrix * scale
        matrix.diagonal(dim1=-2, dim2=-1).add_(1)
        factor = cholesky_factor(matrix)
        ctx.start, ctx.alike = share.start, alike
        ctx.save_for_backward(x, whole, factor, torch.as_tensor(scale, dtype=x.dtype, device=x.device))
        return 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Through the same side."""
        x, whole, factor, scale = ctx.saved_tensors
        inverse = torch.cholesky_inverse(factor) * (2 * scale * heard(grad, alike=ctx.alike))[..., None, None]
        if whole is None:
            return x @ inverse, None, None, None, None
        return inverse.narrow(-2, ctx.start, x.shape[-2]) @ whole, None, None, None, None


def trace_of_log_of_all(
    x: Tensor,
    y: Tensor,
    scale: float | Tensor,
    shift: float | Tensor,
    order: int,
    share: Share,
    *,
    of_rows: bool,
    alike: bool,
) -> Tensor:
    """[…]: tr f(shift · I + scale · xᵀy) from own rows x, y [..., own row, k], f as in `trace_of_log`; `of_rows`: of x yᵀ.

    `alike`: the gradient that comes back is the same on every process.
    """
    n, k = share.rows, x.shape[-1]
    if share.by_rows(x, *ways_of_trace(n, k, len(share.counts), order)):
        one, two = share.rows_of_all(x, y, alike=alike)
        return trace_of_log(*((one.mT, two.mT) if of_rows else (one, two)), scale, shift, order)
    (matrix,) = share.exchange(Sum((x * scale).mT @ y, alike=alike))
    return trace_of_shifted(matrix, shift, order, n - k if of_rows else 0)


# ---------------------------------------------------------------- similarities


def logsumexp_of_all_similarities(
    x: Tensor, columns: Tensor, scale: float | Tensor, dropped: str, views: int, given: torch.dtype
) -> Tensor:
    """[own row]: log Σⱼ exp(scale · xᵢ·yⱼ) of own rows x [own row, k] with the rows y of all, `columns` [row, k].

    Rows are those of `views` views, one after the other. `dropped` says what does not count: the row itself, the other `views`
    of its image, or all of the `image`. Own rows are the first columns of a view, so that what is dropped are diagonals.
    """
    if dropped == "nothing":
        return logsumexp_of_similarities(x, columns, scale, (), given)
    own, rows, parts = len(x) // views, len(columns) // views, []
    for view in range(views):
        gone = tuple(at * rows for at in range(views) if DROPPED[dropped](at, view))
        parts.append(logsumexp_of_similarities(x[view * own : (view + 1) * own], columns, scale, gone, given))
    return torch.cat(parts)


DROPPED = {
    "self": lambda at, view: at == view,
    "views": lambda at, view: at != view,
    "image": lambda _at, _view: True,
}
"""Whether the rows of a view that are of the same image do not count."""
