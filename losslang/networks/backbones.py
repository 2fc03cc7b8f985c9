"""Backbones: what a recipe may put where a method says `backbone`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from losslang.networks.resnet import BasicBlock, Bottleneck, ResNet
from losslang.networks.vit import VisionTransformer
from losslang.networks.zoo import from_library

__all__ = ["BACKBONES", "Backbone", "make_backbone"]


@dataclass(frozen=True)
class Backbone:
    """A module from images [batch, …] to features [batch, feature], and the size of these."""

    module: nn.Module
    feature_size: int


def make_backbone(name: str, shape: Sequence[int], **options: Any) -> Backbone:
    """The backbone of that name for images of that shape (without the batch axis).

    Raises KeyError for an unknown name, LosslangError for a network of a library that is not there.
    """
    if ":" in name:
        return Backbone(*from_library(name, shape))
    return BACKBONES[name](shape, **options)


def _mlp(shape: Sequence[int], *, widths: Sequence[int] = (64, 64), norm: str = "batchnorm") -> Backbone:
    """Linear layers, norm and ReLU after every one but the last; images are flattened."""
    layers: list[nn.Module] = [nn.Flatten()]
    size = math.prod(shape)
    for at, width in enumerate(widths):
        layers.append(nn.Linear(size, width))
        if at < len(widths) - 1:
            layers += [nn.BatchNorm1d(width), nn.ReLU()] if norm == "batchnorm" else [nn.ReLU()]
        size = width
    return Backbone(nn.Sequential(*layers), size)


def _resnet(
    shape: Sequence[int], *, block: type[BasicBlock | Bottleneck], depths: tuple[int, int, int, int], **options: Any
) -> Backbone:
    network = ResNet(block, depths, channels=shape[0], **options)
    return Backbone(network, network.feature_size)


def _vit(shape: Sequence[int], *, width: int, heads: int, patch: int = 16) -> Backbone:
    network = VisionTransformer(width=width, depth=12, heads=heads, image_size=shape[1], patch=patch, channels=shape[0])
    return Backbone(network, width)


BACKBONES: dict[str, Callable[..., Backbone]] = {
    "mlp": _mlp,
    "resnet18": partial(_resnet, block=BasicBlock, depths=(2, 2, 2, 2)),
    "resnet34": partial(_resnet, block=BasicBlock, depths=(3, 4, 6, 3)),
    "resnet50": partial(_resnet, block=Bottleneck, depths=(3, 4, 6, 3)),
    "vit_ti": partial(_vit, width=192, heads=3),
    "vit_s": partial(_vit, width=384, heads=6),
    "vit_b": partial(_vit, width=768, heads=12),
}
