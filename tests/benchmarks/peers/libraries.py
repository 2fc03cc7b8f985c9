"""Losses of lightly and pytorch-metric-learning, called on our inputs; both may be installed without what they depend on."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

__all__ = ["Peer", "Run", "crossed", "lightly", "listed", "metric_learning", "parted", "views"]

Run = Callable[[], Tensor]
Peer = Callable[[Mapping[str, Tensor]], Run]
"""From inputs to a run of the loss; raises ImportError where the library is not installed."""

Call = Callable[[Any, Mapping[str, Tensor]], Tensor]


def _bare(package: str, inner: Iterable[str]) -> None:
    """A package whose modules can be imported one by one: its own start would import torchvision."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"{package} is not installed")
    for name in ("", *inner):
        module = types.ModuleType(f"{package}.{name}" if name else package)
        module.__path__ = [str(Path(found.submodule_search_locations[0], *name.split(".")))]
        sys.modules.setdefault(module.__name__, module)


def lightly(module: str, name: str, call: Call, options: Callable[[int], Mapping[str, Any]] = lambda _: {}) -> Peer:
    """A loss of lightly; `options` are what it is made with, given the dimension."""

    def make(inputs: Mapping[str, Tensor]) -> Run:
        if "lightly.loss" not in sys.modules:
            _bare("lightly", ("loss", "utils", "models", "models.modules", "models.utils"))
        first = next(iter(inputs.values()))
        loss = getattr(importlib.import_module(f"lightly.loss.{module}"), name)(**options(first.shape[-1]))
        loss = loss.to(first.device)
        return lambda: call(loss, inputs)

    return make


def metric_learning(name: str, **options: Any) -> Peer:
    """A loss of pytorch-metric-learning on two views."""

    def make(inputs: Mapping[str, Tensor]) -> Run:
        losses = importlib.import_module("pytorch_metric_learning.losses")
        loss = losses.SelfSupervisedLoss(getattr(losses, name)(**options))
        return lambda: loss(*inputs["z"])

    return make


def views(loss: Any, inputs: Mapping[str, Tensor]) -> Tensor:
    """The views of z one by one."""
    return loss(*inputs["z"])


def listed(loss: Any, inputs: Mapping[str, Tensor]) -> Tensor:
    """The views of z in a list."""
    return loss(list(inputs["z"]))


def parted(loss: Any, inputs: Mapping[str, Tensor]) -> Tensor:
    """Two global views and the local ones."""
    return loss(global_proj=inputs["z"][:2], local_proj=inputs["z"][2:])


def crossed(loss: Any, inputs: Mapping[str, Tensor]) -> Tensor:
    """Each prediction beside the other view's target, which has no gradient."""
    p, z = inputs.values()
    return (loss(p[0], z[1].detach()) + loss(p[1], z[0].detach())) / 2
