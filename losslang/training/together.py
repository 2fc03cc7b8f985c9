"""Many runs in one process, side by side: those that are alike as ensembles, all on the same batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from losslang.data.shared import Made
from losslang.data.stream import Stream
from losslang.networks.joint import NotStackable
from losslang.training import loop
from losslang.training.ensemble import Ensemble, likeness, member_output
from losslang.training.folder import RunFolder
from losslang.training.plan import RunPlan
from losslang.training.run import Finite, NotFinite, Run, Say, due
from losslang.training.signals import Pending
from losslang.training.watch import Collapsed

__all__ = ["MEMBERS", "Outcome", "train_together"]

MEMBERS = 16
"""The most members of an ensemble: more are no faster (docs/results/ensembles.md), and take more memory."""


@dataclass(frozen=True)
class Outcome:
    """What became of a run: its result, or why there is none."""

    result: Mapping[str, Any] | None
    failure: str = ""


Tell = Callable[[int, dict[str, Any]], None]
"""Hears every line of the metrics of a plan, by its place among the plans."""

Done = Callable[[int, Outcome], None]
"""Hears what became of a plan, by its place among the plans."""


def train_together(
    plans: Sequence[RunPlan],
    *,
    pending: Pending,
    say: Say = lambda _line: None,
    done: Done = lambda _at, _outcome: None,
    tell: Tell = lambda _at, _record: None,
    members: int = MEMBERS,
    resume: bool = True,
) -> bool:
    """Train by plans into their folders, going on with those that exist and leaving out those that are finished.

    Without `resume` all begin anew. Runs of the same data, batch size and seed share their batches.

    `members` is the most that an ensemble may have; with 1 every run steps alone. Gives whether all was done: a signal ends
    it early, with checkpoints to go on from. Raises LosslangError (also SpecError) for what concerns more than one run.
    """
    waiting = []
    for at, plan in enumerate(plans):
        result = RunFolder(plan.folder).result() if resume else None
        if result is None:
            waiting.append(at)
        else:
            done(at, Outcome(result))
    host = _Host(say, tell)
    runs = [_Member(at, host.open(at, plans[at], resume=resume), done) for at in waiting]
    units = list(_units(runs, host, members))
    for unit in units:
        unit.begin()
    while units and not pending.number:
        behind = min(units, key=lambda unit: unit.steps)
        for unit in [unit for unit in units if unit.steps == behind.steps]:
            units.remove(unit)
            units += _advanced(unit, host)
    for unit in units:
        unit.save()
    return not units


@dataclass
class _Host:
    """What the runs of a process have in common: who hears of them, and what was made of their batches."""

    say: Say
    tell: Tell
    made: dict[object, Made] = field(default_factory=dict)

    def open(self, at: int, plan: RunPlan, *, resume: bool = True, at_most: int | None = None) -> Run:
        """A run of a new folder, or one that goes on."""
        run = Run.open(plan, resume=resume, tell=partial(self.tell, at), say=self.say, at_most=at_most)
        run.session.batches.made = self.made.setdefault(_batches_of(plan), Made())
        return run


def _batches_of(plan: RunPlan) -> object:
    """What runs must have in common for each step's batch to hold the same samples."""
    recipe = plan.recipe
    return recipe.data, recipe.data_on, recipe.batch_size, recipe.seed, recipe.precision, recipe.device


# ---------------------------------------------------------------- members and units


@dataclass
class _Member:
    """One of the runs, and its place among the plans. It drops out where its loss is not finite or it is stopped."""

    at: int
    run: Run
    done: Done
    alive: bool = True

    def keep(self, act: Callable[[], object]) -> None:
        """Do something of this run alone."""
        if self.alive:
            try:
                act()
            except (NotFinite, Collapsed) as error:
                self.alive = False
                self.done(self.at, Outcome(None, str(error)))

    def finish(self) -> None:
        """Write the result, unless the run dropped out."""
        if self.alive:
            self.done(self.at, Outcome(self.run.finish()))


