"""Torch forms of contrast: the mean of log-sum-exps of similarities, less what is attracted. Each needs torch alone.

Each row weighs the same, so the gradient is known as soon as the value is: scale / rows · Σⱼ (softmaxᵢⱼ - shareᵢⱼ) yⱼ to xᵢ,
where attracted entries share one, and likewise to yⱼ. Of few long rows these weights are kept and the gradient is computed
on the way back (`contrast_of_few`); of many the gradient is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losslang.backend.contrast_of_few import ContrastOfFew
from losslang.backend.fused import symmetric_product
from losslang.backend.lengths import scaled_rows
from losslang.backend.precision import in_own_precision
from losslang.backend.similarities import KEPT, rows_in_parts
from losslang.backend.weights import add_gradients, beside_weights, into_weights, less_part_along, symmetrized

__all__: list[str] = []


def contrast_of_products(
    x: Tensor,
    y: Tensor | None,
    scale: float | Tensor,
    dropped: Sequence[int] = (),
    attracted: Sequence[int] = (),
    pairs: Sequence[tuple[int, int]] | None = None,
    beside: Tensor | None = None,
    units: Sequence[float | None] = (None, None, None),
) -> Tensor:
    """The mean over rows i of log Σⱼ exp(scale · xᵢ·yⱼ) less that of scale · xᵢ·yⱼ on the diagonals `attracted`.

    Of rows x [rows, k] and y [columns, k] (y is x if None), where `dropped` diagonals of [rows, columns] do not count; with
    `pairs` of x [view, rows, k] and y [view, columns, k], the sum over those pairs of views. With `beside` [rows, k] every x
    has one more product, with its own row there, and that is attracted. Where `units` has an eps for x, y or beside, its rows
    are divided by max(length, eps) first.
    """
    if pairs is None:
        x, y = x.unsqueeze(0), None if y is None else y.unsqueeze(0)
        beside = None if beside is None else beside.unsqueeze(0)
    diagonals = tuple(dropped), tuple(attracted)
    walks = walks_of_pairs(x, y, diagonals, pairs or ((0, 0),))
    wanted = [torch.is_grad_enabled() and value is not None and value.requires_grad for value in (x, y, beside)]
    if beside is None and any(wanted) and weights_are_few(x, y, walks, wanted):
        return ContrastOfFew.apply(x, y, scale, diagonals, walks, units[:2])
    return ContrastOfProducts.apply(x, y, beside, scale, diagonals, walks, units, wanted)


def weights_are_few(
    x: Tensor, y: Tensor | None, walks: Sequence[tuple[int, int, bool]], wanted: Sequence[bool]
) -> bool:
    """Whether there are no more than half as many as entries of gradients, or they are held at once anyway."""
    rows, columns = x.shape[1], (x if y is None else y).shape[1]
    gradients = sum(v.numel() for v, w in zip((x, y), wanted, strict=False) if v is not None and w)
    held = len(walks) == 1 and y is None and rows**2 <= KEPT and (walks[0][0] == walks[0][1] or walks[0][2])
    return held or 2 * len(walks) * rows * columns <= gradients


def walks_of_pairs(
    x: Tensor, y: Tensor | None, diagonals: Sequence[Sequence[int]], pairs: Sequence[tuple[int, int]]
) -> list[tuple[int, int, bool]]:
    """The pairs of views, and whether one stands for both directions: products are held, and what is done to them symmetric."""
    alike = y is None and x.shape[1] ** 2 <= KEPT and all({-d for d in some} == set(some) for some in diagonals)
    left, found = list(pairs), []
    while left:
        one, two = left.pop(0)
        mirrored = alike and (two, one) in left
        if mirrored:
            left.remove((two, one))
        found.append((one, two, mirrored))
    return found


class ContrastOfProducts(torch.autograd.Function):
    """The gradients are computed with the value, some rows at a time; neither the matrix nor an operand is kept."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        y: Tensor | None,
        beside: Tensor | None,
        scale: float | Tensor,
        diagonals: Sequence[Sequence[int]],
        walks: Sequence[tuple[int, int, bool]],
        units: Sequence[float | None],
        wanted: Sequence[bool],
    ) -> Tensor:
        """The value; the gradients are kept."""
        given = (x, y, beside)
        rows, lengths = zip(*map(unit_or_given, given, units), strict=True)
        grads = [v.new_zeros(v.shape) if v is not None and w else None for v, w in zip(given, wanted, strict=True)]
        total = x.new_zeros(())
        for walk in walks:
            total += contrast_and_gradient(rows, scale, diagonals, walk, grads)
        for value, length, eps, grad in zip(given, lengths, units, grads, strict=True):
            if grad is not None and value is not None and length is not None and eps is not None:
                less_part_along(grad, value, length, eps, scale / x.shape[1])
            elif grad is not None:
                grad.mul_(scale / x.shape[1])
        ctx.save_for_backward(*grads)
        return total / x.shape[1]

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients, times what comes in."""
        return *(None if kept is None else kept * grad for kept in ctx.saved_tensors), *[None] * 5


def unit_or_given(x: Tensor | None, eps: float | None) -> tuple[Tensor | None, Tensor | None]:
    """Rows over their lengths, and the lengths, if there is an eps; else the rows."""
    if x is None or eps is None:
        return x, None
    unit, _, length = scaled_rows(x, (-1,))
    return torch.div(x, length.clamp(min=eps), out=unit), length


def one_view(x: Any, view: int) -> Any:
    """A view of a value, where there is one."""
    return None if x is None else x[view]


def contrast_and_gradient(
    rows: Sequence[Any],
    scale: float | Tensor,
    diagonals: Sequence[Sequence[int]],
    walk: tuple[int, int, bool],
    grads: Sequence[Any],
) -> Tensor:
    """The sum over rows of what `contrast_of_products` is the mean of; mirrored: also of y with x. Adds to the gradients."""
    one, two, mirrored = walk
    itself, total = rows[1] is None, rows[0].new_zeros(())
    places = ((0, one), (0 if itself else 1, two), (2, one))
    x, y, beside = (one_view(rows[n], view) for n, view in places)
    of_x, of_y, of_beside = (one_view(grads[n], view) for n, view in places)
    alone = itself and one == two and beside is None and len(x) ** 2 <= KEPT
    for start, here in [(0, x)] if mirrored or alone else rows_in_parts(x, len(y)):
        part = slice(start, start + len(here))
        own = None if beside is None else (here * beside[part]).sum(-1, keepdim=True).mul_(scale)
        products = (symmetric_product(x) if alone else here @ y.mT).mul_(scale)
        if own is None:
            total += into_weights(products, start, diagonals, len(x), mirrored=mirrored)
        else:
            total += beside_weights(products, own)
        if alone and of_x is not None:
            of_x.addmm_(symmetrized(products), x)
        else:
            add_gradients(products, here, y, (None if of_x is None else of_x[part], of_y))
        del products  # before the next ones are made
        for grad, row in ((of_x, beside), (of_beside, x)):
            if grad is not None and row is not None and own is not None:
                grad[part].addcmul_(row[part], own)
    return total
