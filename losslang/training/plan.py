"""From a command line to a plan for one run: everything that can be wrong is found here, without torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from losslang.data.datasets import DATASETS, Dataset
from losslang.data.photo_sets import KNOWN, known, photos_at
from losslang.data.policies import Policy
from losslang.diagnostics import LosslangError
from losslang.objective.parameters import Override
from losslang.objective.spec import Spec
from losslang.pipeline import load
from losslang.shipped import shipped_recipes
from losslang.syntax.names import nearest
from losslang.training.augmentations import PREFIX, view_policies
from losslang.training.fitting import check_backbone, shape_of
from losslang.training.recipe import Recipe
from losslang.training.recipe_files import recipe_chain, recipe_file
from losslang.training.settings import (
    SHORT,
    Setting,
    Settings,
    meant,
    merge,
    paths,
    read_recipe_file,
    read_value,
    validate,
)
from losslang.training.wrong import mistakes, raised, what_there_is

__all__ = ["RunPlan", "check_override", "plan_of", "resolve_run"]


@dataclass(frozen=True)
class RunPlan:
    """One run, fully determined: a method with its parameters, a recipe, data, and one augmentation per view.

    `settings` says where each setting was set; `steps` is the length in optimiser steps.
    """

    spec: Spec
    recipe_name: str
    recipe: Recipe
    settings: Settings
    dataset: Dataset
    policies: dict[str, Policy]
    folder: Path
    steps: int
    steps_per_epoch: int

    @property
    def name(self) -> str:
        """`simsiam on blobs`."""
        return f"{self.spec.method_name} on {self.dataset.name}"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """What the backbone takes, without the batch axis: of the first view."""
        return shape_of(next(iter(self.policies.values())), self.dataset)

    def with_seed(self, seed: int, folder: Path, source: str = "--seeds") -> RunPlan:
        """The same run with another seed, in another folder."""
        settings = self.settings | {"seed": Setting(seed, source)}
        return dataclasses.replace(
            self, recipe=self.recipe.model_copy(update={"seed": seed}), settings=settings, folder=folder
        )


def resolve_run(
    spec_path: str | Path,
    recipe: str = "toy",
    *,
    data: str | None = None,
    seed: int | None = None,
    sets: Mapping[str, str | Setting] | None = None,
    out: Path | None = None,
) -> RunPlan:
    """The plan of a run of a method file with a recipe (a name or a file) and what the command line or an experiment sets.

    `sets` holds texts as the command line gives them, or settings that say where they come from.

    Raises SpecError for a wrong method, LosslangError for everything else that is wrong, all of it at once.
    """
    spec, file = load(spec_path), recipe_file(recipe)
    wrong: list[str] = []
    layers: list[Settings] = []
    chain = recipe_chain(file)
    for name, own in chain:
        layers += [own, _layer(_of_method(spec, name), spec, wrong)]
    layers += [_layer(sets or {}, spec, wrong), _options(data, seed)]
    layers = [_own_augmentation(layer, layers[at + 1 :]) for at, layer in enumerate(layers)]
    settings = merge(layers)
    wrong += [*mistakes([merge(own for _, own in chain), *layers], spec, settings), *raised(_dataset, settings)]
    if wrong:
        raise LosslangError("\n".join(wrong))
    return plan_of(spec, file.stem, settings, out)


def check_override(spec: Spec, recipe: str, key: str, setting: Setting) -> None:
    """Whether one setting under `recipes:` of a method is one, and its value of the right kind. Raises LosslangError.

    What depends on the data, as options of augmentations, is found when a run is planned.
    """
    shipped = shipped_recipes()
    layers = [read_recipe_file(shipped.get(recipe, shipped["toy"])), dict([_given(key, setting, spec)])]
    wrong = list(mistakes(layers, spec, merge(layers)))
    if wrong:
        raise LosslangError("\n".join(wrong))


def plan_of(spec: Spec, recipe: str, settings: Settings, out: Path | None = None) -> RunPlan:
    """The plan that these settings make, all of them together. Raises SpecError, LosslangError."""
    dataset = _dataset(settings)
    policies = view_policies(settings, spec, dataset)
    valid = _with_rate(validate(settings))
    check_backbone(valid.backbone, dataset, policies, _source(settings, "backbone.name"))
    spec = _with_parameters(spec, settings)
    _check_gradient(spec)
    per_epoch = _steps_per_epoch(valid, dataset, settings)
    steps = valid.steps or max(round((valid.epochs or 0) * per_epoch), 1)
    folder = out or Path("runs") / f"{spec.method_name}-{dataset.name}" / f"seed{valid.seed}"
    return RunPlan(spec, recipe, valid, settings, dataset, policies, folder, steps, per_epoch)


# ---------------------------------------------------------------- layers


def _of_method(spec: Spec, recipe: str) -> dict[str, Setting]:
    """What the method changes for this recipe, by the names that it uses."""
    places = spec.recipe_places.get(recipe, {})
    given = spec.recipes.get(recipe, {}).items()
    return {key: Setting(value, f"{places[key]}, recipes: {recipe}") for key, value in given}


def _layer(given: Mapping[str, str | Setting], spec: Spec, wrong: list[str]) -> Settings:
    """What is given, as settings; what cannot be one is left out, and said in `wrong`."""
    layer: Settings = {}
    for key, value in given.items():
        wrong += raised(lambda key=key, value=value: layer.update([_given(key, value, spec)]))
    return layer


def _given(key: str, value: str | Setting, spec: Spec) -> tuple[str, Setting]:
    if isinstance(value, str):
        return _path(key, spec), Setting(read_value(key, value), "--set")
    try:
        return _path(key, spec), value
    except LosslangError as error:
        raise LosslangError(f"{value.source}: {error}") from None


def _options(data: str | None, seed: int | None) -> Settings:
    given = {"data": (data, "--data"), "seed": (seed, "--seed")}
    return {path: Setting(value, source) for path, (value, source) in given.items() if value is not None}


def _path(key: str, spec: Spec) -> str:
    """A key as a setting: a parameter of the method by its name, a setting of the recipe by its path.

    Raises LosslangError where it is both, or nothing.
    """
    known = paths()
    if key in spec.parameters and key in known:
        raise LosslangError(
            f"`{key}` is a parameter of {spec.method_name} and a setting of the recipe;"
            f" write parameters.{key} or recipe.{key}"
        )
    key = SHORT.get(key, key)
    if key.startswith("recipe."):
        key = key.removeprefix("recipe.")
    elif key in spec.parameters:
        return f"parameters.{key}"
    if key in known or "." in key:
        return key
    close = nearest(key, spec.parameters)
    hint = f"; did you mean `{close}`?" if close else meant(key, known) or f"; {what_there_is(spec)}"
    raise LosslangError(f"`{key}` is neither a parameter of {spec.method_name} nor a setting{hint}")


# ---------------------------------------------------------------- parts


def _dataset(settings: Settings) -> Dataset:
    setting = settings.get("data", Setting(Recipe.model_fields["data"].default, "default"))
    name = str(setting.value)
    found = DATASETS.get(name) or known(name)
    if found is not None:
        return found
    if Path(name).is_dir():
        return photos_at(Path(name))
    there = [*DATASETS, *KNOWN]
    close = nearest(name, there)
    hint = f"did you mean `{close}`?" if close else f"there are {', '.join(there)}, caches and folders of images"
    raise LosslangError(f"{setting.source}: there is no data set `{name}`; {hint}")


def _own_augmentation(layer: Settings, later: Sequence[Settings]) -> Settings:
    """A layer without its augmentation where a later one brings other data: photos alone are all augmented alike."""
    before = str(layer["data"].value) if "data" in layer else ""
    others = {str(other["data"].value) for other in later if "data" in other}
    if not others or not (others | {before}) & DATASETS.keys():
        return layer
    return {path: setting for path, setting in layer.items() if not path.startswith(PREFIX)}


def _check_gradient(spec: Spec) -> None:
    if not any(term.value.trains for term in spec.graph.terms):
        raise LosslangError(
            f"{spec.source.name}: there is nothing to train: no gradient of any term reaches a network;"
            " a stopgrad, a target or a frozen network may cut every path"
        )


def _with_parameters(spec: Spec, settings: Settings) -> Spec:
    overrides = {
        name: Override(setting.value, setting.source)
        for path, setting in settings.items()
        if (name := path.removeprefix("parameters.")) != path and name in spec.parameters
    }
    return load(spec.source, parameters=overrides) if overrides else spec


def _with_rate(recipe: Recipe) -> Recipe:
    """The recipe with the learning rate for its own batch size (the linear rule of Goyal et al. 2017)."""
    optimizer = recipe.optimizer
    if optimizer.for_batch is None:
        return recipe
    rate = optimizer.learning_rate * recipe.batch_size / optimizer.for_batch
    changed = optimizer.model_copy(update={"learning_rate": rate, "for_batch": recipe.batch_size})
    return recipe.model_copy(update={"optimizer": changed})


def _steps_per_epoch(recipe: Recipe, dataset: Dataset, settings: Settings) -> int:
    samples = dataset.samples[0]
    if recipe.batch_size > samples:
        raise LosslangError(
            f"{_source(settings, 'batch_size')}: a batch of {recipe.batch_size} is larger than {dataset.name}, which has"
            f" {samples} samples"
        )
    return samples // recipe.batch_size


def _source(settings: Settings, path: str) -> str:
    """Where a setting was set."""
    return settings[path].source if path in settings else "default"
