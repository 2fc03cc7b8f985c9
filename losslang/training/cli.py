"""`losslang train`: plans for all methods and seeds, then one run after the other, then the table."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from losslang.diagnostics import LosslangError
from losslang.training.folder import RESULT, RunFolder, check_new, check_resumable
from losslang.training.plan import RunPlan, resolve_run
from losslang.training.record import settings_record
from losslang.training.restart import goes_on
from losslang.training.settings import Setting
from losslang.training.signals import Pending, caught_signals

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Options", "TrainOptions", "check_plans", "make_plans", "train_main"]


class Options(Protocol):
    """The options of the command line."""

    @property
    def recipe(self) -> str:
        """A shipped recipe, or a file."""

    @property
    def data(self) -> str | None:
        """A data set in place of the recipe's."""

    @property
    def seeds(self) -> int:
        """The number of seeds."""

    @property
    def seed(self) -> int | None:
        """The first seed, in place of the recipe's."""

    @property
    def set(self) -> Mapping[str, str]:
        """Settings and parameters by name."""

    @property
    def on_collapse(self) -> str | None:
        """What the collapse alarm does, instead of what the recipe says."""

    @property
    def microbatch(self) -> int | None:
        """Rows that the networks see at a time, in place of the recipe's."""

    @property
    def out(self) -> Path | None:
        """The folder of the run, or of the runs."""

    @property
    def resume(self) -> bool:
        """Go on with runs that exist."""

    @property
    def overwrite(self) -> bool:
        """Replace runs that exist."""

    @property
    def dry_run(self) -> bool:
        """Say what would happen, and do nothing."""

    @property
    def in_turn(self) -> bool:
        """Train one run after the other, also where several could share their batches."""

    @property
    def quiet(self) -> bool:
        """Only the table at the end."""


@dataclass(frozen=True)
class TrainOptions:
    """`Options` with their defaults, for calls from Python."""

    recipe: str = "toy"
    data: str | None = None
    seeds: int = 1
    seed: int | None = None
    set: Mapping[str, str] = dataclasses.field(default_factory=dict)
    on_collapse: str | None = None
    microbatch: int | None = None
    out: Path | None = None
    resume: bool = False
    overwrite: bool = False
    dry_run: bool = False
    in_turn: bool = False
    quiet: bool = False


def train_main(specs: Sequence[str], options: Options) -> int:
    """Train every method with every seed. Gives the exit status: 0, 1 where a loss was not finite, 128 + signal.

    Raises LosslangError (also SpecError) for whatever is wrong, and where writing fails.
    """
    plans = make_plans(specs, options)
    if "RANK" not in os.environ:
        return _train_checked(plans, options, leads=True)
    _check_shares(plans, int(os.environ.get("WORLD_SIZE", "1")))
    from losslang.training.crew import joined, shared

    with joined(plans[0].recipe.device) as crew:
        shared(None)  # all are here before the folder of the run appears
        return _train_checked(plans, options, leads=crew.leads)


def check_plans(specs: Sequence[str], options: Options, processes: int) -> None:
    """Raises LosslangError (also SpecError) before any process begins: what is wrong is said once, not by each of them."""
    _check_shares(make_plans(specs, options), processes)


def _check_shares(plans: Sequence[RunPlan], processes: int) -> None:
    for plan in plans:
        if plan.recipe.batch_size < processes:
            raise LosslangError(
                f"--processes {processes}: a batch of {plan.recipe.batch_size} leaves some of them without rows;"
                " take fewer processes or a larger batch (--set batch_size=…)"
            )


def _train_checked(plans: Sequence[RunPlan], options: Options, *, leads: bool) -> int:
    if leads:
        _check_folders(plans, options)
    from rich.console import Console

    console = Console(highlight=False, quiet=not leads)
    if not console.is_terminal:
        console.width = 140  # nobody wraps a log
    if options.dry_run:
        _show(plans, console)
        return 0
    return _train_all(plans, options, console)


def _show(plans: Sequence[RunPlan], console: Console) -> None:
    """What would happen, for one seed of each method."""
    from losslang.training.preview import preview

    for plan in {plan.spec.source.name: plan for plan in reversed(plans)}.values():
        for line in preview(plan):
            console.print(line, markup=False, soft_wrap=True)


def make_plans(specs: Sequence[str], options: Options) -> list[RunPlan]:
    """One plan per method and seed. Raises LosslangError, also where two runs would share a folder."""
    if options.seeds < 1:
        raise LosslangError(f"--seeds {options.seeds}: at least one seed is needed")
    plans: list[RunPlan] = []
    for spec in specs:
        given = {"on_collapse": options.on_collapse, "microbatch": options.microbatch}
        own = {n: Setting(value, f"--{n.replace('_', '-')}") for n, value in given.items() if value is not None}
        first = resolve_run(spec, options.recipe, data=options.data, seed=options.seed, sets={**options.set, **own})
        seeds = range(first.recipe.seed, first.recipe.seed + options.seeds)
        plans += [first.with_seed(seed, _folder(first, seed, options, len(specs))) for seed in seeds]
    folders = [plan.folder for plan in plans]
    for folder in folders:
        if folders.count(folder) > 1:
            raise LosslangError(f"two of the runs would write to {folder}; train them one by one, with --out")
    return plans


