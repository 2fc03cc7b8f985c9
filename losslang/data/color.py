"""Operations on colours, for images [batch, 3, row, column] between 0 and 1 and one strength per image [batch].

They are those of torchvision's ColorJitter and its neighbours on float images.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from losslang.data.bands import BLOCK

__all__ = ["BLENDS", "blend", "blur_matrix", "blurred", "gray", "rotate_hue", "solarize"]

_LUMA = (0.2989, 0.587, 0.114)

BLENDS = ("brightness", "contrast", "saturation")
"""What `blend` mixes images with: black, their mean gray, their gray version."""


def gray(images: Tensor) -> Tensor:
    """Luminance [batch, 1, row, column] (ITU-R 601)."""
    red, green, blue = images.unbind(1)
    return (_LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue)[:, None]


def blend(images: Tensor, factor: Tensor, kind: Tensor) -> Tensor:
    """other + factor · (image − other), cut to [0, 1]; `kind` [batch] is the place of the operation in BLENDS."""
    other = gray(images)
    mean = other.mean((2, 3), keepdim=True)
    factor, kind = _per_image(factor), _per_image(kind)
    other = torch.where(kind == 2, other, torch.where(kind == 1, mean, torch.zeros_like(mean)))
    return (other + factor * (images - other)).clamp(0, 1)


def rotate_hue(images: Tensor, turns: Tensor) -> Tensor:
    """Hue moved by `turns` [batch] of the circle, value and saturation kept (HSV).

    The colour of hue h, in turns, has the channels V − C · clamp(min(k, 4 − k), 0, 1) with k = (n + 6 h) mod 6 and n = 5, 3, 1.
    """
    red, green, blue = images.unbind(1)
    value = images.amax(1)
    chroma = value - images.amin(1)
    sixth = 1 / (6 * torch.where(chroma > 0, chroma, torch.ones_like(chroma)))  # one division for all: half the time
    hue = torch.where(
        value == red,
        (green - blue) * sixth,
        torch.where(value == green, (blue - red) * sixth + 1 / 3, (red - green) * sixth + 2 / 3),
    )
    hue = hue + turns[:, None, None]
    channels = []
    for n in (5, 3, 1):
        k = hue + n / 6
        k = 6 * (k - k.floor())  # `remainder` is not vectorised
        channels.append(value - chroma * torch.minimum(k, 4 - k).clamp(0, 1))
    return torch.stack(channels, dim=1)


def solarize(images: Tensor, chosen: Tensor, threshold: float) -> Tensor:
    """Pixels of the chosen images that are at least `threshold`, inverted."""
    return torch.where(_per_image(chosen) & (images >= threshold), 1 - images, images)


def blurred(images: Tensor, sigma: Tensor, largest: float) -> Tensor:
    """Square images, each blurred by a Gaussian of standard deviation `sigma` [batch] in pixels, mirrored at the edges.

    No sigma is above `largest`, and 0 leaves an image. Two products with `blur_matrix`, in large images by blocks of its rows.
    """
    reach = math.ceil(6 * largest)  # farther away a weight is nothing in float32 (e^−18)
    if images.shape[2] < 1.5 * (BLOCK + 2 * reach):
        matrix = blur_matrix(sigma, images.shape[2])[:, None]
        return matrix @ images @ matrix.transpose(2, 3)
    return _blurred_by_blocks(images, sigma, reach)


def _blurred_by_blocks(images: Tensor, sigma: Tensor, reach: int) -> Tensor:
    """Every block of rows or columns reads its own pixels and `reach` more on both sides."""
    batch, channels, size = images.shape[:3]
    count = -(-size // BLOCK)
    more, window = count * BLOCK - size + reach, BLOCK + 2 * reach
    images = images.contiguous()
    # a view that asks for memory: without it compiled code works the colours out again inside the mirroring, one by one
    images = images.as_strided(images.shape, images.stride())
    padded = F.pad(images, (reach, more, reach, more), mode="reflect")
    at = torch.arange(window, device=sigma.device) - reach
    away = at[None, :] - at[reach : reach + BLOCK, None]
    weights = torch.where(away.abs() <= reach, _weights(away, sigma), 0)
    weights = weights / weights.sum(2, keepdim=True)
    rows = weights[:, None, None] @ padded.unfold(2, window, BLOCK).transpose(3, 4)  # [batch, 3, block, row, column]
    windows = rows.flatten(2, 3).unfold(3, window, BLOCK).reshape(batch, -1, window)
    found = windows @ weights.transpose(1, 2)
    return found.view(batch, channels, count * BLOCK, count * BLOCK)[:, :, :size, :size]


def blur_matrix(sigma: Tensor, size: int) -> Tensor:
    """The matrix [batch, size, size] of a Gaussian blur of a line of pixels, mirrored at its ends; sigma 0 leaves it.

    Mirrored as `reflect`: the pixel at an end is not repeated. Rows sum to 1.
    """
    at = torch.arange(size, device=sigma.device, dtype=torch.float32)
    to, of = at[:, None], at[None, :]
    weights = _weights(to - of, sigma)
    weights = weights + torch.where(at > 0, _weights(to + of, sigma), 0)
    weights = weights + torch.where(at < size - 1, _weights(2 * (size - 1) - to - of, sigma), 0)
    return weights / weights.sum(2, keepdim=True)


def _weights(distance: Tensor, sigma: Tensor) -> Tensor:
    """exp(−d²/2σ²) [batch, …] of distances, 0 from e^−20 on: processors take six times as long for numbers below 1e−38."""
    exponent = -0.5 * distance.square() / sigma.clamp(min=1e-3).square()[:, None, None]
    return torch.where(exponent > -20, torch.exp(exponent), 0)


def _per_image(values: Tensor) -> Tensor:
    return values[:, None, None, None]
