"""The loss of many members and its gradients as one program: torch.vmap of one member's loss behind the joint networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from losslang.backend.compile import plain_loss
from losslang.backend.interface import Output
from losslang.backend.joint import JointFront, of_batch
from losslang.backend.model import Model
from losslang.evaluation.gradients import gradients
from losslang.networks.joint import Joint
from losslang.training.tape import Tape

__all__ = ["JointProgram", "Seen", "parameters_of"]


def parameters_of(loss: nn.Module) -> dict[str, float]:
    """The parameters of a compiled loss by their names in it."""
    return {name: value for name, value in vars(loss).items() if type(value) in {int, float}}


class Seen(NamedTuple):
    """The embedding of a batch [member, view, batch, feature], or without view, and the gradient of every term to it."""

    embedding: Tensor
    gradients: dict[str, Tensor]


class JointProgram:
    """The loss of all members and its gradients, written down as operations at the first step and when other parameters train."""

    def __init__(self, front: JointFront, models: Sequence[Model], joint: Joint) -> None:
        self._front, self._loss, self._joint = front, _JointLoss(models, joint), joint
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
    ) -> tuple[Output, dict[Tensor, Tensor], Seen | None]:
        """The same by autograd, with what is seen of the definition that is the embedding, if there is one."""
        self._find_trained()
        embedded = self._front.embed(views)
        out = self._loss(embedded, rows)
        seen = _seen(embedded[embedding], out) if embedding else None
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
        behind = 1 + len(terms)
        out = Output(
            results[0],
            dict(zip(terms, results[1:behind], strict=True)),
            dict(zip(raw, results[behind:], strict=False)),
        )
        return out, dict(zip(self._reached, results[behind + len(raw) :], strict=True))


def _seen(z: Tensor, out: Output) -> Seen:
    found = gradients({name: value.sum() for name, value in out.terms.items()}, z)
    return Seen(_laid_out(z), {name: _laid_out(gradient) for name, gradient in found.items()})


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
        values = {name: [parameters_of(model.loss)[name] for model in models] for name in parameters_of(models[0].loss)}
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
