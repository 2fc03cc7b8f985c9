"""The settings of a run as they are written down: values, and where each was set. Torch-free."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from losslang.data.policies import POLICIES
from losslang.objective.schedules import Schedule
from losslang.training.plan import RunPlan
from losslang.training.settings import Setting, Settings

__all__ = ["settings_record"]


def settings_record(plan: RunPlan) -> dict[str, Any]:
    """Method, parameters and settings, ready for JSON."""
    return {
        "method": plan.spec.method_name,
        "file": plan.spec.source.name,
        "extends": list(plan.spec.bases),
        "hash": plan.spec.hash,
        "recipe": plan.recipe_name,
        "steps": plan.steps,
        "steps_per_epoch": plan.steps_per_epoch,
        "parameters": {
            name: {"value": _plain(parameter.value), "set by": parameter.source}
            for name, parameter in plan.spec.parameters.items()
        },
        "augmentation": {
            view: {"policy": type(policy).__name__.lower(), **policy.model_dump()}
            for view, policy in plan.policies.items()
        },
        "settings": _settings(plan),
    }


def _settings(plan: RunPlan) -> dict[str, Any]:
    """Every setting of the recipe by its path; those of `parameters` and `augmentation` are recorded resolved instead."""
    found = {}
    for path, value in _leaves(plan.recipe, ""):
        setting = plan.settings.get(path)
        found[path] = {"value": _plain(value), "set by": "default" if setting is None else setting.source}
    given = {path: s for path, s in plan.settings.items() if path.startswith(("augmentation.", "optimizer.networks."))}
    return found | {
        path: {"value": _plain(s.value), "set by": s.source} for path, s in (_of_data(plan) | given).items()
    }


def _of_data(plan: RunPlan) -> Settings:
    """What the data say of augmentation, where their policy is used."""
    options, source = plan.dataset.augmentation, f"data set {plan.dataset.name}"
    if not any(type(policy) is POLICIES[options["policy"]] for policy in plan.policies.values()):
        return {}
    return {f"augmentation.all.{option}": Setting(value, source) for option, value in options.items()}


def _leaves(section: BaseModel, prefix: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            found += _leaves(value, f"{prefix}{name}.")
        elif not isinstance(value, dict):
            found.append((prefix + name, value))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Schedule):
        return f"{value.kind}({value.start:g}, {value.end:g})"
    return list(value) if isinstance(value, tuple) else value
