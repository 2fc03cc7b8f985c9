"""Torch form of cosines of rows with those of other views, with a gradient of its own. Needs torch alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losslang.backend.lengths import lost_along, scaled_rows
from losslang.backend.precision import in_own_precision
from losslang.backend.vmapped import with_signature

__all__: list[str] = []


def cosines_of_views(x: Tensor, y: Tensor, eps: float, others: Sequence[int]) -> Tensor:
    """[view, rows]: the cosine of every row of x [view, rows, k] with that of the view of y that `others` lists in its place.

    Rows are divided by max(length, eps). Lengths and cosines are kept, no unit rows.
    """
    return CosinesOfViews.apply(x, y, eps, tuple(others))[0]


class CosinesOfViews(torch.autograd.Function):
    """The gradient to x is (unit y - cos · unit x) / length of x, and likewise to y. Has a form for torch.vmap."""

    @staticmethod
    @with_signature
    def forward(x: Tensor, y: Tensor, eps: float, others: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """View by view: the cosines, and the lengths [..., view, rows, 1] of both; all axes before the view's are kept."""
        pairs = zip(x.unbind(-3), (y.select(-3, view) for view in others), strict=True)
        cosines, near, far = zip(*(cosines_of_rows(one, other, eps) for one, other in pairs), strict=True)
        return torch.stack(cosines, -2), torch.stack(near, -3), torch.stack(far, -3)

    @staticmethod
    def setup_context(
        ctx: Any, inputs: tuple[Tensor, Tensor, float, tuple[int, ...]], output: tuple[Tensor, ...]
    ) -> None:
        """All but unit rows is kept."""
        x, y, ctx.eps, ctx.others = inputs
        ctx.save_for_backward(x, y, *output)
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor, *_lengths: None) -> tuple[Tensor | None, ...]:
        """View by view where views meet, the rest of all views at once."""
        x, y, cosines, *lengths = ctx.saved_tensors
        near, far = (length.clamp(min=ctx.eps) for length in lengths)
        cosines, grad = cosines[..., None], grad[..., None]
        grad_x = grad_y = None
        if ctx.needs_input_grad[0]:
            grad_x = torch.empty_like(x)
            for place, view in enumerate(ctx.others):
                torch.div(y.select(-3, view), far.select(-3, place), out=grad_x.select(-3, place))
            grad_x.addcmul_(x, lost_along(cosines, lengths[0], ctx.eps), value=-1).mul_(grad / near)
        if ctx.needs_input_grad[1]:
            grad_y, part, scale = torch.zeros_like(y), lost_along(cosines, lengths[1], ctx.eps), grad / far
            for place, view in enumerate(ctx.others):
                one = x.select(-3, place) / near.select(-3, place)
                one.addcmul_(y.select(-3, view), part.select(-3, place), value=-1)
                grad_y.select(-3, view).addcmul_(one, scale.select(-3, place))
        return grad_x, grad_y, None, None

    @staticmethod
    def vmap(
        info: Any, places: tuple[int | None, ...], x: Tensor, y: Tensor, eps: float, others: tuple[int, ...]
    ) -> tuple[tuple[Tensor, ...], int]:
        """The same on one more axis in front."""
        x, y = (
            value.expand(info.batch_size, *value.shape) if place is None else value.movedim(place, 0)
            for value, place in zip((x, y), places, strict=False)
        )
        return CosinesOfViews.apply(x, y, eps, others), 0


def cosines_of_rows(x: Tensor, y: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """[rows]: cosines, and the lengths of both."""
    (one, most, length), (other, highest, far) = scaled_rows(x, (-1,)), scaled_rows(y, (-1,))
    scales = (most / length.clamp(min=eps)).mul_(highest / far.clamp(min=eps))
    return one.mul_(other).sum(-1).mul_(scales.squeeze(-1)), length, far
