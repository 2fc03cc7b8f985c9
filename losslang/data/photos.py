"""Views of photos: cropped, resized, coloured and normalised on the device, a whole batch at a time.

What is random is drawn first, a few numbers per image; what costs is one graph of matrix products and pointwise
operations without data-dependent shapes (`PhotoView`), which `torch.compile` fuses.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from losslang.data.bands import resampled
from losslang.data.color import BLENDS, blend, blurred, gray, rotate_hue, solarize
from losslang.data.counter import Draws
from losslang.data.crops import TRIES, middle_boxes, random_boxes, resample_bands
from losslang.data.policies import Photo

__all__ = ["Parameters", "PhotoView", "Pixels", "clean_view", "draw", "photo_view"]


class Pixels(NamedTuple):
    """Images [batch, row, column, channel] in uint8, and the heights and widths [batch, 2] of their originals."""

    values: Tensor
    extent: Tensor


class Parameters(NamedTuple):
    """What is random in a view, by image.

    `box` [batch, 4]; `flip`, `gray`, `solarize` [batch] booleans; `kinds` [batch, 3] the order of the blends of colour;
    `before`, `after` [batch, 3] their factors in that order, ahead of the change of hue and behind it (1 changes nothing);
    `hue`, `sigma` [batch].
    """

    box: Tensor
    flip: Tensor
    kinds: Tensor
    before: Tensor
    after: Tensor
    hue: Tensor
    gray: Tensor
    sigma: Tensor
    solarize: Tensor


_COUNTS = {"box": 2 * TRIES + 2, "flip": 1, "order": 4, "strength": 4, "chances": 4, "sigma": 1}


def draw(policy: Photo, draws: Draws, extent: Tensor) -> Parameters:
    """The random parameters of a batch of images whose originals have these heights and widths [batch, 2]."""
    u = dict(zip(_COUNTS, draws.uniform("photo", sum(_COUNTS.values())).split([*_COUNTS.values()], dim=1), strict=True))
    jittered, grayed, blurred, solarized = u["chances"].unbind(1)
    jittered = jittered[:, None] < policy.jitter
    kinds = u["order"][:, :3].argsort(1)
    factors = torch.where(jittered, _factors(policy, u["strength"][:, :3]), 1).gather(1, kinds)
    ahead = (u["order"][:, :3] < u["order"][:, 3:]).gather(1, kinds)
    low, high = policy.sigma
    return Parameters(
        box=random_boxes(u["box"], extent, policy.scale, policy.ratio),
        flip=u["flip"][:, 0] < policy.flip,
        kinds=kinds,
        before=torch.where(ahead, factors, 1),
        after=torch.where(ahead, 1, factors),
        hue=torch.where(jittered, policy.hue * (2 * u["strength"][:, 3:] - 1), 0)[:, 0],
        gray=grayed < policy.grayscale,
        sigma=torch.where(blurred < policy.blur, low + (high - low) * u["sigma"][:, 0], 0),
        solarize=solarized < policy.solarize,
    )


def _factors(policy: Photo, u: Tensor) -> Tensor:
    """Factors of brightness, contrast and saturation, each uniform from max(0, 1 − width) to 1 + width."""
    columns = []
    for name, column in zip(BLENDS, u.unbind(1), strict=True):  # a tensor of the widths would make the device wait
        width = getattr(policy, name)
        low = max(1 - width, 0)
        columns.append(low + (1 + width - low) * column)
    return torch.stack(columns, dim=1)


class PhotoView(nn.Module):
    """Pixels and parameters to the view [batch, 3, size, size] of a policy. Operations that it never does are left out."""

    mean: Tensor
    std: Tensor

    def __init__(self, policy: Photo, layout: torch.memory_format = torch.contiguous_format) -> None:
        super().__init__()
        self.size, self.layout = policy.size, layout
        self.blends = any(getattr(policy, name) > 0 for name in BLENDS) and policy.jitter > 0
        self.hue = policy.hue > 0 and policy.jitter > 0
        self.grays, self.blurs, self.solarizes = policy.grayscale > 0, policy.blur > 0, policy.solarize > 0
        self.threshold, self.largest = policy.threshold, policy.sigma[1]
        self.register_buffer("mean", torch.tensor(policy.mean)[:, None, None])
        self.register_buffer("std", torch.tensor(policy.std)[:, None, None])

    def forward(self, values: Tensor, parameters: Parameters) -> Tensor:
        """[batch, row, column, 3] in uint8 to float32, in the layout asked for."""
        images = cut_out(values, parameters.box, self.size, parameters.flip)
        if self.hue:
            images = _blended(images, parameters.kinds, parameters.before) if self.blends else images
            images = rotate_hue(images, parameters.hue)
            images = _blended(images, parameters.kinds, parameters.after) if self.blends else images
        elif self.blends:
            images = _blended(images, parameters.kinds, parameters.before * parameters.after)
        if self.grays:
            images = torch.where(parameters.gray[:, None, None, None], gray(images), images)
        if self.blurs:
            images = blurred(images, parameters.sigma, self.largest)
        if self.solarizes:
            images = solarize(images, parameters.solarize, self.threshold)
        return ((images - self.mean) / self.std).contiguous(memory_format=self.layout)


def cut_out(values: Tensor, box: Tensor, size: int, flip: Tensor | None = None) -> Tensor:
    """Boxes [batch, 4] of images [batch, row, column, 3] in uint8 as [batch, 3, size, size] between 0 and 1."""
    batch, height, width, channels = values.shape
    top, left, tall, wide = box.unbind(1)
    rows = resample_bands(top, tall, height, size)
    columns = resample_bands(left, wide, width, size, flip)
    strips = resampled(rows._replace(weights=rows.weights / 255), values.flatten(2))
    found = resampled(columns, strips.reshape(batch, width, channels * size))
    return found.reshape(batch, channels, size, size)


def _blended(images: Tensor, kinds: Tensor, factors: Tensor) -> Tensor:
    for stage in range(len(BLENDS)):
        images = blend(images, factors[:, stage], kinds[:, stage])
    return images


@lru_cache(maxsize=64)
def photo_view(policy: Photo, device: torch.device, layout: torch.memory_format = torch.contiguous_format) -> PhotoView:
    """The view of a policy on a device, that gives images in a layout."""
    return PhotoView(policy, layout).to(device)


def clean_view(pixels: Pixels, policy: Photo, share: float = 0.875) -> Tensor:
    """The middle of images, as evaluation sees them: a square of `share` of the shorter side, resized, nothing else."""
    view = photo_view(policy, pixels.values.device)
    images = cut_out(pixels.values, middle_boxes(pixels.extent, share), policy.size)
    return (images - view.mean) / view.std
