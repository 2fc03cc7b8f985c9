"""Torch forms of fused operations on rows that processes share, with gradients of their own: the cheaper side of two.

Every process computes the whole loss and gradients are averaged (`losslang.networks.processes`). So what comes back for a value
that all have is summed over the processes, as single numbers, and own rows are given their gradient from what lies here.
`losslang.algebra.ways` has the two ways to each and the choice. What is sent begins at once, and is waited for where the value
is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from losslang.algebra.ways import ways_of_logdet, ways_of_trace
from losslang.backend.fused import symmetric_product, trace_of_log, trace_of_shifted
from losslang.backend.on_gpu import logsumexp_of_similarities
from losslang.backend.precision import in_own_precision
from losslang.backend.spectral import cholesky_factor
from losslang.networks.exchange import begun_in_place
from losslang.networks.processes import Later, Share, Sum

__all__: list[str] = []


def heard(grad: Tensor, *, alike: bool) -> Callable[[], Tensor]:
    """What all processes hold of a gradient begins to be summed; nothing is sent where it is everywhere the same."""
    return (lambda: grad * dist.get_world_size()) if alike else begun_in_place(grad.clone())


# ---------------------------------------------------------------- log-dets and traces


def logdet_of_products_of_all(x: Tensor, scale: float | Tensor, share: Share, *, alike: bool) -> Later:
    """[…]: log det(I + scale · xᵀx) = log det(I + scale · x xᵀ), from own rows x [..., own row, k].

    `alike`: the gradient that comes back is the same on every process.
    """
    if share.by_rows(x, *ways_of_logdet(share.rows, x.shape[-1], len(share.counts))):
        coming = share.begin_rows(x.detach())
        return Later(lambda: LogDetByRows.apply(x, *coming.wait(), scale, share, alike))
    products = begun_in_place(symmetric_product(x.detach().mT))
    return Later(lambda: LogDetBySums.apply(x, products(), scale, alike))


def factor_of(products: Tensor, scale: float | Tensor) -> Tensor:
    """The Cholesky factor of I + scale · products, which are written over."""
    matrix = products.mul_(scale)
    matrix.diagonal(dim1=-2, dim2=-1).add_(1)
    return cholesky_factor(matrix)


class LogDetBySums(torch.autograd.Function):
    """The gradient of own rows is 2 scale · x (I + scale · xᵀx)⁻¹."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        products: Tensor,
        scale: float | Tensor,
        alike: bool,  # noqa: FBT001
    ) -> Tensor:
        """The log-det, from xᵀx of all rows; every process has the same matrix and factors it."""
        factor, ctx.alike = factor_of(products, scale), alike
        ctx.save_for_backward(x, factor, torch.as_tensor(scale, dtype=x.dtype, device=x.device))
        return 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Through the same side."""
        x, factor, scale = ctx.saved_tensors
        of_all = heard(grad, alike=ctx.alike)
        grad_x = x @ torch.cholesky_inverse(factor)
        return grad_x.mul_((2 * scale * of_all())[..., None, None]), None, None, None


class LogDetByRows(torch.autograd.Function):
    """The gradient of own rows is 2 scale · own rows of (I + scale · x xᵀ)⁻¹ x."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        whole: Tensor,
        scale: float | Tensor,
        share: Share,
        alike: bool,  # noqa: FBT001
    ) -> Tensor:
        """The log-det, from the rows of all; every process has the same matrix, gathered from rows of it, and factors it."""
        (products,) = share.rows_of_all(x @ whole.mT)
        factor, ctx.start, ctx.alike = factor_of(products, scale), share.start, alike
        ctx.save_for_backward(x, whole, factor, torch.as_tensor(scale, dtype=x.dtype, device=x.device))
        return 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Through the same side."""
        x, whole, factor, scale = ctx.saved_tensors
        of_all = heard(grad, alike=ctx.alike)
        grad_x = torch.cholesky_inverse(factor).narrow(-2, ctx.start, x.shape[-2]) @ whole
        return grad_x.mul_((2 * scale * of_all())[..., None, None]), None, None, None, None


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
) -> Later:
    """[…]: tr f(shift · I + scale · xᵀy) from own rows x, y [..., own row, k], f as in `trace_of_log`; `of_rows`: of x yᵀ.

    `alike`: the gradient that comes back is the same on every process.
    """
    n, k = share.rows, x.shape[-1]
    if share.by_rows(x, *ways_of_trace(n, k, len(share.counts), order)):
        rows = share.begin_rows(x, y, alike=alike)
        return Later(lambda: trace_of_rows(rows.wait(), scale, shift, order, of_rows=of_rows))
    products = share.begin(Sum((x * scale).mT @ y, alike=alike))
    return Later(lambda: trace_of_shifted(products.wait()[0], shift, order, n - k if of_rows else 0))


def trace_of_rows(
    whole: tuple[Tensor, ...], scale: float | Tensor, shift: float | Tensor, order: int, *, of_rows: bool
) -> Tensor:
    """tr f(shift · I + scale · xᵀy) from the rows x, y of all, or of x yᵀ."""
    x, y = whole
    return trace_of_log(*((x.mT, y.mT) if of_rows else (x, y)), scale, shift, order)


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
