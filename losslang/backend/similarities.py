"""Torch forms of fused operations on similarities of rows, with gradients of their own. Each needs torch alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losslang.backend.fused import symmetric_product
from losslang.backend.precision import in_own_precision

__all__: list[str] = []

KEPT = 2**26  # products of rows that are held at once; more are computed some rows at a time


def rows_in_parts(x: Tensor, columns: int, most: int | None = None) -> list[tuple[int, Tensor]]:
    """Consecutive rows, a quarter at once but no fewer than 256 (products of few rows are slow), and where they start.

    They are no more than `most`, and have no more than sixteen million products, where that leaves 64 rows.
    """
    step = max(min(max(-(-len(x) // 4), 256), most or len(x), 2**24 // max(columns, 1)), 64)
    if step >= len(x):
        return [(0, x)]  # one graph of torch.compile for all such batches
    return [(start, x[start : start + step]) for start in range(0, len(x), step)]


def products_but(products: Tensor, scale: float | Tensor, start: int, dropped: Sequence[int]) -> Tensor:
    """Products times the scale; minus infinity on diagonals `dropped` of the matrix of which these are rows `start` and on."""
    products.mul_(scale)
    for diagonal in crossed(products, start, dropped):
        diagonal.fill_(-math.inf)
    return products


def crossed(products: Tensor, start: int, diagonals: Sequence[int]) -> list[Tensor]:
    """The parts of diagonals of a matrix that lie in these rows of it, `start` and on."""
    rows, columns = products.shape
    return [products.diagonal(d + start) for d in diagonals if -rows < d + start < columns]


def into_softmax(products: Tensor, less: Tensor | None = None, *, empty: bool) -> Tensor:
    """[rows]: the log-sum-exps of rows of products, which are replaced by their softmax (zeros where nothing counts).

    `less` [rows] is taken off, from the largest entry first: where it is the largest, as that of a row that finds its own
    surely, nothing is lost to rounding. `empty` says that a row may hold nothing but minus infinity. A softmax takes a
    fraction of the time of its exponentials; the log-sum-exp is the largest entry less the logarithm of its share.
    """
    values, several = [], min(max(products.numel() // 8, 2**14), 2**17)
    step = max(several // products.shape[1], 1)
    taken = [] if less is None else less.unsqueeze(-1).split(step)
    for at, part in enumerate(products.split(step)):
        top = part.amax(-1, keepdim=True)
        part.copy_(part.softmax(-1))
        found = (top - taken[at] if taken else top) - part.amax(-1, keepdim=True).log()
        if empty:
            found = torch.where(top == -math.inf, top, found)
            part.masked_fill_(top == -math.inf, 0)
        values.append(found.squeeze(-1))
    return torch.cat(values) if len(values) > 1 else values[0]


# ---------------------------------------------------------------- log-sum-exps, row by row


def logsumexp_of_products(
    x: Tensor,
    y: Tensor | None,
    scale: float | Tensor,
    dropped: Sequence[int] = (),
    attracted: Sequence[int] = (),
) -> Tensor:
    """[rows]: log Σⱼ exp(scale · xᵢ·yⱼ) of rows x [rows, k] and y [columns, k]; y is x if None.

    Diagonals of [rows, columns], of x with itself symmetric ones: those `dropped` do not count, and the products on those
    `attracted` are taken off. The matrix is held once at most; where it is large it is never held, and computed again on the
    way back, some rows at a time (Gao et al. 2021; Dao et al. 2022).
    """
    return LogSumExpOfProducts.apply(x, y, scale, tuple(dropped), tuple(attracted))


class LogSumExpOfProducts(torch.autograd.Function):
    """The gradient is that of a softmax: Σⱼ softmaxᵢⱼ yⱼ to xᵢ, and Σᵢ softmaxᵢⱼ xᵢ to yⱼ; of what is attracted, less one."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        y: Tensor | None,
        scale: float | Tensor,
        dropped: tuple[int, ...],
        attracted: tuple[int, ...],
    ) -> Tensor:
        """The log-sum-exp of every row; the softmax is kept if it is small."""
        columns, shares = x if y is None else y, None
        held, found, pulled = len(x) * len(columns) <= KEPT, x.new_empty(len(x)), x.new_zeros(len(x))
        for start, here in [(0, x)] if held else rows_in_parts(x, len(columns)):
            products = (symmetric_product(x) if held and y is None else here @ columns.mT).mul_(scale)
            rows = slice(start, start + len(here))
            pulled[rows] = sums_on_diagonals(products, start, attracted)
            products_but(products, 1, start, dropped)
            found[rows] = into_softmax(products, pulled[rows], empty=len(dropped) >= len(columns))
            shares = less_one_on_diagonals(products, 0, attracted) if held else None
        ctx.scale, ctx.diagonals = scale, (dropped, attracted)
        ctx.save_for_backward(x, y, found + pulled, shares)
        return found

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Some rows at a time; what is symmetric, is a row and a column at once."""
        x, y, logs, shares = ctx.saved_tensors
        columns, grad = x if y is None else y, torch.where(logs == -math.inf, 0.0, grad * ctx.scale)
        grad_x = torch.zeros_like(x)
        grad_y = None if y is None or not ctx.needs_input_grad[1] else torch.zeros_like(y)
        for start, here in rows_in_parts(x, len(columns), 256 if shares is not None else None):
            rows = slice(start, start + len(here))
            if shares is not None:
                weights = shares[rows] * grad[rows, None]
                if y is None:
                    weights.addcmul_(shares[:, rows].mT, grad)
            else:
                products = products_but(here @ columns.mT, ctx.scale, start, ctx.diagonals[0])
                weights = (products - logs[rows, None]).exp_()
                weights = less_one_on_diagonals(weights, start, ctx.diagonals[1]).mul_(grad[rows, None])
                if y is None:
                    across = (products - logs).exp_()
                    weights += less_one_on_diagonals(across, start, ctx.diagonals[1]).mul_(grad)
            grad_x[rows].addmm_(weights, columns)
            if grad_y is not None:
                grad_y.addmm_(weights.mT, here)
            del weights  # before the next ones are made
        return grad_x, grad_y, None, None, None


def sums_on_diagonals(products: Tensor, start: int, diagonals: Sequence[int]) -> Tensor:
    """[rows]: for rows `start` and on of a matrix, the sums of their entries that lie on diagonals of it."""
    rows, columns = products.shape
    total = products.new_zeros(rows)
    for place in (d + start for d in diagonals):
        if -rows < place < columns:
            entries = products.diagonal(place)
            total.narrow(0, max(-place, 0), len(entries)).add_(entries)
    return total


def less_one_on_diagonals(weights: Tensor, start: int, diagonals: Sequence[int]) -> Tensor:
    """The weights of rows `start` and on of a matrix, from which one is taken off on diagonals of it."""
    for entries in crossed(weights, start, diagonals):
        entries.sub_(1)
    return weights
