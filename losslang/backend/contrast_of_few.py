"""Contrast of few long rows: what products weigh is kept, and the gradients are made on the way back.

Unit rows are never held: of the rows of a product some at a time are divided by their lengths, and the lengths of the others
divide the products. Needs torch alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losslang.backend.fused import rows_at_once
from losslang.backend.lengths import scaled_rows
from losslang.backend.precision import in_own_precision
from losslang.backend.weights import into_weights, less_part_along, symmetrized

__all__: list[str] = []


class ContrastOfFew(torch.autograd.Function):
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
        rows, columns = operands_of((x, y), lengths, units)
        weights, total = [], x.new_zeros(())
        for one, two, mirrored in walks:
            alone = y is None and one == two
            weights.append(products_of_units(rows(one), None if alone else columns(two), scale))
            total += into_weights(weights[-1], 0, diagonals, x.shape[1], mirrored=mirrored)
            if alone:
                symmetrized(weights[-1])
        ctx.scale, ctx.walks, ctx.units = scale, walks, units
        ctx.save_for_backward(x, y, *lengths, *weights)
        return total / x.shape[1]

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """What weights make of rows of unit length; what is left along the rows is taken off at the end."""
        x, y, *saved = ctx.saved_tensors
        lengths, weights, factor = saved[:2], saved[2:], grad * ctx.scale / x.shape[1]
        wanted = zip((x, y), ctx.needs_input_grad, strict=False)
        grads = [value.new_zeros(value.shape) if value is not None and need else None for value, need in wanted]
        of_x, of_y = grads[0], grads[0 if y is None else 1]
        rows, columns = operands_of((x, y), lengths, ctx.units)
        for matrix, (one, two, _) in zip(weights, ctx.walks, strict=True):
            if of_x is not None:
                add_weighted(of_x[one], matrix, columns(two))
            if of_y is not None and not (y is None and one == two):
                add_weighted(of_y[two], matrix.mT, rows(one))
        for of, value, length, eps in zip(grads, (x, y), lengths, ctx.units, strict=True):
            if of is not None and length is not None:
                less_part_along(of, value, length, eps, factor)
            elif of is not None:
                of.mul_(factor)
        return *grads, *[None] * 4


def lengths_of(x: Tensor | None, eps: float | None) -> Tensor | None:
    """[..., rows, 1]: the lengths of rows that are divided by them."""
    return None if x is None or eps is None else scaled_rows(x, (-1,))[2]


def operands_of(given: Sequence[Any], lengths: Sequence[Any], units: Sequence[float | None]) -> list[Any]:
    """For x and for y (which is x if None): from a view to its rows, and what divides them [rows, 1] or None."""
    near = [None if length is None else length.clamp(min=eps) for length, eps in zip(lengths, units, strict=True)]
    both = list(zip(given, near, strict=True))
    both[1] = both[0] if given[1] is None else both[1]
    return [lambda view, v=v, n=n: (v[view], None if n is None else n[view]) for v, n in both]


def products_of_units(
    rows: tuple[Tensor, Tensor | None], columns: tuple[Tensor, Tensor | None] | None, scale: float | Tensor
) -> Tensor:
    """[rows, columns]: scale times the products of rows over their lengths; those with themselves if columns are None."""
    (x, near_x), (y, near_y), alone = rows, columns or rows, columns is None
    matrix, step = x.new_zeros(len(x), len(y)), rows_at_once(len(x))
    for start in range(0, len(x), step):
        some, first = slice(start, start + step), start if alone else 0
        unit = x[some] if near_x is None else x[some] / near_x[some]
        matrix[some, first:].addmm_(unit, y[first:].mT)
        del unit  # before the next one is made
    matrix.mul_(scale if near_y is None else scale / near_y.mT)
    if alone:
        mirror_upper(matrix)
    return matrix


def mirror_upper(matrix: Tensor) -> None:
    """Fills in the blocks below the diagonal."""
    step = rows_at_once(len(matrix))
    for stop in range(step, len(matrix), step):
        matrix[stop:, stop - step : stop] = matrix[stop - step : stop, stop:].mT


def add_weighted(of: Tensor, weights: Tensor, rows: tuple[Tensor, Tensor | None]) -> None:
    """Adds weights [m, n] · rows [n, k] over their lengths to a gradient: the lengths divide what is smaller, part by part."""
    x, near = rows
    if near is None:
        of.addmm_(weights, x)
    elif weights.numel() <= x.numel():
        step = rows_at_once(len(weights))
        for part, some in zip(of.split(step), weights.split(step), strict=True):
            part.addmm_(some / near.mT, x)
    else:
        for some in stretches_of_columns(x):
            of[:, some].addmm_(weights, x[:, some] / near)


def stretches_of_columns(x: Tensor) -> list[slice]:
    """An eighth of the columns at once, but no fewer than 128."""
    count = x.shape[-1]
    step = max(-(-count // 8), 128)
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]
