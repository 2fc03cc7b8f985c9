"""`losslang experiment FILE`: plan everything, train what is missing, write down what there is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from losslang.data.files import write_text
from losslang.diagnostics import LosslangError
from losslang.experiment.expand import Cell, Planned, grid, plan_cells
from losslang.experiment.read import Document, read_experiment
from losslang.experiment.search import search
from losslang.experiment.work import Work, train_all
from losslang.report.listed import LIST
from losslang.training.folder import RunFolder
from losslang.training.hold import held
from losslang.training.overrides import unused_recipes
from losslang.training.signals import Pending, caught_signals

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Options", "experiment_main"]


class Options(Protocol):
    """The options of the command line."""

    @property
    def out(self) -> Path | None:
        """The folder of the experiment (runs/NAME)."""

    @property
    def set(self) -> Mapping[str, str]:
        """Settings and parameters of all runs, over those of the file."""

    @property
    def seeds(self) -> int | None:
        """The number of seeds in place of the file's."""

    @property
    def processes(self) -> int | None:
        """Processes that train at once; by default one per core."""

    @property
    def retry(self) -> bool:
        """Whether runs that failed are tried again."""

    @property
    def data(self) -> Sequence[str]:
        """Data sets in place of the file's; none for those of the file."""

    @property
    def members(self) -> int:
        """The most members of an ensemble."""


@dataclass
class _Job:
    """One call of the command."""

    document: Document
    out: Path
    options: Options
    pending: Pending
    console: Console
    runs: dict[str, Planned]
    work: dict[str, dict[str, Any]]
    failures: dict[str, str]
    errors: list[str]
    best: list[str] = field(default_factory=list)


def experiment_main(file: Path, options: Options) -> int:
    """Run an experiment. Gives the exit status: 0, 1 where runs failed, 128 + signal.

    Raises LosslangError (also SpecError) for what is wrong in the file, before any work.
    """
    document = _with_data(_with_seeds(read_experiment(file), options.seeds), options.data)
    out = options.out or Path("runs") / document.experiment.experiment
    if out.exists() and not out.is_dir():
        raise LosslangError(f"{out} is a file, and the experiment needs a folder; name another --out")
    if document.wrong:
        plan_cells(document, grid(document), out, options.set)  # raises that, and what else is wrong
    from losslang.training.console import make_console

    console = make_console(markup=False)
    with held(out), caught_signals() as pending:
        job = _Job(document, out, options, pending, console, {}, {}, {}, [])
        if document.experiment.search is not None:
            job.best += search(document, document.experiment.search, lambda cells: _train_cells(job, cells))
        else:
            _train_cells(job, grid(document))
        return _report(job)


def _with_seeds(document: Document, seeds: int | None) -> Document:
    if seeds is None:
        return document
    if seeds < 1:
        raise LosslangError(f"--seeds {seeds}: at least one seed is needed")
    changed = document.experiment.model_copy(update={"seeds": seeds})
    return replace(document, experiment=changed, places={**document.places, ("seeds",): "--seeds"})


def _with_data(document: Document, data: Sequence[str]) -> Document:
    if not data:
        return document
    changed = document.experiment.model_copy(update={"data": tuple(data)})
    return replace(document, experiment=changed, places={**document.places, ("data",): "--data"})


def _train_cells(job: _Job, cells: Sequence[Cell]) -> list[list[dict[str, Any]]]:
    """Train the runs of cells that are not done. Gives their results, cell by cell; none where a signal ended it."""
    planned = plan_cells(job.document, cells, job.out, job.options.set)
    job.runs |= {run.id: run for run in planned}
    plans = [run.plan for run in planned]
    if job.options.retry:
        for plan in plans:
            RunFolder(plan.folder).forgive()
    for line in unused_recipes(plans):
        _say(job, line)
    _say(job, _head(job, Work.before(plans), len(plans)))
    _write_list(job)
    processes = job.options.processes or os.cpu_count() or 1
    work = train_all(plans, processes, job.options.members, job.pending, lambda line: _say(job, line))
    job.work |= {planned[at].id: result for at, result in work.results.items()}
    job.failures |= {planned[at].id: failure for at, failure in work.failures.items()}
    job.errors += work.errors
    _write_list(job)
    if job.pending.number or work.errors:
        return []
    of_cell: dict[tuple[object, ...], list[dict[str, Any]]] = {}
    for at, run in enumerate(planned):
        results = of_cell.setdefault((run.cell.label, *run.cell.swept.items()), [])
        results += [work.results[at]] if at in work.results else []
    return list(of_cell.values())


