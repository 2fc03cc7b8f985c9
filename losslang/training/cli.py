"""`losslang train`: one run after the other, then the table; or what would happen."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from losslang.training.folder import RESULT, RunFolder
from losslang.training.orphans import LAUNCHER, end_with
from losslang.training.overrides import unused_recipes
from losslang.training.plan import RunPlan
from losslang.training.plans import Options, check_folders, check_shares, continues, make_plans
from losslang.training.signals import Pending, caught_signals

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["dry_run", "train_main"]


def train_main(specs: Sequence[str], options: Options) -> int:
    """Train every method with every seed. Gives the exit status: 0, 1 where a loss was not finite, 128 + signal.

    Raises LosslangError (also SpecError) for whatever is wrong, and where writing fails.
    """
    plans = make_plans(specs, options)
    if "RANK" not in os.environ:
        return _train_checked(plans, options, leads=True)
    if LAUNCHER in os.environ:
        end_with(int(os.environ[LAUNCHER]))
    check_shares(plans, int(os.environ.get("WORLD_SIZE", "1")))
    from losslang.training.crew import joined, shared

    with joined(plans[0].recipe.device) as crew:
        shared(None)  # all are here before the folder of the run appears
        return _train_checked(plans, options, leads=crew.leads)


def dry_run(specs: Sequence[str], options: Options, processes: int) -> int:
    """Say what would happen in so many processes, for one seed of each method, and do nothing. Raises LosslangError.

    Started by a launcher, the first process speaks for all of them.
    """
    from losslang.training.preview import preview

    if int(os.environ.get("RANK", "0")):
        return 0
    processes = int(os.environ.get("WORLD_SIZE", str(processes)))
    plans, console = make_plans(specs, options), _console(quiet=False)
    check_shares(plans, processes)
    check_folders(plans, options)
    _say_unused(plans, console)
    for plan in {plan.spec.source.name: plan for plan in reversed(plans)}.values():
        for line in preview(plan, processes):
            console.print(line, markup=False, soft_wrap=True)
    return 0


def _train_checked(plans: Sequence[RunPlan], options: Options, *, leads: bool) -> int:
    console = _console(quiet=not leads)
    if leads:
        check_folders(plans, options)
        _say_unused(plans, console)
    return _train_all(plans, options, console)


def _say_unused(plans: Sequence[RunPlan], console: Console) -> None:
    for line in unused_recipes(plans):
        console.print(line, style="yellow", markup=False, soft_wrap=True)


def _console(*, quiet: bool) -> Console:
    from losslang.training.console import make_console

    return make_console(quiet=quiet)


def _train_all(plans: Sequence[RunPlan], options: Options, console: Console) -> int:
    with caught_signals() as pending:
        from losslang.training.crew import crew
        from losslang.training.side_by_side import sharing

        work = _Work(options, console, pending)
        if not options.quiet:
            _remark(plans, console)
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


def _remark(plans: Sequence[RunPlan], console: Console) -> None:
    """What is to be known of the data, once."""
    for remark in dict.fromkeys(plan.dataset.remark for plan in plans if plan.dataset.remark):
        console.print(remark, style="yellow", soft_wrap=True)


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

        resume = continues(plan, self.options)
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
