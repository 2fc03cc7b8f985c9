"""Sums of squared products of rows that processes share, with gradients of their own: the cheaper side of two.

As in `losslang.backend.fused_of_all`: what is sent begins at once, and is waited for where the value is needed.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from losslang.algebra.ways import ways_of_cross_squares, ways_of_squares
from losslang.backend.fused import squared_entries, symmetric_product
from losslang.backend.precision import in_own_precision
from losslang.networks.exchange import begun_in_place
from losslang.networks.processes import Later, Share

__all__: list[str] = []


def squared_products_of_all(x: Tensor, y: Tensor | None, scale: float | Tensor, share: Share, *, hollow: bool) -> Later:
    """[…]: a part of Σ (scale · xᵀy)² over the entries of [k, k'], from own rows x, y [..., own row, k]; y is x if None.

    The parts of all processes sum to it, and the gradient that comes back is that of the sum.
    """
    sizes = (share.rows, x.shape[-1], len(share.counts))
    if y is None:
        by_rows = share.by_rows(x, *ways_of_squares(*sizes))
        return squares_of_all(x, scale, share, by_rows, "columns" if hollow else "nothing")
    if share.by_rows(x, *ways_of_cross_squares(*sizes)):
        coming = share.begin_rows(x.detach(), y.detach())
        return Later(lambda: CrossSquaresByRows.apply(x, y, coming.wait(), scale, share, hollow))
    products = begun_in_place((x.detach().mT @ y.detach()).mul_(scale))
    return Later(lambda: CrossSquaresBySums.apply(x, y, products(), scale, share, hollow))


def squared_similarities_of_all(x: Tensor, scale: float | Tensor, share: Share, *, hollow: bool) -> Later:
    """[…]: a part of Σ (scale · x xᵀ)² over the entries of [row, row'], which is that of [k, k'] but for what is hollow."""
    by_rows = share.by_rows(x, *ways_of_squares(share.rows, x.shape[-1], len(share.counts)))
    return squares_of_all(x, scale, share, by_rows, "rows" if hollow else "nothing")


def squares_of_all(x: Tensor, scale: float | Tensor, share: Share, by_rows: bool, hollow: str) -> Later:  # noqa: FBT001
    """A part of ‖x xᵀ‖² = ‖xᵀx‖²; of [k, k'] or [row, row'] the diagonal does not count where `hollow` is "columns" or "rows"."""
    if by_rows:
        coming = share.begin_rows(x.detach())
        return Later(lambda: SquaresByRows.apply(x, *coming.wait(), scale, share, hollow))
    products = begun_in_place(symmetric_product(x.detach().mT).mul_(scale))
    return Later(lambda: SquaresBySums.apply(x, products(), scale, share, hollow))


class SquaresBySums(torch.autograd.Function):
    """The gradient of own rows is 4 scale · x (xᵀx)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, products: Tensor, scale: float | Tensor, share: Share, hollow: str) -> Tensor:
        """A part of the sum, from scale · xᵀx of all rows."""
        if hollow == "columns":
            products.diagonal(dim1=-2, dim2=-1).mul_(0)
        value, lengths = squared_entries(products) / len(share.counts), None
        if hollow == "rows":
            lengths = x.square().sum(-1, keepdim=True) * scale
            value = value - lengths.square().sum((-2, -1))
        ctx.scale = scale
        ctx.save_for_backward(x, products, lengths)
        return value

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Through the same side."""
        x, products, lengths = ctx.saved_tensors
        grad_x = x @ products
        if lengths is not None:
            grad_x.addcmul_(x, lengths, value=-1)
        return grad_x.mul_((4 * ctx.scale * grad)[..., None, None]), None, None, None, None


class SquaresByRows(torch.autograd.Function):
    """The gradient of own rows is 4 scale · (own rows of x xᵀ) x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, whole: Tensor, scale: float | Tensor, share: Share, hollow: str) -> Tensor:
        """A part of the sum, from own rows and those of all."""
        products = (x @ whole.mT).mul_(scale)
        if hollow == "rows":
            products.diagonal(share.start, dim1=-2, dim2=-1).mul_(0)
        value, lengths = squared_entries(products), None
        if hollow == "columns":
            lengths = whole.square().sum(-2, keepdim=True) * scale
            value = value - lengths.square().sum((-2, -1)) / len(share.counts)
        ctx.scale = scale
        ctx.save_for_backward(x, whole, products, lengths)
        return value

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Through the same side."""
        x, whole, products, lengths = ctx.saved_tensors
        grad_x = products @ whole
        if lengths is not None:
            grad_x.addcmul_(x, lengths, value=-1)
        return grad_x.mul_((4 * ctx.scale * grad)[..., None, None]), None, None, None, None


class CrossSquaresBySums(torch.autograd.Function):
    """‖xᵀy‖²: the gradients of own rows are 2 scale · y (xᵀy)ᵀ and 2 scale · x (xᵀy)."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        y: Tensor,
        products: Tensor,
        scale: float | Tensor,
        share: Share,
        hollow: bool,  # noqa: FBT001
    ) -> Tensor:
        """A part of the sum, from scale · xᵀy of all rows."""
        if hollow:
            products.diagonal(dim1=-2, dim2=-1).mul_(0)
        ctx.scale = scale
        ctx.save_for_backward(x, y, products)
        return squared_entries(products) / len(share.counts)

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Through the same side."""
        x, y, products = ctx.saved_tensors
        factor = (2 * ctx.scale * grad)[..., None, None]
        return (y @ products.mT).mul_(factor), (x @ products).mul_(factor), None, None, None, None


class CrossSquaresByRows(torch.autograd.Function):
    """‖xᵀy‖² = ⟨x xᵀ, y yᵀ⟩: the gradients of own rows are 2 scale · (own rows of y yᵀ) x, and so for y."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        y: Tensor,
        whole: tuple[Tensor, Tensor],
        scale: float | Tensor,
        share: Share,
        hollow: bool,  # noqa: FBT001
    ) -> Tensor:
        """A part of the sum, from own rows and those of all."""
        of_x, of_y = whole
        one, two = (x @ of_x.mT).mul_(scale), (y @ of_y.mT).mul_(scale)
        value, diagonal = (one * two).sum((-2, -1)), None
        if hollow:
            diagonal = (of_x * of_y).sum(-2, keepdim=True) * scale
            value = value - diagonal.square().sum((-2, -1)) / len(share.counts)
        ctx.scale = scale
        ctx.save_for_backward(of_x, of_y, one, two, diagonal, torch.stack([x, y]) if hollow else None)
        return value

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Through the same side."""
        x, y, one, two, diagonal, own = ctx.saved_tensors
        grad_x, grad_y = two @ x, one @ y
        if diagonal is not None:
            grad_x.addcmul_(own[1], diagonal, value=-1)
            grad_y.addcmul_(own[0], diagonal, value=-1)
        factor = (2 * ctx.scale * grad)[..., None, None]
        return grad_x.mul_(factor), grad_y.mul_(factor), None, None, None, None
