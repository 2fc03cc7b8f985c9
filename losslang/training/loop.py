"""The one training loop."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from losslang.backend.functions import Output
from losslang.data.counter import mix
from losslang.diagnostics import LosslangError
from losslang.evaluation.geometry import effective_rank
from losslang.evaluation.measure import measure, watch
from losslang.evaluation.verdict import verdict
from losslang.training.folder import RunFolder
from losslang.training.optimizer import clip_gradients, set_learning_rates
from losslang.training.plan import RunPlan
from losslang.training.session import Session, open_session

__all__ = ["Interrupted", "NotFinite", "Watcher", "train"]

Watcher = Callable[[dict[str, Any]], None]
"""Called with every line of the metrics, as it is logged."""

_CALIBRATION = 40
"""Batches that batch norm sees before the first measurement: 1 − 0.9^40 = 99 % of its running statistics."""

_MODEL = 2  # keeps the random operations of the model apart from other uses of the seed


class NotFinite(LosslangError):
    """The loss became NaN or infinite."""


class Interrupted(Exception):
    """SIGINT or SIGTERM ended the run; its folder holds a checkpoint."""

    def __init__(self, folder: Path, step: int, number: int) -> None:
        self.folder, self.step, self.number = folder, step, number
        super().__init__(f"interrupted at step {step}; --resume goes on from the checkpoint in {folder}")


def train(plan: RunPlan, *, resume: bool = False, tell: Watcher = lambda _record: None) -> dict[str, Any]:
    """Train by a plan into its folder and give the result that `result.json` holds.

    Raises LosslangError (also SpecError, NotFinite), Interrupted, OSError.
    """
    session = open_session(plan)
    if resume and plan.folder.exists():
        folder = RunFolder(plan.folder.absolute())
        session.restore(folder.checkpoint)
        folder.forget_after(session.step)
    else:
        folder = RunFolder.create(plan.folder, session.texts, session.writer())
    started = time.perf_counter()
    with _signals() as pending:
        _steps(session, folder, tell, pending)
        result = _result(session, folder, time.perf_counter() - started)
        folder.finish(result)
    if pending.number:  # too late to end this run, in time to end those after it
        raise Interrupted(plan.folder, session.step, pending.number)
    return result


def _steps(session: Session, folder: RunFolder, tell: Watcher, pending: _Pending) -> None:
    """From the session's step to the last; logs, measures and saves where they are due."""
    plan, recipe = session.plan, session.plan.recipe
    finite, clock = _Finite(), _Clock(session.step)
    if session.step == 0:
        _log(session, folder, tell, _measured_at_start(session))
    session.model.train()
    while session.step < plan.steps:
        if pending.number:
            finite.check()
            folder.save_checkpoint(session.writer())
            raise Interrupted(plan.folder, session.step, pending.number)
        out, rate = _step(session)
        finite.see(session.step, out.terms)
        last = session.step == plan.steps
        saving = last or session.step % recipe.checkpoint_every == 0
        measuring = not last and recipe.evaluation.every > 0 and session.step % recipe.evaluation.every == 0
        if last or measuring or session.step % recipe.log_every == 0:
            finite.check()
            record = _losses(out) | {"learning_rate": rate} | (_measured(session) if measuring else {})
            _log(session, folder, tell, record | {"steps_per_second": clock.rate(session.step)})
        if saving:
            finite.check()
            folder.save_checkpoint(session.writer())


def _step(session: Session) -> tuple[Output, float]:
    """One optimiser step: its loss, and the learning rate it was done with."""
    recipe, optimizer = session.plan.recipe, session.optimizer
    _seed_model(session)
    rows = (session.batches.samples(session.step),) if session.model.takes_rows else ()
    try:
        with _autocast(session):
            out = session.model(session.batches.views(session.step), *rows)
    except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
        raise NotFinite(f"{session.plan.spec.method_name}, step {session.step}: {error}") from error
    optimizer.zero_grad(set_to_none=True)
    out.total.backward()
    clip_gradients(session.model, recipe.optimizer)
    rate = set_learning_rates(optimizer, session.step, session.plan.steps, recipe.optimizer)
    optimizer.step()
    session.model.after_step()
    session.step += 1
    return out, rate


def _seed_model(session: Session) -> None:
    """Random operations of the model depend on seed and step alone, so that a resumed run draws the same numbers."""
    seed = mix(session.plan.recipe.seed, _MODEL, session.step)
    torch.default_generator.manual_seed(seed)  # torch.manual_seed costs a third of a millisecond where CUDA sleeps
    if session.device.type == "cuda":
        torch.cuda.manual_seed(seed)


