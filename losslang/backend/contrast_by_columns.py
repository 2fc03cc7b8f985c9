"""Contrast of few long rows: what products weigh is kept, and unit rows and gradients are made some columns at a time.

Needs torch alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losslang.backend.fused import rows_at_once
from losslang.backend.lengths import scaled_rows
from losslang.backend.precision import in_own_precision
from losslang.backend.weights import add_gradients, into_weights, less_part_along, symmetrized

__all__: list[str] = []


class ContrastByColumns(torch.autograd.Function):
    """As `ContrastOfProducts`, where weights are far fewer than the gradients, or held anyway: the operands are there, too."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        y: Tensor | None,
        scale: float | Tensor,
        diagonals: Sequence[Sequence[int]],
        walks: Sequence[tuple[int, int, bool]],
        units: Sequence[float | None],
    ) -> Tensor:
        """The value; operands, their lengths, and the weights are kept."""
        lengths = [lengths_of(value, eps) for value, eps in zip((x, y), units, strict=True)]
        weights = products_by_columns((x, y), lengths, units, walks)
        total = x.new_zeros(())
        for matrix, (one, two, mirrored) in zip(weights, walks, strict=True):
            total += into_weights(matrix.mul_(scale), 0, diagonals, len(matrix), mirrored=mirrored)
            if y is None and one == two:
                symmetrized(matrix)
        ctx.scale, ctx.walks, ctx.units = scale, walks, units
        ctx.save_for_backward(x, y, *lengths, *weights)
        return total / x.shape[1]

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Some columns at a time; what is left along the rows is taken off at the end."""
        x, y, *saved = ctx.saved_tensors
        given, lengths, weights = (x, y), saved[:2], saved[2:]
        wanted = zip(given, ctx.needs_input_grad, strict=False)
        grads = [torch.zeros_like(value) if value is not None and need else None for value, need in wanted]
        along: list[Any] = [0.0, 0.0]
        for some in stretches_of_columns(x):
            rows = [unit_columns(*one, some) for one in zip(given, lengths, ctx.units, strict=True)]
            here = [None if of is None else of[..., some] for of in grads]
            columns_of_gradients(rows, here, weights, ctx.walks)
            for n, (row, part, length) in enumerate(zip(rows, here, lengths, strict=True)):
                if row is not None and part is not None and length is not None:
                    along[n] = row.mul_(part).sum(-1, keepdim=True).add_(along[n])
            del rows, row  # before the next ones are made
        for n, (of, length) in enumerate(zip(grads, lengths, strict=True)):
            if of is not None and length is not None:
                less_part_along(of, given[n], along[n], length, ctx.units[n])
            if of is not None:
                of.mul_(grad * ctx.scale / x.shape[1])
        return *grads, *[None] * 4


def lengths_of(x: Tensor | None, eps: float | None) -> Tensor | None:
    """[..., rows, 1]: the lengths of rows that are divided by them."""
    return None if x is None or eps is None else scaled_rows(x, (-1,))[2]


def stretches_of_columns(x: Tensor) -> list[slice]:
    """An eighth of the columns at once, but no fewer than 128."""
    count = x.shape[-1]
    step = max(-(-count // 8), 128)
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]


def unit_columns(x: Tensor | None, length: Tensor | None, eps: float | None, some: slice) -> Tensor | None:
    """Some columns of the rows over their lengths, if there are any; else of the rows."""
    if x is None:
        return None
    return x[..., some] if length is None or eps is None else x[..., some] / length.clamp(min=eps)


def products_by_columns(
    given: Sequence[Tensor | None],
    lengths: Sequence[Tensor | None],
    units: Sequence[float | None],
    walks: Sequence[tuple[int, int, bool]],
) -> list[Tensor]:
    """[rows, columns]: the products of x with y for every pair of views."""
    x, y = given
    assert x is not None
    size = x.shape[1], (x if y is None else y).shape[1]
    found = [x.new_zeros(size) for _ in walks]
    for some in stretches_of_columns(x):
        one, two = (unit_columns(*row, some) for row in zip(given, lengths, units, strict=True))
        assert one is not None
        for matrix, (u, v, _) in zip(found, walks, strict=True):
            if two is None and u == v:
                add_upper_products(matrix, one[u])
            else:
                matrix.addmm_(one[u], (one if two is None else two)[v].mT)
        del one, two  # before the next ones are made
    for matrix, (u, v, _) in zip(found, walks, strict=True):
        if y is None and u == v:
            mirror_upper(matrix)
    return found


def add_upper_products(matrix: Tensor, rows: Tensor) -> None:
    """Adds rows rowsᵀ to a symmetric matrix: its blocks on the diagonal and above, which are computed once."""
    step = rows_at_once(len(rows))
    for start in range(0, len(rows), step):
        matrix[start : start + step, start:].addmm_(rows[start : start + step], rows[start:].mT)


def mirror_upper(matrix: Tensor) -> None:
    """Fills in the blocks below the diagonal."""
    step = rows_at_once(len(matrix))
    for stop in range(step, len(matrix), step):
        matrix[stop:, stop - step : stop] = matrix[stop - step : stop, stop:].mT


def columns_of_gradients(
    rows: Sequence[Tensor | None],
    grads: Sequence[Tensor | None],
    weights: Sequence[Tensor],
    walks: Sequence[tuple[int, int, bool]],
) -> None:
    """Adds what weights make of some columns of the rows to the same columns of the gradients."""
    (x, y), (of_x, of_y) = rows, grads
    assert x is not None
    alone = y is None
    y, of_y = (x, of_x) if y is None else (y, of_y)
    for matrix, (u, v, _) in zip(weights, walks, strict=True):
        if alone and u == v and of_x is not None:
            of_x[u].addmm_(matrix, x[u])
        else:
            add_gradients(matrix, x[u], y[v], (None if of_x is None else of_x[u], None if of_y is None else of_y[v]))
