"""Torch forms of fused operations, with gradients of their own. Each needs torch alone, as those of `functions`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from losslang.backend.functions import cholesky_factor

__all__: list[str] = []


def rows_at_once(rows: int, columns: int) -> int:
    """How many rows of a matrix are computed at once: a quarter, or as many as have four million entries."""
    return max(min(-(-rows // 4), 2**22 // max(columns, 1)), 128)


# ---------------------------------------------------------------- sums of squares


def squared_products(x: Tensor, y: Tensor | None, scale: float | Tensor, *, hollow: bool) -> Tensor:
    """[…]: Σ (scale · xᵀy)² over the entries of [k, k'], from x, y [..., m, k]; y is x if None; hollow: without i = j.

    ‖XᵀY‖² = ⟨XXᵀ, YYᵀ⟩, so the matrix is [m, m'] where that is the smaller one; no more than a part of it is ever held.
    """
    return SquaredProducts.apply(x, y, scale, hollow)


class SquaredProducts(torch.autograd.Function):
    """The sum and its gradient in one walk over the matrix."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor | None, scale: float | Tensor, hollow: bool) -> Tensor:  # noqa: FBT001
        """The sum; the gradient is kept for the way back."""
        m, k = x.shape[-2:]
        if m >= k:
            value, *grads = (
                squares_of_gram(x.mT, scale, hollow=hollow)
                if y is None
                else squares_of_cross(x.mT, y.mT, scale, hollow=hollow)
            )
            grads = [grad.mT for grad in grads]
        elif y is None:
            value, *grads = squares_of_gram(x, scale, hollow=False)
        else:
            value, *grads = products_of_grams(x, y, scale)
        if m < k and hollow:
            other = x if y is None else y
            diagonal = (x * other).sum(-2, keepdim=True) * scale
            value = value - diagonal.square().sum((-2, -1))
            step = 2 * scale * diagonal
            grads[0] -= other * (2 * step if y is None else step)
            if y is not None:
                grads[1] -= x * step
        ctx.save_for_backward(*grads)
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """The kept gradient times what comes in."""
        grads = [grad[..., None, None] * kept for kept in ctx.saved_tensors]
        return grads[0], grads[1] if len(grads) > 1 else None, None, None


def squares_of_gram(rows: Tensor, scale: float | Tensor, *, hollow: bool) -> tuple[Tensor, Tensor]:
    """Σ (scale · rows rowsᵀ)² of rows [..., p, q], and its gradient; every product of two rows is computed once."""
    p = rows.shape[-2]
    step = rows_at_once(p, p)
    value = rows.new_zeros(rows.shape[:-2])
    grad = torch.zeros_like(rows)
    for start in range(0, p, step):
        here, rest = rows[..., start : start + step, :], rows[..., start:, :]
        gram = (here * scale) @ rest.mT
        if hollow:
            gram.diagonal(dim1=-2, dim2=-1).zero_()
        size = here.shape[-2]
        value = value + 2 * squared_length(gram) - squared_length(gram[..., :size])
        grad[..., start : start + size, :] += gram @ rest
        grad[..., start + size :, :] += gram[..., size:].mT @ here
    return value, grad * (4 * scale)


def squares_of_cross(x: Tensor, y: Tensor, scale: float | Tensor, *, hollow: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Σ (scale · x yᵀ)² of rows [..., p, q], and its gradients."""
    step = rows_at_once(x.shape[-2], y.shape[-2])
    value = x.new_zeros(x.shape[:-2])
    grad_x, grad_y = torch.empty_like(x), torch.zeros_like(y)
    for start in range(0, x.shape[-2], step):
        here = x[..., start : start + step, :]
        products = (here * scale) @ y.mT
        if hollow:
            products.diagonal(start, -2, -1).zero_()
        value = value + squared_length(products)
        grad_x[..., start : start + step, :] = products @ y
        grad_y += products.mT @ here
    return value, grad_x * (2 * scale), grad_y * (2 * scale)


def products_of_grams(x: Tensor, y: Tensor, scale: float | Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """scale² ⟨x xᵀ, y yᵀ⟩ of rows [..., m, k], and its gradients."""
    m = x.shape[-2]
    step = rows_at_once(m, m)
    value = x.new_zeros(x.shape[:-2])
    grad_x, grad_y = torch.zeros_like(x), torch.zeros_like(y)
    for start in range(0, m, step):
        one, two = x[..., start : start + step, :], y[..., start : start + step, :]
        size = one.shape[-2]
        gram_x = (one * scale) @ x[..., start:, :].mT
        gram_y = (two * scale) @ y[..., start:, :].mT
        both = gram_x * gram_y
        value = value + 2 * both.sum((-2, -1)) - both[..., :size].sum((-2, -1))
        for grad, rows, gram in ((grad_x, x, gram_y), (grad_y, y, gram_x)):
            grad[..., start : start + size, :] += gram @ rows[..., start:, :]
            grad[..., start + size :, :] += gram[..., size:].mT @ rows[..., start : start + size, :]
    return value, grad_x * (2 * scale), grad_y * (2 * scale)


def squared_length(matrix: Tensor) -> Tensor:
    """Σ of the squares of the entries."""
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
        gram = (rows * scale) @ rows.mT
        gram.diagonal(dim1=-2, dim2=-1).add_(1)
        factor = cholesky_factor(gram)
        ctx.save_for_backward(x, factor, torch.as_tensor(scale, dtype=x.dtype, device=x.device))
        return 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """2 s M⁻¹ rows, times what comes in."""
        x, factor, scale = ctx.saved_tensors
        inverse = torch.cholesky_inverse(factor) * (2 * scale * grad)[..., None, None]
        return inverse @ x if x.shape[-2] < x.shape[-1] else x @ inverse, None


def trace_of_log(x: Tensor, y: Tensor, scale: float | Tensor, shift: float | Tensor, order: int) -> Tensor:
    """[…]: the trace of the Taylor polynomial of log(shift · I + scale · xᵀy) about the identity, x and y [..., m, k].

    tr f(c I + XᵀY) = tr f(c I + Y Xᵀ) + (k - m) f(c), so the matrix is the smaller one.
    """
    m, k = x.shape[-2:]
    if m >= k:
        matrix, rest = (x * scale).mT @ y, 0
    else:
        matrix, rest = (y * scale) @ x.mT, k - m
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


# ---------------------------------------------------------------- similarities

KEPT = 2**26  # products of rows that are kept for the way back; more are computed again


def logsumexp_of_products(x: Tensor, y: Tensor | None, scale: float | Tensor, dropped: Sequence[int] = ()) -> Tensor:
    """[rows]: log Σⱼ exp(scale · xᵢ·yⱼ) of rows x [rows, k] and y [columns, k]; y is x if None.

    `dropped` are diagonals of [rows, columns] that do not count. The matrix is held once at most; where it is large it
    is never held, and computed again on the way back, some rows at a time (Gao et al. 2021; Dao et al. 2022).
    """
    return LogSumExpOfProducts.apply(x, y, scale, tuple(dropped))


class LogSumExpOfProducts(torch.autograd.Function):
    """The gradient is that of a softmax: Σⱼ softmaxᵢⱼ yⱼ to xᵢ, and Σᵢ softmaxᵢⱼ xᵢ to yⱼ."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor | None, scale: float | Tensor, dropped: tuple[int, ...]) -> Tensor:
        """The log-sum-exp of every row; the products are kept if they are few."""
        columns = x if y is None else y
        ctx.scale, ctx.dropped = scale, dropped
        few = len(x) * len(columns) <= KEPT
        kept, values = [], []
        for start, here in rows_in_parts(x, len(columns)):
            products = products_without(here * scale, columns, start, dropped)
            values.append(products.logsumexp(-1))
            kept += [products] if few else []
        result = torch.cat(values)
        ctx.save_for_backward(x, y, result, *kept)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Some rows at a time."""
        x, y, result, *kept = ctx.saved_tensors
        scale, dropped = ctx.scale, ctx.dropped
        columns = x if y is None else y
        grad = torch.where(result == -math.inf, 0.0, grad * scale)
        shift = torch.where(result == -math.inf, 0.0, result)
        grad_x = torch.empty_like(x)
        grad_y = None if y is None or not ctx.needs_input_grad[1] else torch.zeros_like(y)
        for part, (start, here) in enumerate(rows_in_parts(x, len(columns))):
            stop = start + len(here)
            products = kept[part] if kept else products_without(here * scale, columns, start, dropped)
            weights = (products - shift[start:stop, None]).exp_().mul_(grad[start:stop, None])
            if y is None:  # the products are symmetric, and every row is a column too
                weights += (products - shift).exp_().mul_(grad)
            grad_x[start:stop] = weights @ columns
            if grad_y is not None:
                grad_y += weights.mT @ here
        return grad_x, grad_y, None, None


def rows_in_parts(x: Tensor, columns: int) -> list[tuple[int, Tensor]]:
    """Consecutive rows, as many at once as have sixteen million products, and where they start."""
    step = max(min(-(-len(x) // 4), 2**24 // max(columns, 1)), 64)
    return [(start, x[start : start + step]) for start in range(0, len(x), step)]


def products_without(rows: Tensor, columns: Tensor, start: int, dropped: Sequence[int]) -> Tensor:
    """[rows, columns]: products, minus infinity on the diagonals `dropped` of the whole matrix, of which row `start` is first."""
    products = rows @ columns.mT
    for diagonal in dropped:
        if -len(rows) < diagonal + start < len(columns):
            products.diagonal(diagonal + start).fill_(-math.inf)
    return products


def chosen_rows(scores: Tensor, y: Tensor, dim: int) -> Tensor:
    """The rows of y [..., rows, k] where the scores are largest along `dim`, first among equals."""
    best = scores.argmax(dim)
    return y[best] if y.dim() == 2 else y.take_along_dim(best.unsqueeze(-1), -2)
