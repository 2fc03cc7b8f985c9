"""From an experiment to its runs: every combination as a plan, each with an identity that says what was trained."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from losslang.diagnostics import LosslangError
from losslang.experiment.document import Range, Value
from losslang.experiment.read import Document, one_of
from losslang.questions import canonical_hash
from losslang.shipped import shipped_recipes, shipped_specs
from losslang.syntax.names import nearest
from losslang.training.plan import RunPlan, resolve_run
from losslang.training.recipe_files import recipe_file
from losslang.training.settings import Setting

__all__ = ["Cell", "Planned", "grid", "identity", "plan_cell", "plan_cells", "values_of"]

Overrides = Mapping[str, "str | Setting"]


@dataclass(frozen=True)
class Cell:
    """One method on one data set with one choice of the swept settings; its runs differ in their seed alone."""

    label: str
    data: str | None
    swept: Mapping[str, Value]

    @property
    def suffix(self) -> str:
        """What tells the cell from others of its method and data."""
        return "".join(f"-{name.rpartition('.')[2]}={_spelled(value)}" for name, value in self.swept.items())


def _spelled(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Planned:
    """A run of an experiment: its cell, its plan, and its identity."""

    cell: Cell
    plan: RunPlan
    id: str


def values_of(swept: tuple[Value, ...] | Range) -> tuple[Value, ...]:
    """The values of a list or a range."""
    if not isinstance(swept, Range):
        return swept
    if swept.count == 1:
        return (swept.start,)
    shares = [at / (swept.count - 1) for at in range(swept.count)]
    if swept.scale == "log":
        return tuple(_rounded(swept.start * (swept.end / swept.start) ** share) for share in shares)
    return tuple(_rounded(swept.start + (swept.end - swept.start) * share) for share in shares)


def _rounded(value: float) -> float:
    """Twelve digits: 0.3, and not 0.30000000000000004."""
    return float(f"{value:.12g}")


def grid(document: Document) -> list[Cell]:
    """Every combination of methods, data and swept values."""
    experiment = document.experiment
    swept = [[(name, value) for value in values_of(values)] for name, values in experiment.sweep.items()]
    labels, data = experiment.methods, experiment.data or (None,)
    return [
        Cell(label, d, dict(each)) for label, d in itertools.product(labels, data) for each in itertools.product(*swept)
    ]


def plan_cells(document: Document, cells: Iterable[Cell], out: Path, sets: Overrides) -> list[Planned]:
    """The runs of cells. Runs of equal identity are one run. Raises LosslangError, SpecError: all that is wrong, at once."""
    found: dict[str, Planned] = {}
    wrong, recipe = list(document.wrong), str(shipped_recipes()["toy"])
    try:
        recipe = _recipe(document)
    except LosslangError as error:
        wrong.append(error)
    for cell in cells:
        try:
            for planned in plan_cell(document, cell, recipe, out, sets):
                found.setdefault(planned.id, planned)
        except LosslangError as error:
            wrong.append(error)
    if wrong:
        raise one_of(wrong)
    return list(found.values())


def plan_cell(document: Document, cell: Cell, recipe: str, out: Path, sets: Overrides) -> Iterator[Planned]:
    """The runs of a cell with a recipe (a file), one per seed. Raises LosslangError, SpecError."""
    experiment = document.experiment
    swept = {name: Setting(value, document.places["sweep", name]) for name, value in cell.swept.items()}
    given: dict[str, str | Setting] = {
        **document.settings("set"),
        **document.settings("methods", cell.label, "set"),
        **swept,
        **sets,
        **_data(document, cell),
    }
    spec = _method(document, cell.label)
    first = resolve_run(spec, recipe, sets=given)
    folder = out / f"{cell.label}-{first.dataset.name}{cell.suffix}".replace("/", "_").replace(" ", "_")
    cell = replace(cell, data=first.dataset.name)
    seeds = experiment.seeds if isinstance(experiment.seeds, tuple) else range(experiment.seeds)
    source, mathematics = document.places.get(("seeds",), str(document.file)), canonical_hash(first.spec)
    for seed in seeds:
        plan = first.with_seed(seed, folder, source)
        name = identity(plan, mathematics)
        yield Planned(cell, replace(plan, folder=_folder(folder, out, seed, name)), name)


def _data(document: Document, cell: Cell) -> dict[str, Setting]:
    """The data set of a cell with its place; `recipe.data`, as a method may have a parameter of the name."""
    if cell.data is None:
        return {}
    return {"recipe.data": Setting(cell.data, document.places.get(("data",), str(document.file)))}


def _method(document: Document, label: str) -> str:
    """The file of a method. Raises LosslangError, with the place in the file, where there is none of the name."""
    name, shipped, path = document.experiment.methods[label].method, shipped_specs(), ("methods", label)
    file = _file(document, name, shipped, path)
    if Path(file).suffix or Path(file).is_file():
        return file
    close = nearest(name, shipped)
    hint = f"did you mean `{close}`?" if close else "`losslang list specs` shows those that ship; a file has an ending"
    raise LosslangError(f"{document.places.get(path, document.file)}: there is no method `{name}`; {hint}")


def _recipe(document: Document) -> str:
    """The recipe of all runs. Raises LosslangError, with the place in the file, where there is none of the name."""
    recipe = _file(document, document.experiment.recipe, shipped_recipes(), ("recipe",))
    try:
        return str(recipe_file(recipe))
    except LosslangError as error:
        raise LosslangError(f"{document.places.get(('recipe',), document.file)}: {error}") from None


def _file(document: Document, name: str, shipped: Mapping[str, Path], path: tuple[str, ...]) -> str:
    """The name of something that ships, or a file from the folder of the experiment on."""
    if name in shipped or not Path(name).suffix:
        return str(shipped.get(name, name))
    for file in (document.file.parent / name, Path(name)):
        if file.is_file():
            return str(file)
    raise LosslangError(f"{document.places.get(path, document.file)}: there is no file {document.file.parent / name}")


def _folder(folder: Path, out: Path, seed: int, name: str) -> Path:
    """The folder of a run; where the run was done under another name, the folder that it has."""
    done = sorted(out.glob(f"*/seed*-{name[:8]}")) if out.is_dir() else []
    return done[0] if done else folder / f"seed{seed}-{name[:8]}"


def identity(plan: RunPlan, mathematics: str) -> str:
    """A hash of all that decides what a run gives: the method's `canonical_hash`, the recipe as resolved, data and seed."""
    recipe: dict[str, Any] = plan.recipe.model_dump(
        mode="json", exclude={"parameters", "augmentation", "epochs", "threads"}
    )
    recipe |= {"steps": plan.steps, "data": plan.dataset.name}
    policies = [[type(policy).__name__, policy.model_dump(mode="json")] for policy in plan.policies.values()]
    whole = json.dumps([mathematics, recipe, policies], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:16]