def _losses(out: Output) -> dict[str, Any]:
    """The loss for the metrics: total, terms, and `term/raw` before a leading weight."""
    terms = {**out.terms, **{f"{name}/raw": value for name, value in out.raw.items()}}
    return {"total": float(out.total.detach()), "terms": {name: float(value.detach()) for name, value in terms.items()}}


def _measured(session: Session) -> dict[str, float]:
    views, neighbours = tuple(session.plan.policies), session.plan.recipe.evaluation.neighbours
    return watch(session.model, session.samples, views, session.embedding, neighbours)


def _measured_at_start(session: Session) -> dict[str, float]:
    """The measurements of the untrained networks, with running statistics as if they had seen some batches."""
    model = session.model
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.train()
    with torch.no_grad():
        for step in range(_CALIBRATION):
            model.embed(session.batches.views(step))
    found = _measured(session)
    model.load_state_dict(before)
    return found


def _log(session: Session, folder: RunFolder, tell: Watcher, record: dict[str, Any]) -> None:
    record = {"step": session.step, "epoch": session.step / session.plan.steps_per_epoch} | record
    folder.log(record)
    tell(record)


def _autocast(session: Session) -> AbstractContextManager[Any]:
    if session.plan.recipe.precision == "bfloat16":
        return torch.autocast(session.device.type, torch.bfloat16)
    return nullcontext()


def _result(session: Session, folder: RunFolder, seconds: float) -> dict[str, Any]:
    plan = session.plan
    views, neighbours = tuple(plan.policies), plan.recipe.evaluation.neighbours
    found = measure(session.model, session.samples, views, session.embedding, neighbours)
    first = float(next(record["effective_rank"] for record in folder.metrics() if record["step"] == 0))
    inputs = float(effective_rank(session.samples.test.flatten(1)))
    judged = verdict(found["center_norm"], found["effective_rank"], first, inputs)
    return {
        "method": plan.spec.method_name,
        "data": plan.dataset.name,
        "recipe": plan.recipe_name,
        "seed": plan.recipe.seed,
        "steps": session.step,
        "seconds": seconds,
        "embedding": session.embedding or "backbone",
        **found,
        "first_effective_rank": first,
        "input_effective_rank": inputs,
        "collapsed": judged.kind,
        "verdict": judged.reason,
    }


# ---------------------------------------------------------------- helpers of the loop


@dataclass
class _Finite:
    """Finds the first step and term that were not finite, without waiting for the device at every step."""

    names: tuple[str, ...] = ()
    first: Tensor = field(default_factory=lambda: torch.zeros(0))

    def see(self, step: int, terms: dict[str, Tensor]) -> None:
        """Look at the terms of a step."""
        values = torch.stack([value.detach() for value in terms.values()])
        if not self.names:
            self.names, self.first = tuple(terms), torch.full(values.shape, math.inf, device=values.device)
        self.first = torch.where(torch.isfinite(values), self.first, self.first.clamp(max=step))

    def check(self) -> None:
        """Raises NotFinite if a term was not finite so far."""
        step, at = self.first.min(0)
        if math.isfinite(float(step)):
            raise NotFinite(
                f"the term `{self.names[int(at)]}` is no finite number at step {int(step)};"
                " a smaller learning rate or a longer warm-up may help (--set optimizer.learning_rate=…)"
            )


class _Clock:
    """Steps per second since the last time that was asked."""

    def __init__(self, step: int) -> None:
        self.step, self.time = step, time.perf_counter()

    def rate(self, step: int) -> float:
        now = time.perf_counter()
        rate = (step - self.step) / max(now - self.time, 1e-9)
        self.step, self.time = step, now
        return round(rate, 1)


@dataclass
class _Pending:
    """The signal that asked the run to end; 0 for none."""

    number: int = 0


@contextmanager
def _signals() -> Iterator[_Pending]:
    """Within, the first SIGINT or SIGTERM is kept for the loop to see; a second one acts as usual."""
    pending, before = _Pending(), dict[int, Any]()

    def keep(number: int, _frame: FrameType | None) -> None:
        pending.number = number
        signal.signal(number, before[number])

    try:
        for number in (int(signal.SIGINT), int(signal.SIGTERM)):
            before[number] = signal.signal(number, keep)
    except ValueError:  # not in the main thread, where nobody can send signals
        before.clear()
    try:
        yield pending
    finally:
        for caught, handler in before.items():
            signal.signal(caught, handler)
