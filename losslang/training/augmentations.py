"""The augmentation of every view: what the data bring, a named augmentation over it, the recipe's own options on top."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from losslang.data.datasets import Dataset
from losslang.data.policies import POLICIES, Image, Noise, Nothing, Photo, Policy
from losslang.diagnostics import LosslangError
from losslang.objective.spec import Spec
from losslang.shipped import shipped_augmentations
from losslang.syntax.names import nearest
from losslang.training.settings import Settings, read_recipe_file

__all__ = ["LIKE", "PREFIX", "unplaced", "view_policies"]

PREFIX = "augmentation."
LIKE = "augmentation.like"
"""The setting that names an augmentation; `augmentation: byol` is short for it."""

_POSITIONS = ("first", "second")
"""Names by which named augmentations speak of a method's first two views, whatever these are called."""

_FOR = {
    Nothing: ("points", "images"),
    Noise: ("points", "images"),
    Image: ("images",),
    Photo: ("photos",),
}
"""The kinds of data that a policy is for."""


@dataclass(frozen=True)
class _Option:
    """A value, and where it was set: `augmentation.all.scale` by `--set`."""

    value: Any
    path: str
    source: str


_Layer = dict[str, dict[str, _Option]]
"""Options by what they are for: `all`, a group, a position, a view."""


def view_policies(settings: Settings, spec: Spec, dataset: Dataset) -> dict[str, Policy]:
    """One policy per view. Raises LosslangError for options that there are not, and policies that are for other data.

    An option holds for its view before its group, for these before `all`, and in each case the recipe's own before those
    of a named augmentation before those of the data. Another policy begins without the options of the one before.
    """
    own = {path.removeprefix(PREFIX): s for path, s in settings.items() if path.startswith(PREFIX) and path != LIKE}
    layers = [_of_data(dataset), _named(settings), _layer({path: (s.value, s.source) for path, s in own.items()})]
    _check_names(layers[-1], spec)
    return {view: _policy(_options(layers, _names(view, spec)), dataset) for view in spec.views}


def unplaced(settings: Settings) -> Iterator[tuple[str, str]]:
    """Every option that is given for no view by its path, and what is said of it."""
    for path, setting in settings.items():
        option = path.removeprefix(PREFIX)
        if path not in {option, LIKE} and "." not in option:
            meant = "is a section of options: give one, as" if option == "all" else "is no section of options: write"
            yield path, f"{setting.source}: `{path}` {meant} `{PREFIX}all.{'blur' if option == 'all' else option}`"


def _layer(values: Mapping[str, tuple[Any, str]]) -> _Layer:
    layer: _Layer = {}
    for path, (value, source) in values.items():
        name, _, option = path.rpartition(".")
        layer.setdefault(name, {})[option] = _Option(value, PREFIX + path, source)
    return layer


def _of_data(dataset: Dataset) -> _Layer:
    source = f"data set {dataset.name}"
    return _layer({f"all.{option}": (value, source) for option, value in dataset.augmentation.items()})


def _named(settings: Settings) -> _Layer:
    if LIKE not in settings:
        return {}
    name, shipped = str(settings[LIKE].value), shipped_augmentations()
    if name not in shipped:
        close = nearest(name, shipped)
        hint = f"did you mean `{close}`?" if close else f"there are {', '.join(shipped)}"
        raise LosslangError(f"{settings[LIKE].source}: there is no augmentation `{name}`; {hint}")
    return _layer({path: (s.value, s.source) for path, s in read_recipe_file(shipped[name]).items()})


def _names(view: str, spec: Spec) -> Iterable[str]:
    """What a view goes by, the widest first."""
    groups = [group for group, views in spec.view_groups.items() if view in views]
    return ["all", *groups, *_POSITIONS[spec.views.index(view) :][:1], view]


def _check_names(layer: _Layer, spec: Spec) -> None:
    """Recipes and named augmentations may speak of views that a method lacks; the command line may not."""
    known = {"all", *spec.views, *spec.view_groups, *_POSITIONS}
    for name, options in layer.items():
        if name not in known and any(option.source == "--set" for option in options.values()):
            close = nearest(name, known)
            hint = f"did you mean `{close}`?" if close else f"there are {', '.join(sorted(known))}"
            raise LosslangError(f"--set: {spec.method_name} has no view or group `{name}`; {hint}")


def _options(layers: Iterable[_Layer], names: Iterable[str]) -> dict[str, _Option]:
    names, found = list(names), dict[str, _Option]()
    for layer in layers:
        for name in names:
            part = layer.get(name, {})
            if "policy" in part and "policy" in found and part["policy"].value != found["policy"].value:
                found = {}
            found |= part
    return found


def _policy(options: dict[str, _Option], dataset: Dataset) -> Policy:
    kind = options.pop("policy")
    if kind.value not in POLICIES:
        close = nearest(str(kind.value), POLICIES)
        hint = f"did you mean `{close}`?" if close else f"there are {', '.join(POLICIES)}"
        raise LosslangError(f"{kind.source}: `{kind.path}` is `{kind.value}`; {hint}")
    policy = POLICIES[kind.value]
    if dataset.kind not in _FOR[policy]:
        name = kind.path.split(".")[1]
        raise LosslangError(
            f"{kind.source}: the augmentation of `{name}` is for {' and '.join(_FOR[policy])}, and {dataset.name} holds"
            f" {dataset.kind}"
        )
    try:
        return policy.model_validate({name: option.value for name, option in options.items()})
    except ValidationError as error:
        raise _wrong_option(error, policy, kind, options) from None


def _wrong_option(
    error: ValidationError, policy: type[Policy], kind: _Option, options: Mapping[str, _Option]
) -> LosslangError:
    problem = error.errors()[0]
    name = str(problem["loc"][0]) if problem["loc"] else ""
    option = options.get(name, kind)
    message = problem["msg"].replace("Input should be", "must be").removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        close = nearest(name, policy.model_fields)
        message = "is no option of it" + (f"; did you mean `{close}`?" if close else "")
    return LosslangError(f"{option.source}: `{option.path}` {message} (policy {kind.value})")
