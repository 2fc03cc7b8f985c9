"""What moves on from step to step: states, queues and schedules. Each needs torch alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__: list[str] = []


def taken_over(now: Tensor, coming: Tensor, step: Tensor) -> Tensor:
    """The value of a state after a step: the one that is to come.

    Where a compiled call takes over and writes the next one, too, torch's compiler (2.13) has the way back read what was
    written: there the value is made anew.
    """
    return torch.where(step < 0, now, coming) if torch.compiler.is_compiling() else coming


@torch.no_grad()
def pushed_queue(queue: Tensor, rows: Tensor, dim: int, step: Tensor, start: int) -> Tensor:
    """The queue after new rows came in at its end, the oldest gone; before step `start` nothing comes in."""
    size = queue.shape[dim]
    together = torch.cat([queue, rows.to(queue.dtype)], dim=dim)
    pushed = together.narrow(dim, together.shape[dim] - size, size)
    return torch.where(step >= start, pushed, queue) if start else pushed


@torch.no_grad()
def push_rows(after: Tensor, queue: Tensor, rows: Tensor, dim: int, step: Tensor, start: int) -> None:
    """Writes the queue into `after` with new rows at its end, the oldest gone; before step `start` as it is."""
    size = queue.shape[dim]
    new = min(rows.shape[dim], size)
    after.narrow(dim, 0, size - new).copy_(queue.narrow(dim, new, size - new))
    after.narrow(dim, size - new, new).copy_(rows.narrow(dim, rows.shape[dim] - new, new))
    if start:
        after.copy_(torch.where(step >= start, after, queue))


def schedule_value(
    step: Tensor, kind: str, start: float, end: float, warm: int, last: int, span: int, quantum: int
) -> Tensor:
    """The value of a schedule after `step` finished steps: `warm` steps of rise from 0, then from start to end."""
    t = (step // quantum * quantum).to(torch.float64)
    if kind == "step":
        value = torch.where(t < last, torch.full_like(t, start), torch.full_like(t, end))
    else:
        progress = ((t - warm) / span).clamp(0.0, 1.0)
        if kind == "cosine":
            progress = (1 - (math.pi * progress).cos()) / 2
        value = start + (end - start) * progress
    return torch.where(t < warm, start * t / max(warm, 1), value)
