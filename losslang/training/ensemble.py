"""Runs of one method that differ in seed and numbers, stepped together: each step is one program for all members."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from losslang.backend.compile import plain_form, plain_source
from losslang.backend.functions import Output
from losslang.data.stream import Stream
from losslang.networks.joint import Joint, JointNetwork, NotStackable
from losslang.training.joint_optimizer import UPDATES, JointOptimizer
from losslang.training.session import Session
from losslang.training.watch import Watch

__all__ = ["Ensemble", "likeness", "member_output"]

_NUMBER = re.compile(r"^        self\.(\w+) = (-?[\d.]\S*)  #", re.MULTILINE)
"""The lines of an emitted loss that hold its parameters."""


def likeness(session: Session) -> tuple[object, ...]:
    """What runs must share to be members of one ensemble: all but seed, parameters of the loss, and optimiser settings."""
    plan, recipe = session.plan, session.plan.recipe
    optimizer, text = recipe.optimizer, plain_source(session.model)
    groups = tuple(tuple(p.shape for p in group["params"]) for group in session.optimizer.param_groups)
    return (
        _NUMBER.sub(r"\1", text[text.index("\nclass ") :]),
        str(session.model),
        groups,
        (plan.dataset.name, tuple(plan.policies.items()), recipe.batch_size, plan.steps),
        (optimizer.name, optimizer.clip.norm is None, optimizer.clip.per, recipe.precision, recipe.device),
        (recipe.log_every, recipe.checkpoint_every, recipe.evaluation),
    )


class Ensemble:
    """Sessions that are alike, joined. Their models and optimisers stay theirs: parts of the joint state, always in step.

    Raises NotStackable where the method has something that is not known for many members at once.
    """

    def __init__(self, sessions: Sequence[Session], stream: Stream) -> None:
        first = sessions[0]
        if first.plan.recipe.precision == "bfloat16":
            raise NotStackable("bfloat16 is for runs alone")
        if first.plan.recipe.microbatch is not None:
            raise NotStackable("micro-batches are for runs alone")
        if first.probe is not None:
            raise NotStackable("a run with an online probe steps alone")
        if first.plan.recipe.optimizer.name not in UPDATES:
            raise NotStackable(f"the optimiser {first.plan.recipe.optimizer.name} is for runs alone")
        self.sessions, self._stream = sessions, stream
        self._seeds = [session.plan.recipe.seed for session in sessions]
        self._joint = Joint([session.model for session in sessions])
        networks = {name: JointNetwork(network, self._joint) for name, network in first.model.networks.items()}
        sources = [plain_source(session.model) for session in sessions]
        self._form: Any = plain_form(first.model, sources[0], networks)
        self._loss = _JointLoss(self._form.loss, self._joint.state(first.model.loss), sources)
        self._optimizer = JointOptimizer(sessions, self._joint)

    @property
    def step_count(self) -> int:
        """Finished steps."""
        return self.sessions[0].step

    def step(self) -> tuple[Output, list[float]]:
        """One step of all members: the loss with [member] numbers, and the learning rates."""
        step, first = self.step_count, self.sessions[0].model
        embedded = self._form.embed(self._stream.views(step, self._seeds))
        rows = (self._stream.samples(step, self._seeds),) if first.takes_rows else ()
        out = self._loss(embedded, rows)
        out.total.sum().backward()
        rates = self._optimizer.step(step)
        self._after_step()
        return out, rates

    def observe(self, watches: Sequence[Watch]) -> list[dict[str, Any]]:
        """What each member's watch has to log of the batch of the coming step; changes nothing."""
        step, names = self.step_count, tuple(self.sessions[0].plan.policies)
        views = self._stream.views(step, self._seeds)
        rows = [self._stream.samples(step, self._seeds)] if self.sessions[0].model.takes_rows else []
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


class _JointLoss:
    """The loss of all members: torch.vmap of one module, on the states of all; `sources` hold the members' parameters."""

    def __init__(self, loss: Any, state: dict[str, Tensor], sources: Sequence[str]) -> None:
        self._loss, self._state = loss, state
        found = [dict(_NUMBER.findall(source)) for source in sources]
        values = {name: [float(numbers[name]) for numbers in found] for name in found[0]}
        self._numbers = {name: each for name, each in values.items() if len(set(each)) > 1}

    def __call__(self, embedded: Mapping[str, Tensor], rows: tuple[Tensor, ...]) -> Output:
        inputs = [embedded[name] for name in self._loss.inputs]
        numbers = {name: inputs[0].new_tensor(values) for name, values in self._numbers.items()}
        places = (0, 0, *[-3] * len(inputs), *[0] * len(rows))
        out: Output = torch.vmap(self._of_member, in_dims=places)(self._state, numbers, *inputs, *rows)
        self._loss.pending = False  # the members' own losses move their states on
        return out

    def _of_member(self, state: dict[str, Tensor], numbers: dict[str, Tensor], *inputs: Tensor) -> Output:
        for name, value in numbers.items():
            setattr(self._loss, name, value)
        out: Output = functional_call(self._loss, state, inputs)
        return out
