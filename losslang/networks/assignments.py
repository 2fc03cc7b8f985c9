"""Assignments over the rows of all processes. Needs torch alone: emission copies the source of what a method uses."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from losslang.networks.processes import LogSum, Share

__all__: list[str] = []


@torch.no_grad()
def sinkhorn_of_all(
    scores: Tensor,
    epsilon: float | Tensor,
    iterations: int,
    over: Sequence[int],
    share: Share,
    also: Tensor | None = None,
) -> Tensor:
    """Sinkhorn in the log domain over the samples of all processes, prototypes last; every sample sums to 1 at the end.

    Rows of `also` are assigned together with the batch; every process holds all of them, and they count once.
    """
    logits = scores / epsilon
    earlier = None
    if also is not None:
        earlier = torch.where(also.isfinite().all(), also / epsilon, torch.full_like(also, -math.inf))
    for _ in range(iterations):
        (total,) = share.exchange(LogSum(logits.logsumexp(dim=list(over), keepdim=True)))
        if earlier is not None:
            total = torch.logaddexp(total, earlier.logsumexp(dim=list(over), keepdim=True))
            earlier = rows_of_one(earlier - total)
        logits = rows_of_one(logits - total)
    return logits.exp()


def rows_of_one(logits: Tensor) -> Tensor:
    """Logarithms whose exponentials sum to 1 over the last axis; minus infinity stays."""
    normal = logits - logits.logsumexp(dim=-1, keepdim=True)
    return torch.where(logits == -math.inf, logits, normal)


@torch.no_grad()
def one_hot_of_all(x: Tensor, dim: int, share: Share) -> Tensor:
    """1 at the largest entry along the batch's axis over all processes, the first among equals; 0 elsewhere."""
    shape = [1] * x.dim()
    shape[dim] = -1
    places = share.places.view(shape).expand_as(x)
    top = share.largest(x, (dim,), keepdim=True)
    behind = torch.where(x == top, places, share.rows).to(torch.float64)
    first = -share.largest(-behind, (dim,), keepdim=True)
    return (places == first).to(x.dtype)
