"""Networks of other libraries as backbones: `torchvision:resnet18`, `timm:vit_small_patch16_224`, without weights."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from losslang.diagnostics import LosslangError

__all__ = ["CLASSIFIERS", "LIBRARIES", "from_library"]

CLASSIFIERS = ("fc", "classifier", "head", "heads")
"""What torchvision calls the last layers, which give way to `nn.Identity`."""


def _torchvision(library: Any, name: str, _shape: Sequence[int]) -> nn.Module:
    """The classifier, whatever it is called, gives way to the features that it is given."""
    network = library.models.get_model(name)
    for last in CLASSIFIERS:
        if isinstance(getattr(network, last, None), nn.Module):
            setattr(network, last, nn.Identity())
            return network
    raise LosslangError(f"torchvision:{name} has no classifier that could be taken away")


def _timm(library: Any, name: str, shape: Sequence[int]) -> nn.Module:
    return library.create_model(name, pretrained=False, num_classes=0, in_chans=shape[0])


LIBRARIES: dict[str, Callable[[Any, str, Sequence[int]], nn.Module]] = {"torchvision": _torchvision, "timm": _timm}


def from_library(full_name: str, shape: Sequence[int]) -> tuple[nn.Module, int]:
    """The network `LIBRARY:NAME` for images [channel, row, column], and the size of its features.

    Raises LosslangError where the library is not installed, does not work, or has no such network.
    """
    library, _, name = full_name.partition(":")
    try:
        module = importlib.import_module(library)
    except Exception as error:  # torchvision raises RuntimeError beside a torch it was not built for
        raise LosslangError(
            f"{full_name} needs the package {library}, which cannot be imported ({error}): pip install 'losslang[zoo]'"
        ) from error
    try:
        network = LIBRARIES[library](module, name, shape)
    except (ValueError, RuntimeError, KeyError) as error:
        raise LosslangError(f"{library} has no network `{name}`: {error}") from error
    return network, _feature_size(full_name, network, shape)


def _feature_size(name: str, network: nn.Module, shape: Sequence[int]) -> int:
    network.eval()
    try:
        with torch.no_grad():
            features = network(torch.zeros(1, *shape))
    except (RuntimeError, ValueError, AssertionError) as error:
        raise LosslangError(f"{name} takes no images of shape {list(shape)}: {error}") from error
    network.train()
    if features.dim() != 2:
        raise LosslangError(
            f"{name} gives features of shape {list(features.shape)}; one row of numbers per image is needed"
        )
    return features.shape[1]
