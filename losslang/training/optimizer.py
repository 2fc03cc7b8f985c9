"""The optimiser and its learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import nn

from losslang.training.recipe import Optimizer

__all__ = ["OPTIMIZERS", "learning_rate", "make_optimizer"]


def _sgd(parameters: Iterable[nn.Parameter], recipe: Optimizer) -> torch.optim.Optimizer:
    # not fused=True, which in torch 2.13 fails for parameters whose first gradient comes late (freeze_for)
    return torch.optim.SGD(
        parameters, lr=recipe.learning_rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay, foreach=True
    )


def _adamw(parameters: Iterable[nn.Parameter], recipe: Optimizer) -> torch.optim.Optimizer:
    betas = (recipe.momentum, 0.999)
    return torch.optim.AdamW(
        parameters, lr=recipe.learning_rate, betas=betas, weight_decay=recipe.weight_decay, fused=True
    )


OPTIMIZERS: dict[str, Callable[[Iterable[nn.Parameter], Optimizer], torch.optim.Optimizer]] = {
    "sgd": _sgd,
    "adamw": _adamw,
}


def make_optimizer(model: nn.Module, recipe: Optimizer) -> torch.optim.Optimizer:
    """The optimiser of a recipe over all parameters; those without gradient (targets, frozen networks) stay as they are."""
    return OPTIMIZERS[recipe.name](model.parameters(), recipe)


def learning_rate(step: int, steps: int, recipe: Optimizer) -> float:
    """The learning rate of a step (from 0) of a run of so many steps: linear warm-up, then a half cosine to `final`."""
    warm = round(recipe.warmup * steps)
    if step < warm:
        return recipe.learning_rate * (step + 1) / warm
    share = (1 + math.cos(math.pi * (step - warm) / max(steps - warm, 1))) / 2
    return recipe.learning_rate * (recipe.final + (1 - recipe.final) * share)