@dataclass
class _Unit:
    """Runs that step as one: an ensemble, or a run alone."""

    members: list[_Member]
    ensemble: Ensemble | None = None
    finite: Finite = field(default_factory=Finite)

    @property
    def steps(self) -> int:
        """Finished steps."""
        return self.members[0].run.session.step

    @property
    def over(self) -> bool:
        """Whether there are no more steps to do."""
        return self.members[0].run.finished or not any(member.alive for member in self.members)

    def begin(self) -> None:
        """Measure the untrained networks, unless the runs go on."""
        if self.ensemble is None or self.steps:
            for member in self.members:
                member.run.begin()
            return
        with self.ensemble.calibrated():
            for member in self.members:
                member.run.measure_start()
        for member in self.members:
            member.run.session.model.train()

    def step(self) -> None:
        """One step of all members."""
        if self.ensemble is None:
            self.members[0].keep(lambda: self._step_alone(self.members[0].run))
        else:
            self._step_together(self.ensemble)

    def _step_alone(self, run: Run) -> None:
        session = run.session
        logging = due(session.plan, session.step + 1).logging
        out, rate, observed = loop.step(session, run.watch if logging else None)
        self.finite.see(session.step, out.terms)
        run.after_step(out, rate, self.finite, observed)

    def _step_together(self, ensemble: Ensemble) -> None:
        todo = due(self.members[0].run.session.plan, self.steps + 1)
        out, rates, observed = ensemble.step([member.run.watch for member in self.members] if todo.logging else ())
        self.finite.see(self.steps, out.terms)
        for at, member in enumerate(self.members if todo else ()):
            of_member = observed[at] if observed else None
            book = partial(member.run.after_step, member_output(out, at), rates[at], self.finite.member(at), of_member)
            member.keep(book)

    def save(self) -> None:
        """Write a checkpoint of every member."""
        for at, member in enumerate(self.members):
            finite = self.finite if self.ensemble is None or not self.finite.names else self.finite.member(at)
            member.keep(finite.check)
            member.keep(member.run.save)


def _advanced(unit: _Unit, host: _Host) -> list[_Unit]:
    """What is left to do after a step of a unit."""
    try:
        unit.step()
    except RuntimeError as error:  # torch's: a matrix without factor, or an operation that has no form for many at once
        if unit.ensemble is None:
            raise
        units = _apart(unit, host, str(error).splitlines()[0])
        for alone in units:
            alone.begin()
        return units
    if not unit.over:
        return [unit]
    for member in unit.members:
        member.finish()
    return []


def _apart(unit: _Unit, host: _Host, reason: str) -> list[_Unit]:
    """The members of a unit, each alone, from their last checkpoints."""
    plan = unit.members[0].run.session.plan
    host.say(f"{plan.name}: {len(unit.members)} runs go on one by one ({reason})")
    alive = [member for member in unit.members if member.alive]
    runs = [host.open(member.at, member.run.session.plan) for member in alive]
    return [_Unit([_Member(member.at, run, member.done)]) for member, run in zip(alive, runs, strict=True)]


# ---------------------------------------------------------------- who steps with whom


def _units(runs: Sequence[_Member], host: _Host, most: int) -> Iterator[_Unit]:
    streams: dict[object, Stream] = {}
    for group in _grouped(runs, lambda member: likeness(member.run.session)):
        _bring_to_one_step(group, host)
        for part in _grouped(group, lambda member: member.run.session.step):
            for start in range(0, len(part), most):
                yield from _joined(part[start : start + most], runs, streams, host)


def _grouped(members: Sequence[_Member], key: Callable[[_Member], object]) -> list[list[_Member]]:
    groups: dict[object, list[_Member]] = {}
    for member in members:
        groups.setdefault(key(member), []).append(member)
    return list(groups.values())


def _bring_to_one_step(group: Sequence[_Member], host: _Host) -> None:
    """Members that were killed between their checkpoints go back to the last one that all have."""
    first = min(member.run.session.step for member in group)
    for member in group:
        if member.run.session.step > first:
            member.run = host.open(member.at, member.run.session.plan, at_most=first)


def _joined(
    part: list[_Member], runs: Sequence[_Member], streams: dict[object, Stream], host: _Host
) -> Iterator[_Unit]:
    if len(part) == 1:
        yield _Unit(part)
        return
    try:
        batches = [_stream(member, runs, streams) for member in part]
        yield _Unit(part, Ensemble([member.run.session for member in part], batches))
    except NotStackable as error:
        yield from _apart(_Unit(part), host, str(error))


def _stream(member: _Member, runs: Sequence[_Member], streams: dict[object, Stream]) -> Stream:
    """The batches that all runs share who see the same data in the same way."""
    key = _sight(member)
    if key not in streams:
        streams[key] = Stream([other.run.session.batches for other in runs if _sight(other) == key])
    return streams[key]


def _sight(member: _Member) -> object:
    plan, recipe = member.run.session.plan, member.run.session.plan.recipe
    return plan.dataset.name, tuple(plan.policies.values()), recipe.batch_size, recipe.precision, recipe.device
