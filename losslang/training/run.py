"""One run's books: what is logged, measured and saved, and when; the same for a run alone and for a member of an ensemble."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from losslang.backend.interface import Output
from losslang.diagnostics import LosslangError
from losslang.evaluation.measure import Predict, measure, watch
from losslang.evaluation.verdict import verdict
from losslang.training.checkpoint import Damaged
from losslang.training.folder import RunFolder
from losslang.training.online import ONLINE
from losslang.training.plan import RunPlan
from losslang.training.session import Session, open_session
from losslang.training.speed import speed_up
from losslang.training.watch import Watch

__all__ = ["Due", "Finite", "Interrupted", "NotFinite", "Run", "Say", "Watcher", "calibrated", "due"]

Watcher = Callable[[dict[str, Any]], None]
"""Called with every line of the metrics, as it is logged."""

Say = Callable[[str], None]
"""Called with lines for people: what happened to a run that they may want to know."""


class NotFinite(LosslangError):
    """The loss became NaN or infinite."""


class Interrupted(Exception):
    """SIGINT or SIGTERM ended the run; its folder holds a checkpoint."""

    def __init__(self, folder: Path, step: int, number: int) -> None:
        self.folder, self.step, self.number = folder, step, number
        super().__init__(f"interrupted at step {step}; --resume goes on from the checkpoint in {folder}")


@dataclass(frozen=True)
class Due:
    """What is to be done after a step."""

    logging: bool
    measuring: bool
    saving: bool

    def __bool__(self) -> bool:
        return self.logging or self.saving


def due(plan: RunPlan, step: int) -> Due:
    """What a plan asks for after so many steps."""
    recipe, last = plan.recipe, step == plan.steps
    measuring = not last and recipe.evaluation.every > 0 and step % recipe.evaluation.every == 0
    logging = last or measuring or step % recipe.log_every == 0
    return Due(logging, measuring, last or step % recipe.checkpoint_every == 0)


@dataclass
class Finite:
    """Finds the first step and term that were not finite, without waiting for the device at every step."""

    names: tuple[str, ...] = ()
    first: Tensor = field(default_factory=lambda: torch.zeros(0))

    def see(self, step: int, terms: dict[str, Tensor]) -> None:
        """Look at the terms of a step, each a number or one number per member."""
        values = torch.stack([value.detach() for value in terms.values()], dim=-1)
        if not self.names:
            self.names, self.first = tuple(terms), torch.full(values.shape, math.inf, device=values.device)
        self.first = torch.where(torch.isfinite(values), self.first, self.first.clamp(max=step))

    def member(self, at: int) -> Finite:
        """What was found of one member."""
        return Finite(self.names, self.first[at])

    def check(self) -> None:
        """Raises NotFinite if a term was not finite so far."""
        if not self.names:
            return
        step, at = self.first.min(0)
        if math.isfinite(float(step)):
            raise NotFinite(
                f"the term `{self.names[int(at)]}` is no finite number at step {int(step)};"
                " a smaller learning rate or a longer warm-up may help (--set optimizer.learning_rate=…)"
            )


@dataclass
class Run:
    """A session and its folder. `tell` hears every logged record, `say` what happened; `watch` looks for collapse."""

    session: Session
    folder: RunFolder
    tell: Watcher
    clock: Clock
    watch: Watch

    @classmethod
    def open(cls, plan: RunPlan, *, resume: bool, tell: Watcher, say: Say, at_most: int | None = None) -> Run:
        """A new run in a new folder, or one that goes on from its last good checkpoint, of step `at_most` or before.

        Raises LosslangError (also SpecError).
        """
        session = open_session(plan)
        if resume and plan.folder.exists():
            folder = RunFolder(plan.folder.absolute())
            _restore(session, folder, say, plan.steps if at_most is None else at_most)
            folder.forget_after(session.step)
        else:
            folder = RunFolder.create(plan.folder, session.texts, session.packed())
        speed_up(session, say)
        return cls(session, folder, tell, Clock(session.step), Watch(session, folder.metrics()))

    @property
    def finished(self) -> bool:
        """Whether there are no more steps to do."""
        return self.session.step >= self.session.plan.steps

    def begin(self) -> None:
        """Measure the untrained networks, unless the run goes on. Raises LosslangError."""
        if self.session.step == 0:
            with calibrated(self.session):
                self.measure_start()
        self.session.model.train()

    def measure_start(self) -> None:
        """Log what the networks are before the first step; their running statistics are to have seen some batches."""
        self._log(_measured(self.session))

    def after_step(self, out: Output, rate: float, finite: Finite, observed: Mapping[str, Any] | None = None) -> None:
        """Log, measure and save where that is due; `observed` is what `Watch.observe` gave. Raises NotFinite, Collapsed."""
        todo = due(self.session.plan, self.session.step)
        record: dict[str, Any] = {}
        if todo:
            finite.check()
        if todo.saving and self.session.probe is not None:
            self.session.probe.gather()
        if todo.logging:
            online = {} if self.session.probe is None else self.session.probe.reading()
            measured = _measured(self.session) if todo.measuring else {}
            record = self._log(_losses(out) | {"learning_rate": rate} | online | measured | dict(observed or {}))
        if todo.saving or "alarm" in record:
            self.save()
        self.watch.check(record)

    def save(self) -> None:
        """Write a checkpoint. Raises LosslangError."""
        self.folder.save_checkpoint(self.session.packed())

    def interrupt(self, number: int, finite: Finite) -> Interrupted:
        """Save, and give what is to be raised. Raises NotFinite, LosslangError."""
        finite.check()
        if self.session.probe is not None:
            self.session.probe.gather()
        self.save()
        return Interrupted(self.session.plan.folder, self.session.step, number)

    def finish(self) -> dict[str, Any]:
        """Measure the trained networks and write the result. Raises LosslangError."""
        result = _result(self.session, self.folder, self.clock.seconds(), self.watch)
        self.folder.finish(result)
        return result

    def _log(self, record: dict[str, Any]) -> dict[str, Any]:
        step = self.session.step
        record = {"step": step, "epoch": step / self.session.plan.steps_per_epoch} | record
        record |= self.watch.alarmed(record)
        self.folder.log(record)
        self.tell(record | self.clock.pace(self.session))
        return record


class Clock:
    """Seconds of this process, and its pace since the last time that was asked."""

    def __init__(self, step: int) -> None:
        self.step, self.time, self.waited = step, time.perf_counter(), 0.0
        self.started = self.time

    def pace(self, session: Session) -> dict[str, float]:
        """Steps and images per second, share of the time spent waiting for data, and memory of the GPU in GB."""
        now, waited = time.perf_counter(), session.batches.waited
        spent = max(now - self.time, 1e-9)
        rate = (session.step - self.step) / spent
        found = {
            "steps_per_second": round(rate, 1),
            "images_per_second": round(rate * session.plan.recipe.batch_size, 1),
            "waiting": round((waited - self.waited) / spent, 3),
        }
        self.step, self.time, self.waited = session.step, now, waited
        if session.device.type == "cuda":
            found["memory"] = round(torch.cuda.max_memory_allocated(session.device) / 1e9, 2)
        return found

    def seconds(self) -> float:
        """Since the run was opened."""
        return time.perf_counter() - self.started


def _restore(session: Session, folder: RunFolder, say: Say, at_most: int) -> None:
    """Take the last checkpoint that is whole, or the one before if only that is of step `at_most` or earlier."""
    whole: list[tuple[int, Path]] = []
    damaged: Damaged | None = None
    for path in folder.checkpoints:
        try:
            session.restore(path)
        except Damaged as error:
            damaged = error
            continue
        whole.append((session.step, path))
        if session.step <= at_most:
            break
    if not whole:
        raise damaged or LosslangError(f"{folder.path} holds no checkpoint to go on from; start anew with --overwrite")
    step, path = next((found for found in whole if found[0] <= at_most), whole[0])
    if session.step != step:
        session.restore(path)
    if damaged is not None:
        say(f"{damaged}; going back to the one before, at step {step}")
    if path != folder.checkpoint:
        folder.discard_checkpoint()


def _losses(out: Output) -> dict[str, Any]:
    """The loss for the metrics: total, terms, and `term/raw` before a leading weight."""
    terms = {**out.terms, **{f"{name}/raw": value for name, value in out.raw.items()}}
    return {"total": float(out.total.detach()), "terms": {name: float(value.detach()) for name, value in terms.items()}}


def _measured(session: Session) -> dict[str, float]:
    views, neighbours = tuple(session.plan.policies), session.plan.recipe.evaluation.neighbours
    return watch(session.model, session.samples, views, session.embedding, neighbours, _predict(session))


def _predict(session: Session) -> Predict | None:
    return None if session.probe is None else session.probe.predict


@contextmanager
def calibrated(session: Session) -> Iterator[None]:
    """Within, running statistics are as if they had seen some batches."""
    before = {name: value.clone() for name, value in session.model.state_dict().items()}
    _calibrate(session)
    yield
    session.model.load_state_dict(before)


@torch.no_grad()
def _calibrate(session: Session) -> None:
    """Give running statistics some batches, as training does; all processes together."""
    session.model.train()
    for step in range(session.plan.recipe.evaluation.calibration):
        session.model.embed(session.batches.views(step))


def _result(session: Session, folder: RunFolder, seconds: float, watching: Watch) -> dict[str, Any]:
    plan = session.plan
    views, neighbours = tuple(plan.policies), plan.recipe.evaluation.neighbours
    found = measure(session.model, session.samples, views, session.embedding, neighbours, _predict(session))
    first = float(next(record["effective_rank"] for record in folder.metrics() if record["step"] == 0))
    judged = verdict(found["center_norm"], found["effective_rank"], first, watching.input_rank)
    return {
        "method": plan.spec.method_name,
        "data": plan.dataset.name,
        "recipe": plan.recipe_name,
        "seed": plan.recipe.seed,
        "steps": session.step,
        "seconds": seconds,
        "embedding": session.embedding or "backbone",
        **found,
        **({} if session.probe is None else {"online_protocol": ONLINE}),
        "first_effective_rank": first,
        "input_effective_rank": watching.input_rank,
        "collapsed": judged.kind,
        "verdict": judged.reason,
        "alarms": _alarms(folder, watching.alarmed({"step": session.step} | found), session.step),
    }


def _alarms(folder: RunFolder, last: dict[str, Any], step: int) -> list[dict[str, Any]]:
    """Every alarm of the run, with its step."""
    records = [*folder.metrics(), {"step": step} | last]
    return [{"step": record["step"], **record["alarm"]} for record in records if "alarm" in record]
