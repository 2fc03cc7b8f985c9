"""The optimiser: its groups of parameters, their learning rates, and clipped gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

from losslang.backend.model import Model
from losslang.training.lars import Lars
from losslang.training.recipe import NetworkRule, Optimizer

__all__ = ["OPTIMIZERS", "clip_gradients", "clipped_parts", "learning_rate", "make_optimizer", "set_learning_rates"]

T = TypeVar("T", bound=torch.optim.Optimizer)

Parameters: TypeAlias = Iterable[nn.Parameter] | Iterable[dict[str, Any]]
"""What torch's optimisers take: parameters, or groups of them with options."""


def _light(kind: type[T]) -> type[T]:
    """A kind of optimiser whose books do not import torch's compiler, which takes a second; its steps still do."""
    books = ("add_param_group", "state_dict", "load_state_dict")
    return type(kind.__name__, (kind,), {name: getattr(torch.optim.Optimizer, name).__wrapped__ for name in books})


_SGD, _AdamW, _Lars = _light(torch.optim.SGD), _light(torch.optim.AdamW), _light(Lars)


def _sgd(parameters: Parameters, recipe: Optimizer) -> torch.optim.Optimizer:
    # not fused=True, which in torch 2.13 fails for parameters whose first gradient comes late (freeze_for)
    return _SGD(
        parameters, lr=recipe.learning_rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay, foreach=True
    )


def _adamw(parameters: Parameters, recipe: Optimizer) -> torch.optim.Optimizer:
    betas = (recipe.momentum, 0.999)
    return _AdamW(parameters, lr=recipe.learning_rate, betas=betas, weight_decay=recipe.weight_decay, fused=True)


def _lars(parameters: Parameters, recipe: Optimizer) -> torch.optim.Optimizer:
    return _Lars(
        parameters,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        trust=recipe.trust,
        clip=recipe.trust_clip,
    )


OPTIMIZERS: dict[str, Callable[[Parameters, Optimizer], torch.optim.Optimizer]] = {
    "sgd": _sgd,
    "adamw": _adamw,
    "lars": _lars,
}


def make_optimizer(model: Model, recipe: Optimizer) -> torch.optim.Optimizer:
    """The optimiser of a recipe over all parameters; those without gradient (targets, frozen networks) stay as they are."""
    rules = {name: rule for name, rule in recipe.networks.items() if name in model.spec.networks}
    if not rules and not recipe.spare_vectors:
        return OPTIMIZERS[recipe.name](model.parameters(), recipe)
    groups = [group for name, part in _parts(model, rules).items() for group in _groups(part, rules.get(name), recipe)]
    return OPTIMIZERS[recipe.name](groups, recipe)


def _parts(model: Model, names: Iterable[str]) -> dict[str, list[nn.Parameter]]:
    """The parameters of each network, the first in the order of the method where several share one; the rest under ``""``."""
    parts: dict[str, list[nn.Parameter]] = {}
    taken: set[nn.Parameter] = set()
    named = {name: module for name in model.spec.networks if name in names and (module := model.network(name))}
    for name, module in {**named, "": model}.items():
        own = [parameter for parameter in module.parameters() if parameter not in taken]
        taken.update(own)
        if own:
            parts[name] = own
    return parts


def _groups(parameters: list[nn.Parameter], rule: NetworkRule | None, recipe: Optimizer) -> Iterable[dict[str, Any]]:
    """One group, or two where biases and norms are spared weight decay and LARS's scale."""
    rule = rule or NetworkRule()
    decay = recipe.weight_decay if rule.weight_decay is None else rule.weight_decay
    group = {"params": parameters, "weight_decay": decay, "schedule": rule.schedule, "scale": rule.scale}
    if not recipe.spare_vectors:
        yield group
        return
    for spared in (False, True):
        own = [p for p in parameters if (p.dim() < 2) == spared]
        if own:
            yield group | {"params": own} | ({"weight_decay": 0.0, "trust": 0.0} if spared else {})


def set_learning_rates(optimizer: torch.optim.Optimizer, step: int, steps: int, recipe: Optimizer) -> float:
    """Give every group its learning rate of a step, and say the one that holds where no rule does."""
    rate = learning_rate(step, steps, recipe)
    for group in optimizer.param_groups:
        usual = recipe.learning_rate if group.get("schedule") == "constant" else rate
        group["lr"] = group.get("scale", 1.0) * usual
    return rate


def clip_gradients(model: Model, recipe: Optimizer) -> None:
    """Cut gradients to the length that the recipe allows: of each parameter, of each network, or of all together."""
    for part in clipped_parts(model, recipe):
        clip_grad_norm_(part, recipe.clip.norm or math.inf)


def clipped_parts(model: Model, recipe: Optimizer) -> Iterable[list[nn.Parameter]]:
    """The parameters whose gradients are cut together; none where no length is given."""
    return () if recipe.clip.norm is None else _clipped[recipe.clip.per](model)


_clipped: Mapping[str, Callable[[Model], Iterable[list[nn.Parameter]]]] = {
    "parameter": lambda model: ([parameter] for parameter in model.parameters()),
    "network": lambda model: _parts(model, model.spec.networks).values(),
    "all": lambda model: [list(model.parameters())],
}


def learning_rate(step: int, steps: int, recipe: Optimizer) -> float:
    """The learning rate of a step (from 0) of a run of so many steps: linear warm-up, then a half cosine to `final`."""
    warm = round(recipe.warmup * steps)
    if step < warm:
        return recipe.learning_rate * (step + 1) / warm
    share = (1 + math.cos(math.pi * (step - warm) / max(steps - warm, 1))) / 2
    return recipe.learning_rate * (recipe.final + (1 - recipe.final) * share)
