"""Torch form of cross entropies with a softmax, with a gradient of its own. Needs torch alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losslang.backend.precision import in_own_precision

__all__: list[str] = []

Targets = Sequence[tuple[Sequence[int], Sequence[int]]]  # views of q, and the views of x that have these


def cross_entropies(
    q: Tensor, x: Tensor, scale: float | Tensor, pairs: Sequence[tuple[int, int]] | None = None
) -> Tensor:
    """The mean over rows of -Σ q log softmax(scale · x), of q and x [..., k].

    With `pairs` of q [view, ..., k] and x [view, ..., k], the sum over those pairs of views.
    """
    if pairs is None:
        q, x, pairs = q.unsqueeze(0), x.unsqueeze(0), ((0, 0),)
    if torch.compiler.is_compiling():
        return entropies_as_written(q, x * scale, pairs)
    by_view = {other: tuple(one for one, view in pairs if view == other) for _, other in pairs}
    targets = [(ones, [v for v, found in by_view.items() if found == ones]) for ones in sorted(set(by_view.values()))]
    return CrossEntropies.apply(q.flatten(1, -2), x.flatten(1, -2), scale, targets)


def entropies_as_written(q: Tensor, scores: Tensor, pairs: Sequence[tuple[int, int]]) -> Tensor:
    """The same for torch.compile, which fuses operations itself.

    A function with a gradient of its own, which writes view after view, it makes slower: DINO of 64 rows and 4096 prototypes
    takes twice the time for a step, half as much again to compile, and a fifth more memory (torch 2.13).
    """
    targets, log_p = q.unbind(0), scores.log_softmax(-1).unbind(0)
    return -torch.stack([(targets[one] * log_p[other]).sum(-1).mean() for one, other in pairs]).sum()


class CrossEntropies(torch.autograd.Function):
    """The gradient to x is scale · (softmax · Σ q - q) over the rows; nothing but the operands is kept."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, x: Tensor, scale: float | Tensor, targets: Targets) -> Tensor:
        """Of q and x [view, rows, k], by `targets`, some rows at a time."""
        ctx.scale, ctx.targets = scale, targets
        ctx.save_for_backward(q, x)
        total = x.new_zeros(())
        for rows in rows_in_cache(x):
            for ones, others in targets:
                target = sum_of_views(q, ones, rows)
                for view in others:
                    total -= (x[view, rows] * scale).log_softmax(-1).mul_(target).sum()
        return total / x.shape[1]

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Softmaxes are computed again, in the place of the gradient."""
        q, x = ctx.saved_tensors
        weight = grad / x.shape[1]
        to_q = torch.zeros_like(q) if ctx.needs_input_grad[0] else None
        to_x = (torch.empty_like if sum(len(views) for _, views in ctx.targets) == len(x) else torch.zeros_like)(x)
        for rows in rows_in_cache(x):
            for ones, others in ctx.targets:
                pulls = sum_of_views(q, ones, rows) * (weight * ctx.scale)
                entropy_gradient(x[:, rows], ctx.scale, others, pulls, to_x[:, rows])
                del pulls  # before the next ones are made
                if to_q is not None:
                    less = sum((x[view, rows] * ctx.scale).log_softmax(-1) for view in others) * weight
                    for one in ones:
                        to_q[one, rows].sub_(less)
        return to_q, to_x, None, None


def entropy_gradient(x: Tensor, scale: float | Tensor, views: Sequence[int], pulls: Tensor, out: Tensor) -> None:
    """softmax · Σ pulls - pulls for some views of x, all with the same pulls."""
    mass = pulls.sum(-1, keepdim=True)
    for view in views:
        torch.softmax(x[view] * scale, -1, out=out[view]).mul_(mass).sub_(pulls)


def sum_of_views(q: Tensor, views: Sequence[int], rows: slice) -> Tensor:
    """The sum of some views of q, of these rows."""
    total = q[views[0], rows]
    for view in views[1:]:
        total = total + q[view, rows]
    return total


def rows_in_cache(x: Tensor) -> list[slice]:
    """Consecutive rows of x [view, rows, k] of which a view stays in a cache; all on a GPU."""
    if x.device.type != "cpu":
        return [slice(None)]
    step = max(2**15 // x.shape[-1], 1)
    return [slice(start, start + step) for start in range(0, x.shape[1], step)]
