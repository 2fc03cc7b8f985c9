"""Random boxes, drawn in the coordinates of the original image, and the matrices that resample them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from losslang.data.bands import Bands, blocks

__all__ = ["TRIES", "middle_boxes", "random_boxes", "resample_bands"]

TRIES = 10
"""Boxes that are drawn for an image; the first that lies within it is taken, else its middle (torchvision's rule)."""


def random_boxes(u: Tensor, extent: Tensor, scale: tuple[float, float], ratio: tuple[float, float]) -> Tensor:
    """Boxes [batch, 4] (top, left, height, width, as shares of the image), by the rule of torchvision's RandomResizedCrop.

    The area is uniform over `scale` times the image's, the logarithm of width over height uniform over that of `ratio`;
    sides and corners are whole pixels of the original. `u` [batch, 2 · TRIES + 2] is uniform in [0, 1); `extent`
    [batch, 2] holds height and width of the originals.
    """
    height, width = extent.to(u.dtype).unbind(1)
    area = (height * width)[:, None] * _between(u[:, :TRIES], *scale)
    slope = torch.exp(_between(u[:, TRIES : 2 * TRIES], math.log(ratio[0]), math.log(ratio[1])))
    wide, tall = torch.sqrt(area * slope).round(), torch.sqrt(area / slope).round()
    fits = (wide > 0) & (wide <= width[:, None]) & (tall > 0) & (tall <= height[:, None])
    first = fits.to(u.dtype).argmax(1, keepdim=True)
    found = fits.any(1)
    middle_tall, middle_wide = _widest(height, width, ratio)
    tall = torch.where(found, tall.gather(1, first)[:, 0], middle_tall)
    wide = torch.where(found, wide.gather(1, first)[:, 0], middle_wide)
    top = torch.where(found, (u[:, -2] * (height - tall + 1)).floor(), ((height - tall) / 2).floor())
    left = torch.where(found, (u[:, -1] * (width - wide + 1)).floor(), ((width - wide) / 2).floor())
    return torch.stack([top / height, left / width, tall / height, wide / width], dim=1)


def _between(u: Tensor, low: float, high: float) -> Tensor:
    return low + (high - low) * u


def _widest(height: Tensor, width: Tensor, ratio: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Height and width of the largest box whose ratio is allowed."""
    return torch.minimum(height, (width / ratio[0]).round()), torch.minimum(width, (height * ratio[1]).round())


def middle_boxes(extent: Tensor, share: float) -> Tensor:
    """The middle square [batch, 4] of images, its side a share of the shorter side."""
    side = share * extent.to(torch.float32).amin(1, keepdim=True) / extent
    return torch.cat([(1 - side) / 2, side], dim=1)


def resample_bands(start: Tensor, length: Tensor, pixels: int, size: int, mirrored: Tensor | None = None) -> Bands:
    """The matrix [batch, size, pixels] that resamples part of a line of pixels, antialiased; its rows sum to 1.

    The part begins at `start` and has `length` [batch], as shares of the line; outside of it nothing is read. The filter
    is the triangle of bilinear interpolation, widened where pixels are merged: what `F.interpolate(antialias=True)` and
    Pillow do to a cut-out. Where `mirrored` [batch], the result runs backwards.
    """
    start, length = ((share * pixels)[:, None, None, None] for share in (start, length))
    place = blocks(size, start.device)
    step = length / size
    wide = step.clamp(min=1)
    longest, rows = pixels / size, place.shape[1]
    window = min(math.ceil((rows - 1) * longest + 2 * max(longest, 1)) + 1, pixels)
    if mirrored is not None:
        place = torch.where(mirrored[:, None, None], size - 1 - place, place)
    center = start + step * (place[..., None] + 0.5)
    first = (center - wide - 0.5).floor().amin(2, keepdim=True).add(1).clamp(0, pixels - window)
    left = first + torch.arange(window, device=start.device)
    triangle = (1 - (left + 0.5 - center).abs() / wide).clamp(min=0)
    covered = (torch.minimum(left + 1, start + length) - torch.maximum(left, start)).clamp(0, 1)
    weights = triangle * covered
    return Bands(left[:, :, 0].long(), weights / weights.sum(3, keepdim=True), size)