def _head(job: _Job, before: Work, count: int) -> str:
    """How many runs there are, and what became of them in earlier calls."""
    head = (
        f"{job.document.experiment.experiment}: {count} runs into {job.out}, {len(before.results)} of them done before"
    )
    if not before.failures:
        return head
    return f"{head}; {len(before.failures)} failed before and are left out (--retry tries them again)"


def _say(job: _Job, line: str) -> None:
    job.console.print(line, soft_wrap=True)


def _write_list(job: _Job) -> None:
    """`experiment.json`: every run with its folder, for whoever reports on them; runs of earlier calls at the end."""
    experiment = job.document.experiment
    rows = {
        run.id: {
            "label": run.cell.label,
            "method": run.plan.spec.method_name,
            "data": run.cell.data,
            "swept": dict(run.cell.swept),
            "seed": run.plan.recipe.seed,
            "id": run.id,
            "folder": os.path.relpath(run.plan.folder, job.out),
            "done": run.id in job.work,
            "failure": job.failures.get(run.id, ""),
        }
        for run in job.runs.values()
    }
    rows |= {name: row for name, row in _rows_before(job.out).items() if name not in rows}
    head = {name: getattr(experiment, name) for name in ("experiment", "title", "paper", "notes", "plot")}
    job.out.mkdir(parents=True, exist_ok=True)
    write_text(job.out / LIST, json.dumps({**head, "runs": list(rows.values())}, indent=2) + "\n")


def _rows_before(out: Path) -> dict[str, dict[str, Any]]:
    """The rows of runs that are still there, by their identity; none where the list cannot be read."""
    try:
        rows = json.loads((out / LIST).read_text(encoding="utf-8"))["runs"]
        return {row["id"]: row for row in rows if (out / row["folder"]).is_dir()}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _report(job: _Job) -> int:
    """The table over seeds, and what went wrong."""
    from losslang.training.table import seeds_table

    results = [
        {**job.work[run.id], "method": f"{run.cell.label}{run.cell.suffix}"}
        for run in job.runs.values()
        if run.id in job.work
    ]
    if results:
        job.console.print()
        job.console.print(seeds_table(results))
    for line in job.best:
        _say(job, line)
    for name, failure in job.failures.items():
        run = job.runs[name]
        _say(job, f"{run.cell.label} on {run.cell.data}, seed {run.plan.recipe.seed}: {failure}")
    for error in job.errors:
        _say(job, error)
    if job.pending.number:
        _say(
            job,
            f"interrupted with {len(results)} of {len(job.runs)} runs done; the same command goes on from the checkpoints",
        )
        return 128 + job.pending.number
    return int(bool(job.failures or job.errors) or not _drawn(job))


def _drawn(job: _Job) -> bool:
    """Draw what the file names under `plot`, if it does and any run has something to draw; false where that went wrong."""
    if not job.document.experiment.plot or not job.work:
        return True
    from losslang.report.figures import PlotMissing, draw_experiment
    from losslang.report.found import find_runs

    try:
        found = find_runs([job.out])
        drawn = draw_experiment(found, job.out, job.out / "figure", forms=("svg", "png"))
    except PlotMissing as error:
        _say(job, f"no figure: {error}")
        return True
    except LosslangError as error:
        _say(job, str(error))
        return False
    _say(job, f"figure: {' '.join(map(str, drawn))}")
    for line in found.unread:
        _say(job, f"left out: {line}")
    return not found.unread
