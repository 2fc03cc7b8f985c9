"""Torch forms of fused operations, with gradients of their own. Each needs torch alone."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from losslang.backend.precision import in_own_precision
from losslang.backend.spectral import cholesky_factor

__all__: list[str] = []


# ---------------------------------------------------------------- statistics


def squared_length(x: Tensor) -> Tensor:
    """Σ x² over every axis."""
    return SquaredLength.apply(x)


class SquaredLength(torch.autograd.Function):
    """The gradient is 2 x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """The sum."""
        ctx.save_for_backward(x)
        return torch.linalg.vector_norm(x).square()

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        """Twice the value, times what comes in."""
        (x,) = ctx.saved_tensors
        return x * (2 * grad)


def standardized(x: Tensor, dim: tuple[int, ...], ddof: float, eps: float) -> Tensor:
    """Mean 0 and deviation 1 along axes: (x - mean) / sqrt(variance + eps), variance with divisor n - ddof."""
    return Standardized.apply(x, dim, ddof, eps)


class Standardized(torch.autograd.Function):
    """The way back takes off the gradient's mean and its part along the values."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: tuple[int, ...], ddof: float, eps: float) -> Tensor:
        """The values, which are kept with what they were divided by."""
        count = math.prod([x.shape[axis] for axis in dim])
        divisor = torch.as_tensor(count - ddof, dtype=x.dtype, device=x.device)
        values = x - x.mean(dim, keepdim=True)
        deviation = (values.square().sum(dim, keepdim=True) / divisor + eps).sqrt()
        values.div_(deviation)
        ctx.dim, ctx.divisor = dim, divisor
        ctx.save_for_backward(values, deviation)
        return values

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        """Over the deviation, what is left of the gradient."""
        values, deviation = ctx.saved_tensors
        products = grad * values
        along = products.sum(ctx.dim, keepdim=True) / ctx.divisor
        torch.addcmul(grad, values, along, value=-1, out=products)
        return products.sub_(grad.mean(ctx.dim, keepdim=True)).div_(deviation), None, None, None


# ---------------------------------------------------------------- sums of squares


def squared_products(x: Tensor, y: Tensor | None, scale: float | Tensor, *, hollow: bool) -> Tensor:
    """[…]: Σ (scale · xᵀy)² over the entries of [k, k'], from x, y [..., m, k]; y is x if None; hollow: without i = j.

    ‖XᵀY‖² = ⟨XXᵀ, YYᵀ⟩, so the matrix is [m, m'] where that is the smaller one (Garrido et al. 2022).
    """
    if y is None:
        return SquaredProducts.apply(x, scale, hollow)
    return SquaredCrossProducts.apply(x, y, scale, hollow)


class SquaredProducts(torch.autograd.Function):
    """Of x with itself: the gradient is 4 scale · x (scale · xᵀx)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: float | Tensor, hollow: bool) -> Tensor:  # noqa: FBT001
        """The sum; the matrix is kept for the way back."""
        few = x.shape[-2] < x.shape[-1]
        matrix = symmetric_product(x if few else x.mT).mul_(scale)
        diagonal = None
        if hollow and few:
            diagonal = x.square().sum(-2) * scale
        elif hollow:
            matrix.diagonal(dim1=-2, dim2=-1).mul_(0)
        value = squared_entries(matrix)
        ctx.scale = scale
        ctx.save_for_backward(x, matrix, diagonal)
        return value if diagonal is None else value - diagonal.square().sum(-1)

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        """Through the same side."""
        x, matrix, diagonal = ctx.saved_tensors
        few = x.shape[-2] < x.shape[-1]
        grad_x = matrix @ x if few else x @ matrix
        if diagonal is not None:
            grad_x.addcmul_(x, diagonal.unsqueeze(-2), value=-1)
        return grad_x.mul_((4 * ctx.scale * grad)[..., None, None]), None, None


class SquaredCrossProducts(torch.autograd.Function):
    """Of x with y: the gradients are 2 scale · y (scale · xᵀy)ᵀ and 2 scale · x (scale · xᵀy)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, scale: float | Tensor, hollow: bool) -> Tensor:  # noqa: FBT001
        """The sum; the matrix, or both of the smaller ones, are kept for the way back."""
        diagonal, ctx.scale = None, scale
        if x.shape[-2] >= x.shape[-1]:
            products = (x.mT @ y).mul_(scale)
            if hollow:
                products.diagonal(dim1=-2, dim2=-1).mul_(0)
            ctx.save_for_backward(x, y, products, None, None)
            return squared_entries(products)
        one, two = symmetric_product(x).mul_(scale), symmetric_product(y).mul_(scale)
        value = (one * two).sum((-2, -1))
        if hollow:
            diagonal = (x * y).sum(-2) * scale
            value = value - diagonal.square().sum(-1)
        ctx.save_for_backward(x, y, one, two, diagonal)
        return value

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        """Through the same side."""
        x, y, one, two, diagonal = ctx.saved_tensors
        grad_x = y @ one.mT if two is None else two @ x
        grad_y = x @ one if two is None else one @ y
        if diagonal is not None:
            grad_x.addcmul_(y, diagonal.unsqueeze(-2), value=-1)
            grad_y.addcmul_(x, diagonal.unsqueeze(-2), value=-1)
        factor = (2 * ctx.scale * grad)[..., None, None]
        return grad_x.mul_(factor), grad_y.mul_(factor), None, None


def symmetric_product(rows: Tensor) -> Tensor:
    """[..., p, p']: rows rowsᵀ of rows [..., p, q]; where there are many, products of different rows are computed once."""
    p = rows.shape[-2]
    step = rows_at_once(p)
    if step >= p:
        return rows @ rows.mT
    result = rows.new_empty(*rows.shape[:-1], p)
    for start in range(0, p, step):
        stop = min(start + step, p)
        part = rows[..., start:stop, :] @ rows[..., start:, :].mT
        result[..., start:stop, start:] = part
        result[..., stop:, start:stop] = part[..., stop - start :].mT
    return result


def rows_at_once(count: int) -> int:
    """How many rows of a symmetric matrix are computed at once: a quarter, but no fewer than 256."""
    return max(-(-count // 4), 256)


def squared_entries(matrix: Tensor) -> Tensor:
    """Σ of the squares of the entries of [..., rows, columns]."""
    return torch.linalg.vector_norm(matrix, dim=(-2, -1)).square()


# ---------------------------------------------------------------- log-dets and traces


def logdet_of_products(x: Tensor, scale: float | Tensor) -> Tensor:
    """[…]: log det(I + scale · xᵀx) of x [..., m, k], through the smaller of [m, m'] and [k, k'] (Sylvester)."""
    return LogDetOfProducts.apply(x, scale)


class LogDetOfProducts(torch.autograd.Function):
    """The gradient of log det(I + s rows rowsᵀ) is 2 s (I + s rows rowsᵀ)⁻¹ rows."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: float | Tensor) -> Tensor:
        """The log-det; the Cholesky factor is kept for the way back."""
        rows = x if x.shape[-2] < x.shape[-1] else x.mT
        gram = symmetric_product(rows).mul_(scale)
        gram.diagonal(dim1=-2, dim2=-1).add_(1)
        factor = cholesky_factor(gram)
        ctx.save_for_backward(x, factor, torch.as_tensor(scale, dtype=x.dtype, device=x.device))
        return 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """2 s M⁻¹ rows, times what comes in."""
        x, factor, scale = ctx.saved_tensors
        inverse = torch.cholesky_inverse(factor).mul_((2 * scale * grad)[..., None, None])
        return inverse @ x if x.shape[-2] < x.shape[-1] else x @ inverse, None


def trace_of_log(x: Tensor, y: Tensor, scale: float | Tensor, shift: float | Tensor, order: int) -> Tensor:
    """[…]: the trace of the Taylor polynomial of log(shift · I + scale · xᵀy) about the identity, x and y [..., m, k].

    tr f(c I + XᵀY) = tr f(c I + Y Xᵀ) + (k - m) f(c), so the matrix is the smaller one.
    """
    m, k = x.shape[-2:]
    if m >= k:
        return trace_of_shifted((x.mT @ y).mul_(scale), shift, order, 0)
    return trace_of_shifted((y @ x.mT).mul_(scale), shift, order, k - m)


def trace_of_shifted(matrix: Tensor, shift: float | Tensor, order: int, rest: int) -> Tensor:
    """The trace of the polynomial of shift · I + matrix, and `rest` times that of the shift alone."""
    away = shift - 1
    series = sum((-1) ** (n + 1) * away**n / n for n in range(1, order + 1))
    eye = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    return trace_of_series(matrix + away * eye, order) + rest * series


def trace_of_series(x: Tensor, order: int) -> Tensor:
    """tr(x - x²/2 + x³/3 - …): of xᵃxᵇ it takes only the entries of both factors."""
    powers = [x]
    while 2 * len(powers) < order:
        powers.append(powers[-1] @ x)
    total = x.diagonal(dim1=-2, dim2=-1).sum(-1)
    for n in range(2, order + 1):
        one, two = powers[(n + 1) // 2 - 1], powers[n // 2 - 1]
        total = total + (-1) ** (n + 1) / n * (one * two.mT).sum((-2, -1))
    return total
