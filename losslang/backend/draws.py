"""Random directions and orders, drawn anew each step and the same on every process. Each needs torch alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from losslang.backend.lengths import unit_rows

__all__: list[str] = []


@torch.no_grad()
def unit_directions(count: int, size: int, like: Tensor, step: Tensor, salt: int) -> Tensor:
    """[direction, feature]: unit vectors drawn anew each step, the same on every process.

    Counter-based (a hash of step, salt and position gives uniform numbers, Box-Muller normal ones), so that the draw
    needs no generator state, survives a resume and does not break the graph of torch.compile.
    """
    key = ((step.to(like.device) * 2654435761 + salt * 40503) & 0xFFFFFFFF) * 7919
    at_once = count if like.device.type != "cpu" or torch.compiler.is_compiling() else max(2**17 // size, 1)
    drawn = []
    for first in range(0, count, at_once):
        rows = min(at_once, count - first)
        position = torch.arange(first * size, (first + rows) * size, device=like.device, dtype=torch.int64)
        normal = normal_numbers(position * 2 + key).to(like.dtype)
        drawn.append(unit_rows(normal.view(rows, size), (1,), 1e-12))
    return torch.cat(drawn) if len(drawn) > 1 else drawn[0]


def normal_numbers(keys: Tensor) -> Tensor:
    """A normal number in float64 of every even key and the odd one after it, by Box and Muller's transform."""
    radius = scrambled(keys).add_(1).div_(4294967297.0).log_().mul_(-2).sqrt_()
    return scrambled(keys + 1).mul_(2 * math.pi / 4294967296.0).cos_().mul_(radius)


def scrambled(x: Tensor) -> Tensor:
    """A 32-bit hash of integers, as float64 (lowbias32 by Wellons)."""
    x = x & 0xFFFFFFFF
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x ^= x >> shift
        x *= factor
        x &= 0xFFFFFFFF
    x ^= x >> 16
    return x.to(torch.float64)


@torch.no_grad()
def quantiles_of_normal(count: int, like: Tensor) -> Tensor:
    """The quantiles of the standard normal at i/(n + 1), i = 1 … n."""
    places = torch.arange(1, count + 1, device=like.device, dtype=torch.float64) / (count + 1)
    return torch.special.ndtri(places).to(like.dtype)


@torch.no_grad()
def one_to(count: int, like: Tensor) -> Tensor:
    """1, 2 … n."""
    return torch.arange(1, count + 1, device=like.device, dtype=like.dtype)


@torch.no_grad()
def shuffled_order(count: int, like: Tensor, step: Tensor) -> Tensor:
    """A permutation of the rows, drawn anew each step, the same on every process."""
    position = torch.arange(count, device=like.device, dtype=torch.int64)
    return scrambled(position + (step.to(like.device) + 1) * 2654435761).argsort()


def in_groups(x: Tensor, rows: int, dim: int, order: Tensor | None = None) -> Tensor:
    """[…, batch, …] to [group, …, rows, …]: consecutive groups, an incomplete last one dropped."""
    count = x.shape[dim]
    rows = min(rows, count)
    if order is not None:
        x = x.index_select(dim, order)
    return x.narrow(dim, 0, count // rows * rows).unflatten(dim, (-1, rows)).movedim(dim, 0)
