"""Torch form of cosines of pairs of views, with a gradient of its own. Needs torch alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losslang.backend.lengths import lost_along, scaled_rows
from losslang.backend.precision import in_own_precision
from losslang.backend.vmapped import with_signature

__all__: list[str] = []

Pairs = tuple[tuple[int, int, int], ...]  # a view of x, one of y, and by how many rows that is moved on


def cosines_of_pairs(x: Tensor, y: Tensor | None, eps: float, pairs: Sequence[tuple[int, int, int]]) -> Tensor:
    """[pair, rows]: cosines of rows of views of x [view, rows, k] and y [view', rows, k]; y is x if None.

    Rows are divided by max(length, eps). Lengths and cosines are kept, no unit rows.
    """
    return CosinesOfPairs.apply(x, y, eps, tuple(pairs))[0]


class CosinesOfPairs(torch.autograd.Function):
    """The gradient to x is Σ (unit y - cos · unit x) / length of x over its pairs, likewise to y. Has a form for torch.vmap."""

    @staticmethod
    @with_signature
    def forward(x: Tensor, y: Tensor | None, eps: float, pairs: Pairs) -> tuple[Tensor, ...]:
        """The cosines, and the lengths [..., view, rows, 1] of the values; all axes before the view's are kept."""
        values = (x,) if y is None else (x, y)
        lengths = [lengths_of_views(value) for value in values]
        near, unit, held = [length.clamp(min=eps) for length in lengths], x, -1
        cosines = []
        for one, other, shift in pairs:
            if one != held:
                unit, held = x.select(-3, one) / near[0].select(-3, one), one
            rows, over = (value.select(-3, other).roll(shift, -2) for value in (values[-1], near[-1]))
            cosines.append((unit * rows).sum(-1).div_(over.squeeze(-1)))
        return torch.stack(cosines, -2), *lengths

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor | None, float, Pairs], output: tuple[Tensor, ...]) -> None:
        """All but unit rows is kept."""
        x, y, ctx.eps, ctx.pairs = inputs
        ctx.save_for_backward(x, y, *output)
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor, *_lengths: None) -> tuple[Tensor | None, ...]:
        """What comes in from unit rows, pair by pair; what is along the rows is taken off at the end, of all views at once."""
        x, y, cosines, *lengths = ctx.saved_tensors
        values, sides = ((x,), (0, 0)) if y is None else ((x, y), (0, 1))
        near = [length.clamp(min=ctx.eps) for length in lengths]
        along = [torch.zeros_like(length) for length in lengths]
        wanted = zip(values, ctx.needs_input_grad, strict=False)
        grads = [torch.zeros_like(value) if needed else None for value, needed in wanted]
        for place, (one, other, shift) in enumerate(ctx.pairs):
            come, cosine = grad.select(-2, place).unsqueeze(-1), cosines.select(-2, place).unsqueeze(-1)
            ends = ((sides[0], one), (sides[1], other))
            for (side, view), (across, beside), by in ((*ends, shift), (*ends[::-1], -shift)):
                of = grads[side]
                if of is not None:
                    came = come if by == shift else come.roll(by, -2)
                    meets = cosine if by == shift else cosine.roll(by, -2)
                    along[side].select(-3, view).addcmul_(came, meets)
                    weights = came / near[across].select(-3, beside).roll(by, -2)
                    add_moved(of.select(-3, view), values[across].select(-3, beside), weights, by)
        for of, value, length, over, part in zip(grads, values, lengths, near, along, strict=True):
            if of is not None:
                of.addcmul_(value, lost_along(part, length, ctx.eps), value=-1).div_(over)
        return grads[0], None if y is None else grads[1], None, None

    @staticmethod
    def vmap(
        info: Any, places: tuple[int | None, ...], x: Tensor, y: Tensor | None, eps: float, pairs: Pairs
    ) -> tuple[tuple[Tensor, ...], int]:
        """The same on one more axis in front."""
        x = x.expand(info.batch_size, *x.shape) if places[0] is None else x.movedim(places[0], 0)
        if y is not None:
            y = y.expand(info.batch_size, *y.shape) if places[1] is None else y.movedim(places[1], 0)
        return CosinesOfPairs.apply(x, y, eps, pairs), 0


def lengths_of_views(x: Tensor) -> Tensor:
    """[..., view, rows, 1]: the lengths of rows, one view after the other."""
    return torch.stack([scaled_rows(view, (-1,))[2] for view in x.unbind(-3)], -3)


def add_moved(out: Tensor, rows: Tensor, weights: Tensor, shift: int) -> None:
    """Adds to rows [..., rows, k] others, moved on by so many places and then weighted by [..., rows, 1]; nothing is copied."""
    count = rows.shape[-2]
    start = shift % max(count, 1)
    for to, of, size in ((start, 0, count - start), (0, count - start, start)):
        if size:
            out.narrow(-2, to, size).addcmul_(rows.narrow(-2, of, size), weights.narrow(-2, to, size))
