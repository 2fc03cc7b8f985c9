"""Products with banded matrices, block by block: what crops are, without the zeros far from the diagonal."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["BLOCK", "Bands", "blocks", "resampled"]

BLOCK = 32
"""Rows of a block, about: fewer read less that is zero, and are slower to multiply."""


class Bands(NamedTuple):
    """A matrix [batch, new, pixel] as blocks of its rows.

    `pixels` [batch, block, window] are those that a block reads, `weights` [batch, block, row, window] its entries. What
    the last block has beyond `size` rows is left aside.
    """

    pixels: Tensor
    weights: Tensor
    size: int


def blocks(size: int, device: torch.device) -> Tensor:
    """The rows [block, row] of a matrix of `size` rows, in blocks; the last row is repeated where one is not full."""
    count = max(round(size / BLOCK), 1)
    rows = -(-size // count)
    return torch.arange(count * rows, device=device).clamp(max=size - 1).view(count, rows)


def resampled(bands: Bands, lines: Tensor) -> Tensor:
    """The product with lines [batch, pixel, item], transposed: [batch, item, new]."""
    batch = torch.arange(len(lines), device=lines.device)[:, None, None]
    windows = lines[batch, bands.pixels].to(bands.weights.dtype)
    found = windows.transpose(2, 3) @ bands.weights.transpose(2, 3)
    return found.permute(0, 2, 1, 3).flatten(2)[:, :, : bands.size]
