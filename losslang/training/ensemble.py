"""Runs of one method that differ in seed, data and numbers, stepped together: each step is one program for all members."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from losslang.backend.interface import Output
from losslang.backend.joint import JointFront
from losslang.backend.model import Model
from losslang.data.stream import Mixed, Stream
from losslang.networks.joint import Joint, NotStackable
from losslang.training.joint_optimizer import UPDATES, JointOptimizer
from losslang.training.joint_program import JointProgram, parameters_of
from losslang.training.session import Session
from losslang.training.watch import Watch

__all__ = ["Ensemble", "likeness", "member_output"]


def likeness(session: Session) -> tuple[object, ...]:
    """What runs must share to be members of one ensemble: all but seed, data, parameters of the loss, and optimiser settings."""
    plan, recipe, optimizer = session.plan, session.plan.recipe, session.plan.recipe.optimizer
    groups = tuple(tuple(p.shape for p in group["params"]) for group in session.optimizer.param_groups)
    return (
        _emitted(session.model),
        str(session.model),
        groups,
        (tuple(plan.policies.items()), recipe.batch_size, plan.steps),
        (optimizer.name, optimizer.clip.norm is None, optimizer.clip.per, recipe.precision, recipe.device),
        (recipe.log_every, recipe.checkpoint_every, recipe.evaluation),
    )


def _emitted(model: Model) -> tuple[str, ...]:
    """The lines of the emitted classes, where the parameters' are without values."""
    classes = model.source[model.source.index("\nclass ") :]
    given = {f"        self.{name} = {value!r}": name for name, value in parameters_of(model.loss).items()}
    return tuple(given.get(line.split("  #")[0], line) for line in classes.split("\n"))


class Ensemble:
    """Sessions that are alike, joined. Their models and optimisers stay theirs: parts of the joint state, always in step.

    `streams` give each its batches. Raises NotStackable where the method has something that is not known for many at once.
    """

    def __init__(self, sessions: Sequence[Session], streams: Sequence[Stream]) -> None:
        first = sessions[0]
        if first.plan.recipe.precision == "bfloat16":
            raise NotStackable("bfloat16 is for runs alone")
        if first.plan.recipe.microbatch is not None:
            raise NotStackable("micro-batches are for runs alone")
        if first.probe is not None:
            raise NotStackable("a run with an online probe steps alone")
        if first.plan.recipe.optimizer.name not in UPDATES:
            raise NotStackable(f"the optimiser {first.plan.recipe.optimizer.name} is for runs alone")
        self.sessions = sessions
        self._batches = Mixed(streams, [session.plan.recipe.seed for session in sessions])
        self._joint = Joint([session.model for session in sessions])
        self._front = JointFront(first.plan.spec, dict(first.model.networks.items()), self._joint)
        self._program = JointProgram(self._front, [session.model for session in sessions], self._joint)
        self._optimizer = JointOptimizer(sessions, self._joint)

    @property
    def step_count(self) -> int:
        """Finished steps."""
        return self.sessions[0].step

    @contextmanager
    def calibrated(self) -> Iterator[None]:
        """Within, running statistics are as if they had seen some batches."""
        with self._joint.kept():
            for step in range(self.sessions[0].plan.recipe.evaluation.calibration):
                with torch.no_grad():
                    self._front.embed(self._batches.views(step))
            yield

    def step(self, watches: Sequence[Watch] = ()) -> tuple[Output, list[float], list[dict[str, Any]]]:
        """One step of all members: the loss with [member] numbers, the learning rates, and what is to be logged if watched."""
        step = self.step_count
        views = self._batches.views(step)
        rows = [self._batches.samples(step)] if self.sessions[0].model.takes_rows else []
        if watches:
            out, gradients, observed = self._watched(views, rows, watches)
        else:
            (out, gradients), observed = self._program(views, rows), []
        rates = self._optimizer.step(step, gradients)
        self._after_step()
        return out, rates, observed

    def _watched(
        self, views: Sequence[Tensor], rows: Sequence[Tensor], watches: Sequence[Watch]
    ) -> tuple[Output, dict[Tensor, Tensor], list[dict[str, Any]]]:
        """The loss, its gradients, and what each member's watch has to log of the batch."""
        with self._joint.hearing(watches[0].norm()) as heard:
            out, gradients, seen = self._program.watched(views, rows, self.sessions[0].embedding)
        if seen is None:
            return out, gradients, [{} for _ in watches]
        observed = []
        for at, watch in enumerate(watches):
            found = {name: gradient[at] for name, gradient in seen.gradients.items()}
            observed.append(watch.record(seen.embedding[at], found, [x[at].mT for x in heard]))
        return out, gradients, observed

    @torch.no_grad()
    def _after_step(self) -> None:
        models = [session.model for session in self.sessions]
        for name, (mine, theirs) in models[0].targets.items():
            one, other = ([self._joint.of(parameter) for parameter in part] for part in (mine, theirs))
            _follow(one, other, [1 - model.momentum(name) for model in models])
        for session in self.sessions:
            session.model.loss.pending = True  # type: ignore[assignment]
            session.model.move_on()
            session.step += 1
        self._joint.follow()


def member_output(out: Output, at: int) -> Output:
    """The loss of one member."""
    parts = ({name: value[at] for name, value in values.items()} for values in (out.terms, out.raw))
    return Output(out.total[at], *parts)


def _follow(mine: list[Tensor], theirs: list[Tensor], steps: Sequence[float]) -> None:
    """Move stacks towards others, each member by its own part of the way."""
    if len(set(steps)) == 1:
        torch._foreach_lerp_(mine, theirs, steps[0])
        return
    for one, other in zip(mine, theirs, strict=True):
        one.lerp_(other, one.new_tensor(steps).view(-1, *[1] * (one.dim() - 1)))
