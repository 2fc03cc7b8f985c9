"""Augmentation of a whole batch by tensor operations, each sample with random numbers of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from losslang.data.counter import Draws
from losslang.data.photos import Pixels, draw, photo_view
from losslang.data.policies import Image, Noise, Photo, Policy

__all__ = ["augment", "crop_matrix"]


def augment(
    inputs: Tensor | Pixels, policy: Policy, draws: Draws, layout: torch.memory_format = torch.contiguous_format
) -> Tensor:
    """Inputs [batch, …] as one view sees them: of the same shape, or of the size that a policy for photos says.

    `layout` is how views of photos lie in memory.
    """
    if isinstance(inputs, Pixels):
        assert isinstance(policy, Photo)
        return photo_view(policy, inputs.values.device, layout)(inputs.values, draw(policy, draws, inputs.extent))
    return _POLICIES.get(type(policy), _nothing)(inputs, policy, draws)


def _nothing(inputs: Any, _policy: Policy, _draws: Draws) -> Tensor:
    return inputs


def _noise(inputs: Tensor, policy: Noise, draws: Draws) -> Tensor:
    return inputs + policy.scale * _noise_like(inputs, draws)


def _noise_like(inputs: Tensor, draws: Draws) -> Tensor:
    return draws.normal("noise", inputs[0].numel()).view_as(inputs).to(inputs.dtype)


def _image(images: Tensor, policy: Image, draws: Draws) -> Tensor:
    """Images [batch, channel, row, column]."""
    images = _cropped(images, policy, draws)
    gain, slope = (1 + width * (2 * draws.uniform(name, 1) - 1) for name, width in _color(policy))
    gain, slope = (factor[:, :, None, None].to(images.dtype) for factor in (gain, slope))
    images = images * gain
    middle = images.mean((1, 2, 3), keepdim=True)
    images = middle + slope * (images - middle)
    return images + policy.noise * _noise_like(images, draws)


def _color(policy: Image) -> tuple[tuple[str, float], tuple[str, float]]:
    return ("brightness", policy.brightness), ("contrast", policy.contrast)


def _cropped(images: Tensor, policy: Image, draws: Draws) -> Tensor:
    """A random box of each image, resized to the size of the image by one matrix product per axis."""
    area = policy.crop + (1 - policy.crop) * draws.uniform("area", 1)[:, 0]
    log_ratio = math.log(policy.ratio) * (2 * draws.uniform("ratio", 1)[:, 0] - 1)
    tall = torch.sqrt(area * torch.exp(log_ratio)).clamp(max=1)
    wide = torch.sqrt(area * torch.exp(-log_ratio)).clamp(max=1)
    place = draws.uniform("place", 2)
    mirrored = draws.uniform("flip", 1)[:, 0] < policy.flip
    rows = crop_matrix(place[:, 0] * (1 - tall), tall, images.shape[2]).to(images.dtype)
    columns = crop_matrix(place[:, 1] * (1 - wide), wide, images.shape[3]).to(images.dtype)
    columns = torch.where(mirrored[:, None, None], columns.flip(1), columns)
    return rows[:, None] @ images @ columns[:, None].transpose(2, 3)


def crop_matrix(start: Tensor, length: Tensor, size: int) -> Tensor:
    """The linear interpolation that takes `size` pixels to the part from `start` over `length`, resized to `size` pixels.

    `start` and `length` are [batch] in units of the image; the result is [batch, new pixel, pixel] with rows that sum to 1.
    """
    centers = (torch.arange(size, device=start.device) + 0.5) / size
    wanted = (start[:, None] + length[:, None] * centers) * size - 0.5
    pixels = torch.arange(size, device=start.device)
    weights = (1 - (wanted.clamp(0, size - 1)[:, :, None] - pixels).abs()).clamp(min=0)
    return weights / weights.sum(2, keepdim=True)


_POLICIES: dict[type[Policy], Callable[[Any, Any, Draws], Tensor]] = {
    Noise: _noise,
    Image: _image,
}
