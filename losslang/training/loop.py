"""The one training loop."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import partial
from typing import Any

import torch

from losslang.backend.interface import Output
from losslang.backend.pieces import backward_in_pieces
from losslang.data.counter import mix
from losslang.training.crew import agreed, asked_to_end, average_gradients, crew
from losslang.training.follow import open_run
from losslang.training.hold import held
from losslang.training.optimizer import clip_gradients, set_learning_rates
from losslang.training.plan import RunPlan
from losslang.training.run import Finite, Interrupted, NotFinite, Run, Say, Watcher, due
from losslang.training.session import Session
from losslang.training.signals import Pending, caught_signals
from losslang.training.watch import Watch

__all__ = ["Interrupted", "NotFinite", "Watcher", "autocast", "seed_model", "step", "train"]

_MODEL = 2  # keeps the random operations of the model apart from other uses of the seed


def train(
    plan: RunPlan,
    *,
    resume: bool = False,
    tell: Watcher = lambda _record: None,
    say: Say = lambda _line: None,
    pending: Pending | None = None,
) -> dict[str, Any]:
    """Train by a plan into its folder and give the result that `result.json` holds.

    `pending` is where signals arrive that the caller catches; without it they are caught here.
    Raises LosslangError (also SpecError, NotFinite, Collapsed), Interrupted.
    """
    with caught_signals() if pending is None else nullcontext(pending) as asked, ExitStack() as stack:
        if crew().leads:
            agreed(lambda: stack.enter_context(held(plan.folder)))
        else:
            agreed(lambda: None)
        run = open_run(plan, resume=resume, tell=tell, say=say)
        _steps(run, asked)
        result = agreed(run.finish)
    if asked.number:  # too late to end this run, in time to end those after it
        raise Interrupted(plan.folder, run.session.step, asked.number)
    return result


def _steps(run: Run, pending: Pending) -> None:
    """From the session's step to the last; logs, measures and saves where they are due."""
    session, finite = run.session, Finite()
    if not asked_to_end(pending, session.device, 0):
        agreed(run.begin)
    while not run.finished:
        if asked_to_end(pending, session.device, session.step):
            raise run.interrupt(pending.number, finite)
        todo = due(session.plan, session.step + 1)
        out, rate, observed = step(session, run.watch if todo.logging and crew().size == 1 else None)
        finite.see(session.step, out.terms)
        if todo:
            agreed(partial(run.after_step, out, rate, finite, observed))


def step(session: Session, watching: Watch | None) -> tuple[Output, float, dict[str, Any]]:
    """One optimiser step: its loss, the learning rate it was done with, and what is to be logged of the batch if watched."""
    recipe, optimizer = session.plan.recipe, session.optimizer
    seed_model(session)
    optimizer.zero_grad(set_to_none=True)
    if session.probe is not None:
        session.probe.listen()
    try:
        out, observed = _backward(session, watching)
    except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
        raise NotFinite(f"{session.plan.spec.method_name}, step {session.step}: {error}") from error
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):  # what torch's batch norm says
            raise
        raise NotFinite(
            f"{session.plan.spec.method_name}, step {session.step}: batch norm saw a single row, and its statistics need two"
            " or more; no share of a batch (of processes or micro-batches, the last one too) may be one row"
        ) from error
    average_gradients(session.model)
    clip_gradients(session.model, recipe.optimizer)
    rate = set_learning_rates(optimizer, session.step, session.plan.steps, recipe.optimizer)
    optimizer.step()
    session.model.after_step()
    if session.probe is not None:
        labels = session.samples.labels[session.batches.samples(session.step)]
        session.probe.learn(labels, session.step / session.plan.steps)
    session.step += 1
    return out, rate, observed


def _backward(session: Session, watching: Watch | None) -> tuple[Output, dict[str, Any]]:
    """The loss of the next batch and its gradients, and what is to be logged of the batch if watched and undivided."""
    model, size = session.model, session.plan.recipe.microbatch
    rows = (session.batches.samples(session.step),) if model.takes_rows else ()
    views = session.batches.views(session.step)
    if size is not None:
        return backward_in_pieces(model, views, *rows, size=size, forward=lambda: autocast(session)), {}
    with autocast(session):
        out, observed = watching.observe(views, *rows) if watching else (model(views, *rows), {})
    out.total.backward()
    return out, observed


def seed_model(session: Session) -> None:
    """Random operations of the model depend on seed, step and process, so that a resumed run draws the same numbers."""
    rank = crew().rank
    seed = mix(session.plan.recipe.seed, _MODEL, session.step, *([rank] if rank else []))
    torch.default_generator.manual_seed(seed)  # torch.manual_seed costs a third of a millisecond where CUDA sleeps
    if session.device.type == "cuda":
        torch.cuda.manual_seed(seed)


def autocast(session: Session) -> AbstractContextManager[Any]:
    """What the networks run in: the precision of the recipe."""
    if session.plan.recipe.precision == "bfloat16":
        return torch.autocast(session.device.type, torch.bfloat16)
    return nullcontext()