def _folder(plan: RunPlan, seed: int, options: Options, methods: int) -> Path:
    """`runs/simsiam-blobs/seed0`; below --out only the parts that tell the runs apart."""
    if options.out is None:
        return plan.folder.parent / f"seed{seed}"
    folder = options.out if methods == 1 else options.out / plan.folder.parent.name
    return folder if options.seeds == 1 else folder / f"seed{seed}"


def _check_folders(plans: Sequence[RunPlan], options: Options) -> None:
    """With --resume one of the runs is there at least; those after it may not have begun."""
    there = {plan.folder for plan in plans if _goes_on(plan, options) and plan.folder.exists()}
    if options.resume and not there:
        missing = plans[0].folder
        raise LosslangError(
            f"{missing}: there is no run to go on with; leave out --resume to begin one, or name its --out"
        )
    for plan in plans:
        if plan.folder in there:
            check_resumable(plan.folder, settings_record(plan))
        else:
            check_new(plan.folder, overwrite=options.overwrite)


def _goes_on(plan: RunPlan, options: Options) -> bool:
    return goes_on(plan.folder, resume=options.resume, overwrite=options.overwrite)


def _train_all(plans: Sequence[RunPlan], options: Options, console: Console) -> int:
    with caught_signals() as pending:
        from losslang.training.crew import crew
        from losslang.training.side_by_side import sharing

        work = _Work(options, console, pending)
        for group in sharing(plans, in_turn=options.in_turn or crew().size > 1):
            if work.stopped:
                break
            if pending.number:
                how = " with --resume" if any(plan.folder.exists() for plan in plans) else ""
                work.failures.append(
                    f"{_run_name(group[0])}: interrupted before it began; the same command{how} does it"
                )
                break
            work.train(group)
        _report(work.results, console)
        for failure in work.failures:
            console.print(failure, style="red" if not pending.number else "", soft_wrap=True)
        return 128 + pending.number if pending.number else int(bool(work.failures))


@dataclass
class _Work:
    """The runs of a command line, and what became of them so far."""

    options: Options
    console: Console
    pending: Pending
    results: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    failures: list[str] = dataclasses.field(default_factory=list)
    stopped: bool = False

    def train(self, group: Sequence[RunPlan]) -> None:
        """Train runs that share their batches, or one alone."""
        if len(group) == 1:
            self._alone(group[0])
        else:
            self._side_by_side(group)

    def _side_by_side(self, group: Sequence[RunPlan]) -> None:
        from losslang.training.side_by_side import train_side_by_side

        names = ", ".join(plan.spec.method_name for plan in group)
        self._say(f"{names}: side by side on the same batches of {group[0].dataset.name}, seed {group[0].recipe.seed}")
        how = {"resume": self.options.resume, "quiet": self.options.quiet}
        for plan, outcome in zip(group, train_side_by_side(group, self.console, self.pending, **how), strict=True):
            if outcome.result is None:
                self.failures.append(f"{_run_name(plan)}: {outcome.failure}")
            else:
                self._done(plan, dict(outcome.result))
        self.stopped = bool(self.pending.number)

    def _alone(self, plan: RunPlan) -> None:
        from losslang.training.run import Interrupted, NotFinite
        from losslang.training.watch import Collapsed

        resume = _goes_on(plan, self.options)
        finished = RunFolder(plan.folder).result() if resume else None
        if finished is not None:
            self._say(f"{plan.folder} is finished ({RESULT})")
            self.results.append(finished)
            return
        try:
            self._done(plan, self._trained(plan, resume=resume))
        except (NotFinite, Collapsed) as error:
            self.failures.append(f"{_run_name(plan)}: {error}")
        except Interrupted as stop:
            self.failures.append(str(stop))
            self.stopped = True

    def _trained(self, plan: RunPlan, *, resume: bool) -> dict[str, Any]:
        from losslang.training.loggers import loggers_of
        from losslang.training.loop import train
        from losslang.training.progress import show_progress

        with show_progress([plan], self.console, quiet=self.options.quiet) as (show,), loggers_of(plan) as log:

            def tell(record: dict[str, Any]) -> None:
                show(record)
                log(record)

            return train(plan, resume=resume, tell=tell, say=self._say, pending=self.pending)

    def _done(self, plan: RunPlan, result: dict[str, Any]) -> None:
        from losslang.training.progress import alarm_line

        self.results.append(result)
        self._say(f"{_run_name(plan)}: {result['verdict']} ({result['seconds']:.1f} s)")
        for alarm in result["alarms"]:
            self.console.print(f"  {alarm_line(alarm)}", style="yellow", soft_wrap=True)

    def _say(self, line: str) -> None:
        self.console.print(line, soft_wrap=True)


def _run_name(plan: RunPlan) -> str:
    return f"{plan.name}, seed {plan.recipe.seed}"


def _report(results: Sequence[dict[str, Any]], console: Console) -> None:
    if not results:
        return
    from losslang.training.table import runs_table, seeds_table

    console.print()
    console.print(runs_table(results))
    if len({(result["method"], result["data"]) for result in results}) < len(results):
        console.print()
        console.print(seeds_table(results))
