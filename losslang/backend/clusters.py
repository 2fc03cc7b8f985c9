"""Torch forms of assignment to prototypes, and of finding them. Each needs torch alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

__all__: list[str] = []


@torch.no_grad()
def sinkhorn_codes(
    scores: Tensor,
    epsilon: float | Tensor,
    iterations: int,
    samples: int,
    over: Sequence[int],
    also: Tensor | None = None,
) -> Tensor:
    """Sinkhorn in the log domain: samples over the axes `over`, prototypes last; every sample sums to 1 at the end.

    Rows of `also`, joined along the axis `samples`, are assigned together with the batch and then dropped; while they are
    not all there (a queue that is not full holds NaN) none counts.
    """
    logits = scores / epsilon
    earlier = 0
    if also is not None:
        earlier = also.shape[samples]
        absent = torch.full_like(also, -math.inf)
        logits = torch.cat([torch.where(also.isfinite().all(), also / epsilon, absent), logits], dim=samples)
    for _ in range(iterations):
        logits = logits - logits.logsumexp(dim=list(over), keepdim=True)
        normal = logits - logits.logsumexp(dim=-1, keepdim=True)
        logits = torch.where(logits == -math.inf, logits, normal)
    return logits.narrow(samples, earlier, scores.shape[samples]).exp()


@torch.no_grad()
def one_hot_largest(x: Tensor, dim: int) -> Tensor:
    """1 at the first of the largest entries, 0 elsewhere."""
    return torch.zeros_like(x).scatter_(dim, x.argmax(dim=dim, keepdim=True), 1.0)


@torch.no_grad()
def spherical_kmeans(rows: Tensor, count: int, iterations: int) -> Tensor:
    """[prototype, feature]: unit centroids of unit rows [image, feature] by the largest cosine; empty ones stay.

    The first centroids are rows spread evenly over the images, so that every process finds the same.
    """
    unit = torch.nn.functional.normalize(rows, dim=-1)
    start = (torch.arange(count, device=rows.device) * unit.shape[0] // count) % unit.shape[0]
    centers = unit[start].clone()
    for _ in range(iterations):
        nearest = (unit @ centers.mT).argmax(dim=1)
        sums = torch.zeros_like(centers).index_add_(0, nearest, unit)
        norms = sums.norm(dim=-1, keepdim=True)
        centers = torch.where(norms > 0, sums / norms.clamp(min=1e-12), centers)
    return centers
