"""Assignments over the rows of all processes. Needs torch alone: emission copies the source of what a method uses."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from losslang.networks.processes import Coming, Largest, Later, LogSum, Share

__all__: list[str] = []


@torch.no_grad()
def sinkhorn_of_all(
    scores: Tensor,
    epsilon: float | Tensor,
    iterations: int,
    over: Sequence[int],
    share: Share,
    also: Tensor | None = None,
) -> Later:
    """Sinkhorn in the log domain over the samples of all processes, prototypes last; every sample sums to 1 at the end.

    Rows of `also` are assigned together with the batch; every process holds all of them, and they count once. The sums of an
    iteration are made of those of the one before, so that only the first are on their way before somebody waits.
    """
    logits = scores / epsilon
    earlier = None
    coming = begin_sums(logits, over, share)
    if also is not None:
        earlier = torch.where(also.isfinite().all(), also / epsilon, torch.full_like(also, -math.inf))
    return Later(lambda: balanced_codes(logits, earlier, coming, iterations, over, share))


def begin_sums(logits: Tensor, over: Sequence[int], share: Share) -> Coming:
    """The sums over the samples of all processes, in the log domain, are on their way."""
    return share.begin(LogSum(logits.logsumexp(dim=list(over), keepdim=True)))


@torch.no_grad()
def balanced_codes(
    logits: Tensor, earlier: Tensor | None, coming: Coming, iterations: int, over: Sequence[int], share: Share
) -> Tensor:
    """The assignment, when so many sums have come, of which the first are on their way."""
    for left in reversed(range(iterations)):
        kept = None if earlier is None else earlier.logsumexp(dim=list(over), keepdim=True)
        (total,) = coming.wait()
        if earlier is not None and kept is not None:
            total = torch.logaddexp(total, kept)
            earlier = rows_of_one(earlier - total)
        logits = rows_of_one(logits - total)
        coming = begin_sums(logits, over, share) if left else coming
    return logits.exp()


def rows_of_one(logits: Tensor) -> Tensor:
    """Logarithms whose exponentials sum to 1 over the last axis; minus infinity stays."""
    normal = logits - logits.logsumexp(dim=-1, keepdim=True)
    return torch.where(logits == -math.inf, logits, normal)


@torch.no_grad()
def one_hot_of_all(x: Tensor, dim: int, share: Share) -> Later:
    """1 at the largest entry along the batch's axis over all processes, the first among equals; 0 elsewhere."""
    coming = share.begin(Largest(x, (dim,), keepdim=True))
    return Later(lambda: first_of(x, coming.wait()[0], dim, share))


@torch.no_grad()
def first_of(x: Tensor, top: Tensor, dim: int, share: Share) -> Tensor:
    """1 at the first of the entries that are the largest, in the order of the batch."""
    shape = [1] * x.dim()
    shape[dim] = -1
    places = share.places.view(shape).expand_as(x)
    behind = torch.where(x == top, places, share.rows).to(torch.float64)
    (last,) = share.exchange(Largest(-behind, (dim,), keepdim=True))
    return (places == -last).to(x.dtype)
