"""Runs of one method that differ in seed, data and numbers, stepped together: each step is one program for all members."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from losslang.backend.compile import plain_loss, plain_source
from losslang.backend.functions import Output
from losslang.backend.joint import JointFront
from losslang.data.stream import Mixed, Stream
from losslang.networks.joint import Joint, NotStackable
from losslang.training.joint_optimizer import UPDATES, JointOptimizer
from losslang.training.session import Session
from losslang.training.tape import Tape
from losslang.training.watch import Watch

__all__ = ["Ensemble", "likeness", "member_output"]

_NUMBER = re.compile(r"^        self\.(\w+) = (-?[\d.]\S*)  #", re.MULTILINE)
"""The lines of an emitted loss that hold its parameters."""


def likeness(session: Session) -> tuple[object, ...]:
    """What runs must share to be members of one ensemble: all but seed, data, parameters of the loss, and optimiser settings."""
    plan, recipe = session.plan, session.plan.recipe
    optimizer, text = recipe.optimizer, plain_source(session.model)
    groups = tuple(tuple(p.shape for p in group["params"]) for group in session.optimizer.param_groups)
    return (
        _NUMBER.sub(r"\1", text[text.index("\nclass ") :]),
        str(session.model),
        groups,
        (tuple(plan.policies.items()), recipe.batch_size, plan.steps),
        (optimizer.name, optimizer.clip.norm is None, optimizer.clip.per, recipe.precision, recipe.device),
        (recipe.log_every, recipe.checkpoint_every, recipe.evaluation),
    )


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
        sources = [plain_source(session.model) for session in sessions]
        loss = plain_loss(first.model, sources[0])
        self._loss = _JointLoss(loss, self._joint, first.model.loss, sources)
        self._program = _Program(self._front, self._loss, self._joint)
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

    def step(self) -> tuple[Output, list[float]]:
        """One step of all members: the loss with [member] numbers, and the learning rates."""
        step = self.step_count
        rows = [self._batches.samples(step)] if self.sessions[0].model.takes_rows else []
        out, gradients = self._program(self._batches.views(step), rows)
        rates = self._optimizer.step(step, gradients)
        self._after_step()
        return out, rates

    def observe(self, watches: Sequence[Watch]) -> list[dict[str, Any]]:
        """What each member's watch has to log of the batch of the coming step; changes nothing."""
        step, names = self.step_count, tuple(self.sessions[0].plan.policies)
        views = self._batches.views(step)
        rows = [self._batches.samples(step)] if self.sessions[0].model.takes_rows else []
        observed = []
        with self._joint.kept():
            for at, watch in enumerate(watches):
                own = {name: view[at] for name, view in zip(names, views, strict=True)}
                observed.append(watch.observe(own, *(each[at] for each in rows))[1])
                watch.session.model.loss.pending = False  # type: ignore[assignment]
        return observed

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


class _Program:
    """The loss of all members and its gradients, written down as operations at the first step and when other parameters train."""

    def __init__(self, front: JointFront, loss: _JointLoss, joint: Joint) -> None:
        self._front, self._loss, self._joint = front, loss, joint
        self._names: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        self._trained: list[Tensor] = []
        self._reached: list[Tensor] = []
        self._tape: Tape | None = None

    def __call__(self, views: Sequence[Tensor], rows: Sequence[Tensor]) -> tuple[Output, dict[Tensor, Tensor]]:
        """The loss with [member] numbers, and the gradient of every stack that has one."""
        trained = [stack for stack in self._joint.leaves.values() if stack.requires_grad]
        if len(trained) != len(self._trained):
            self._trained, self._tape = trained, None
        inputs = [*views, *rows]
        if self._tape is not None:
            return self._split(self._tape(*inputs))
        state = [*self._joint.stacks, *self._loss.numbers.values()]
        self._tape = Tape(partial(self._act, len(views)), inputs, state)
        return self._split(self._tape.results)

    def _act(self, views: int, *inputs: Tensor) -> list[Tensor]:
        out = self._loss(self._front.embed(inputs[:views]), inputs[views:])
        self._names = tuple(out.terms), tuple(out.raw)
        found: Sequence[Tensor | None] = torch.autograd.grad(out.total.sum(), self._trained, allow_unused=True)
        reached = [
            (stack, gradient) for stack, gradient in zip(self._trained, found, strict=True) if gradient is not None
        ]
        self._reached = [stack for stack, _ in reached]
        gradients = [gradient for _, gradient in reached]
        return [value.detach() for value in (out.total, *out.terms.values(), *out.raw.values())] + gradients

    def _split(self, results: Sequence[Tensor]) -> tuple[Output, dict[Tensor, Tensor]]:
        terms, raw = self._names
        numbers, gradients = results[: 1 + len(terms) + len(raw)], results[1 + len(terms) + len(raw) :]
        out = Output(
            numbers[0],
            dict(zip(terms, numbers[1:], strict=False)),
            dict(zip(raw, numbers[1 + len(terms) :], strict=True)),
        )
        return out, dict(zip(self._reached, gradients, strict=True))


class _JointLoss:
    """The loss of all members: torch.vmap of one module, on the states of all; `sources` hold the members' parameters.

    `numbers` are the parameters that differ, each [member].
    """

    def __init__(self, loss: Any, joint: Joint, module: nn.Module, sources: Sequence[str]) -> None:
        self._loss, self._state = loss, joint.state(module)
        found = [dict(_NUMBER.findall(source)) for source in sources]
        values = {name: [float(numbers[name]) for numbers in found] for name in found[0]}
        like = next(iter(joint.leaves.values()))
        self.numbers = {name: like.new_tensor(each) for name, each in values.items() if len(set(each)) > 1}

    def __call__(self, embedded: Mapping[str, Tensor], rows: Sequence[Tensor]) -> Output:
        inputs = [embedded[name] for name in self._loss.inputs]
        places = (0, 0, *[-3] * len(inputs), *[0] * len(rows))
        out: Output = torch.vmap(self._of_member, in_dims=places)(self._state, self.numbers, *inputs, *rows)
        self._loss.pending = False  # the members' own losses move their states on
        return out

    def _of_member(self, state: dict[str, Tensor], numbers: dict[str, Tensor], *inputs: Tensor) -> Output:
        for name, value in numbers.items():
            setattr(self._loss, name, value)
        out: Output = functional_call(self._loss, state, inputs)
        return out
