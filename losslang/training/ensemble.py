"""Runs of one method that differ in seed, data and numbers, stepped together: each step is one program for all members."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from losslang.backend.compile import plain_loss
from losslang.backend.functions import Output
from losslang.backend.joint import JointFront, of_batch
from losslang.backend.model import Model
from losslang.data.stream import Mixed, Stream
from losslang.evaluation.gradients import gradients
from losslang.networks.joint import Joint, NotStackable
from losslang.training.joint_optimizer import UPDATES, JointOptimizer
from losslang.training.session import Session
from losslang.training.tape import Tape
from losslang.training.watch import Watch

__all__ = ["Ensemble", "likeness", "member_output"]


def likeness(session: Session) -> tuple[object, ...]:
    """What runs must share to be members of one ensemble: all but seed, data, parameters of the loss, and optimiser settings."""
    plan, recipe, model = session.plan, session.plan.recipe, session.model
    optimizer, own = recipe.optimizer, tuple(f"        self.{name} = " for name in _numbers(model.loss))
    groups = tuple(tuple(p.shape for p in group["params"]) for group in session.optimizer.param_groups)
    return (
        tuple(line for line in model.source[model.source.index("\nclass ") :].split("\n") if not line.startswith(own)),
        own,
        str(model),
        groups,
        (tuple(plan.policies.items()), recipe.batch_size, plan.steps),
        (optimizer.name, optimizer.clip.norm is None, optimizer.clip.per, recipe.precision, recipe.device),
        (recipe.log_every, recipe.checkpoint_every, recipe.evaluation),
    )


def _numbers(loss: nn.Module) -> dict[str, float]:
    """The parameters of a compiled loss by their names in it."""
    return {name: value for name, value in vars(loss).items() if type(value) in {int, float}}


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
        loss = _JointLoss([session.model for session in sessions], self._joint)
        self._program = _Program(self._front, loss, self._joint)
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


class _Seen(NamedTuple):
    """The embedding of a batch [member, view, batch, feature], or without view, and the gradient of every term to it."""

    embedding: Tensor
    gradients: dict[str, Tensor]


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
        self._find_trained()
        inputs = [*views, *rows]
        if self._tape is not None:
            return self._split(self._tape(*inputs))
        state = [*self._joint.stacks, *self._loss.numbers.values()]
        self._tape = Tape(partial(self._act, len(views)), inputs, state)
        return self._split(self._tape.results)

    def watched(
        self, views: Sequence[Tensor], rows: Sequence[Tensor], embedding: str
    ) -> tuple[Output, dict[Tensor, Tensor], _Seen | None]:
        """The same by autograd, with what is seen of the definition that is the embedding, if there is one."""
        self._find_trained()
        embedded = self._front.embed(views)
        out, seen = self._loss(embedded, rows), None
        if embedding:
            z = embedded[embedding]
            found = gradients({name: value.sum() for name, value in out.terms.items()}, z)
            seen = _Seen(*(_laid_out(z), {name: _laid_out(gradient) for name, gradient in found.items()}))
        return *self._split(self._results(out)), seen

    def _find_trained(self) -> None:
        trained = [stack for stack in self._joint.leaves.values() if stack.requires_grad]
        if len(trained) != len(self._trained):
            self._trained, self._tape = trained, None

    def _act(self, views: int, *inputs: Tensor) -> list[Tensor]:
        return self._results(self._loss(self._front.embed(inputs[:views]), inputs[views:]))

    def _results(self, out: Output) -> list[Tensor]:
        """The numbers of the loss, then the gradients."""
        self._names = tuple(out.terms), tuple(out.raw)
        found: Sequence[Tensor | None] = torch.autograd.grad(out.total.sum(), self._trained, allow_unused=True)
        reached = [
            (stack, gradient) for stack, gradient in zip(self._trained, found, strict=True) if gradient is not None
        ]
        self._reached = [stack for stack, _ in reached]
        numbers = (out.total, *out.terms.values(), *out.raw.values())
        return [number.detach() for number in numbers] + [gradient for _, gradient in reached]

    def _split(self, results: Sequence[Tensor]) -> tuple[Output, dict[Tensor, Tensor]]:
        terms, raw = self._names
        numbers, gradients = results[: 1 + len(terms) + len(raw)], results[1 + len(terms) + len(raw) :]
        out = Output(
            numbers[0],
            dict(zip(terms, numbers[1:], strict=False)),
            dict(zip(raw, numbers[1 + len(terms) :], strict=True)),
        )
        return out, dict(zip(self._reached, gradients, strict=True))


def _laid_out(x: Tensor) -> Tensor:
    """With the axes of a batch, also in memory: measures add up along the last."""
    return of_batch(x.detach()).contiguous()


class _JointLoss:
    """The loss of all members: torch.vmap of the first's, on the states and parameters of all.

    `numbers` are the parameters that differ, each [member].
    """

    def __init__(self, models: Sequence[Model], joint: Joint) -> None:
        self._loss: Any = plain_loss(models[0])
        self._state = joint.state(models[0].loss)
        values = {name: [_numbers(model.loss)[name] for model in models] for name in _numbers(models[0].loss)}
        like = next(iter(joint.leaves.values()))
        self.numbers = {name: like.new_tensor(each) for name, each in values.items() if len(set(each)) > 1}

    def __call__(self, embedded: Mapping[str, Tensor], rows: Sequence[Tensor]) -> Output:
        inputs = [of_batch(embedded[name]) for name in self._loss.inputs]
        out: Output = torch.vmap(self._of_member)(self._state, self.numbers, *inputs, *rows)
        self._loss.pending = False  # the members' own losses move their states on
        return out

    def _of_member(self, state: dict[str, Tensor], numbers: dict[str, Tensor], *inputs: Tensor) -> Output:
        for name, value in numbers.items():
            setattr(self._loss, name, value)
        out: Output = functional_call(self._loss, state, inputs)
        return out
