"""The runs of an experiment, spread over processes of one thread each."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from losslang.diagnostics import LosslangError
from losslang.experiment.share import shares
from losslang.training.folder import RunFolder
from losslang.training.orphans import end_with
from losslang.training.plan import RunPlan
from losslang.training.signals import WISHES, Pending, caught_signals, held_back, let_through

if TYPE_CHECKING:
    from losslang.training.together import Outcome

__all__ = ["ENVIRONMENT", "Work", "train_all"]

_TICK = 0.2
"""Seconds between looks at signals and processes."""

ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**34)}
"""One thread per process; and memory that was freed is kept, as giving it back and asking again costs a tenth of a step."""


@dataclass
class Work:
    """What became of the runs so far, by their places: results, and why others have none."""

    results: dict[int, dict[str, Any]] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def take(self, at: int, result: dict[str, Any] | None, failure: str) -> None:
        """Note what became of a run."""
        if result is None:
            self.failures[at] = failure
        else:
            self.results[at] = result

    @classmethod
    def before(cls, plans: Sequence[RunPlan]) -> Work:
        """What became of the runs in earlier calls: the results that there are, and the failures."""
        folders = {at: RunFolder(plan.folder) for at, plan in enumerate(plans)}
        results = {at: result for at, folder in folders.items() if (result := folder.result()) is not None}
        return cls(results, {at: failure for at, folder in folders.items() if (failure := folder.failure())})


def train_all(
    plans: Sequence[RunPlan], processes: int, members: int, pending: Pending, say: Callable[[str], None]
) -> Work:
    """Train by all plans, going on where runs exist, but not those that failed before: they would fail again.

    Ends early, with checkpoints, when a signal is pending.
    """
    work = Work.before(plans)
    loads = list(_waiting(shares(plans, max(processes, 1)), work))
    if len(loads) <= 1:
        _train_load(plans, loads[0] if loads else (), members, pending, say, work.take)
        return work
    context = multiprocessing.get_context("spawn")
    messages: Any = context.Queue()
    with _environment(), held_back():
        children = [
            context.Process(
                target=_child, args=({at: plans[at] for group in load for at in group}, load, members, messages)
            )
            for load in loads
        ]
        for child in children:
            child.start()
    try:
        _listen(children, messages, work, pending, say)
    except BaseException:  # nobody reads on, or Ctrl-C once more: the processes save, and end as this one does
        _pass_on(children)
        raise
    return work


def _waiting(loads: Sequence[Sequence[Sequence[int]]], work: Work) -> Iterator[list[list[int]]]:
    """The loads in which there is something to do, without the groups in which there is not and the runs that failed."""
    for load in loads:
        groups = [[at for at in group if at not in work.failures] for group in load]
        waiting = [group for group in groups if not work.results.keys() >= set(group)]
        if waiting:
            yield waiting


def _train_load(
    plans: Any,
    load: Sequence[Sequence[int]],
    members: int,
    pending: Pending,
    say: Callable[[str], None],
    take: Callable[[int, Any, str], None],
) -> None:
    from losslang.training.together import train_together

    for group in load:
        outcomes = partial(_passed, plans, group, take)
        if not pending.number:
            train_together([plans[at] for at in group], pending=pending, say=say, done=outcomes, members=members)


def _passed(plans: Any, group: Sequence[int], take: Callable[[int, Any, str], None], at: int, outcome: Outcome) -> None:
    if outcome.result is None:
        RunFolder(plans[group[at]].folder).fail(outcome.failure)
    take(group[at], outcome.result, outcome.failure)


# ---------------------------------------------------------------- processes


def _child(plans: dict[int, RunPlan], load: list[list[int]], members: int, messages: Any) -> None:
    """A process: its runs, and every message about them into the queue. It ends where the process that started it is gone."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    assert parent.pid is not None
    with caught_signals() as pending:
        let_through()
        end_with(parent.pid)
        try:
            _train_load(
                plans,
                load,
                members,
                pending,
                lambda line: messages.put(("say", line)),
                lambda at, result, failure: messages.put(("done", at, result, failure)),
            )
        except LosslangError as error:
            messages.put(("error", str(error)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the parent is to know
            messages.put(("error", f"internal error: {type(error).__name__}: {error}; please report it"))
    messages.put(("end",))


def _listen(
    children: Sequence[BaseProcess], messages: Any, work: Work, pending: Pending, say: Callable[[str], None]
) -> None:
    """Take messages until all processes have ended; a signal is passed on to them."""
    hear: dict[str, Callable[..., object]] = {"say": say, "done": work.take, "error": work.errors.append}
    told, running = False, len(children)
    while running:
        if pending.number and not told:
            told = True
            _pass_on(children)
        try:
            kind, *content = messages.get(timeout=_TICK)
        except queue.Empty:
            if not any(child.is_alive() for child in children):
                break
            continue
        if kind == "end":
            running -= 1
        else:
            hear[kind](*content)
    for child in children:
        child.join()
        if child.exitcode and not (told and -child.exitcode in WISHES):
            work.errors.append(f"a process ended by itself (status {child.exitcode}); the same command goes on")


def _pass_on(children: Sequence[BaseProcess]) -> None:
    for child in children:
        if child.is_alive() and child.pid is not None:
            os.kill(child.pid, signal.SIGTERM)


@contextmanager
def _environment() -> Iterator[None]:
    """Within, processes start with the environment that suits many small runs."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
