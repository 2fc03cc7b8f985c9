"""What is wrong with settings for a method: everything that can be found, at once. Torch-free."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from losslang.diagnostics import LosslangError
from losslang.objective.spec import Spec
from losslang.syntax.names import nearest
from losslang.training.augmentations import unplaced
from losslang.training.settings import Settings, unknown_settings, validate

__all__ = ["mistakes", "raised", "what_there_is"]


def raised(look: Callable[..., object], *arguments: object) -> list[str]:
    """What is said to be wrong where something is looked at, if it is."""
    try:
        look(*arguments)
    except LosslangError as error:
        return [str(error)]
    return []


def mistakes(layers: Sequence[Settings], spec: Spec, settings: Settings) -> Iterator[str]:
    """Everything that is wrong with the settings that layers make, the first of them a recipe's own."""
    unknown = {path: message for layer in layers for path, message in unknown_settings(layer)}
    wrong = {
        **unknown,
        **dict(unplaced(settings)),
        **dict(_wrong_parameters(settings, spec, layers[0])),
        **dict(_wrong_networks(settings, spec, layers[0])),
    }
    yield from wrong.values()
    yield from raised(validate, {path: setting for path, setting in settings.items() if path not in wrong})


_Wrong = Iterator[tuple[str, str]]
"""Paths of settings, and what is wrong with each."""


def _wrong_parameters(settings: Settings, spec: Spec, recipe: Settings) -> _Wrong:
    """Parameters that the recipe file gives are for methods that have them; others must exist and be numbers."""
    for path, setting in settings.items():
        name = path.removeprefix("parameters.")
        if name == path or recipe.get(path) == setting:
            continue
        if name not in spec.parameters:
            close = nearest(name, spec.parameters)
            hint = f"did you mean `{close}`?" if close else what_there_is(spec)
            yield path, f"{setting.source}: {spec.method_name} has no parameter `{name}`; {hint}"
        elif not isinstance(setting.value, int | float) or isinstance(setting.value, bool):
            yield path, f"{setting.source}: the parameter `{name}` is a number, and `{setting.value}` is not"


def _wrong_networks(settings: Settings, spec: Spec, recipe: Settings) -> _Wrong:
    """Rules that the recipe file gives are for methods that have the network; others must name one."""
    for path, setting in settings.items():
        name = path.removeprefix("optimizer.networks.").partition(".")[0]
        if path.startswith("optimizer.networks.") and name not in spec.networks and recipe.get(path) != setting:
            close = nearest(name, spec.networks)
            hint = f"did you mean `{close}`?" if close else f"the networks are {', '.join(spec.networks)}"
            yield path, f"{setting.source}: {spec.method_name} has no network `{name}`; {hint}"


def what_there_is(spec: Spec) -> str:
    """The parameters of a method, in words."""
    return f"the parameters are {', '.join(spec.parameters)}" if spec.parameters else "the method has no parameters"
