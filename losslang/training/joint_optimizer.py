"""The optimiser of many members: torch's rules on stacks of parameters, each member with settings of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from losslang.networks.joint import Joint
from losslang.training.optimizer import clipped_parts, set_learning_rates
from losslang.training.session import Session

__all__ = ["UPDATES", "JointOptimizer"]

Memory = dict[str, Tensor]
"""What is remembered of a parameter, by torch's names, each [member, …]."""

Stacks = Sequence[Tensor]
"""Of several parameters the stacks [member, …], or their gradients."""

Members = list[nn.Parameter]
"""The same parameter of all members."""


class JointOptimizer:
    """Steps all members. What it remembers are stacks, of which each member's own optimiser holds its part as state."""

    def __init__(self, sessions: Sequence[Session], joint: Joint) -> None:
        self._sessions, self._joint = sessions, joint
        self._name = sessions[0].plan.recipe.optimizer.name
        self._memory: dict[nn.Parameter, Memory] = {}
        groups = zip(*(session.optimizer.param_groups for session in sessions), strict=True)
        self._parameters = [_transposed([group["params"] for group in members]) for members in groups]
        states = [session.optimizer.state for session in sessions]
        for _, group in self._groups():
            for parameters in group:
                if states[0].get(parameters[0]):  # the sessions go on
                    self._remember(parameters, [of[p] for of, p in zip(states, parameters, strict=True)])

    def step(self, step: int, gradients: Mapping[Tensor, Tensor]) -> list[float]:
        """Follow the gradients of stacks. Gives the learning rate of each member."""
        self._clip(gradients)
        rates = [set_learning_rates(s.optimizer, step, s.plan.steps, s.plan.recipe.optimizer) for s in self._sessions]
        for settings, group in self._groups():
            moved = [parameters for parameters in group if self._joint.leaves[parameters[0]] in gradients]
            for parameters in moved:
                if parameters[0] not in self._memory:
                    self._remember(parameters, [_fresh(parameters[0].detach(), self._name) for _ in parameters])
            stacks = [self._joint.leaves[parameters[0]] for parameters in moved]
            memories = [self._memory[parameters[0]] for parameters in moved]
            UPDATES[self._name](stacks, [gradients[stack] for stack in stacks], memories, settings)
        return rates

    def _groups(self) -> Iterator[tuple[_Settings, list[Members]]]:
        """The groups of parameters, which are the same in all members but for their settings."""
        for at, parameters in enumerate(self._parameters):
            yield _Settings([session.optimizer.param_groups[at] for session in self._sessions]), parameters

    def _remember(self, parameters: Members, states: Sequence[Memory]) -> None:
        memory = {name: torch.stack([state[name] for state in states]) for name in states[0]}
        self._memory[parameters[0]] = memory
        for at, (session, parameter) in enumerate(zip(self._sessions, parameters, strict=True)):
            session.optimizer.state[parameter] = {name: stack[at] for name, stack in memory.items()}

    def _clip(self, gradients: Mapping[Tensor, Tensor]) -> None:
        """Cut each member's gradients to the length that its recipe allows."""
        recipes = [session.plan.recipe.optimizer for session in self._sessions]
        for part in clipped_parts(self._sessions[0].model, recipes[0]):
            stacks = [self._joint.leaves[parameter] for parameter in part]
            grads = [gradients[stack] for stack in stacks if stack in gradients]
            if grads:
                lengths = torch.stack([grad.flatten(1).square().sum(1) for grad in grads]).sum(0).sqrt()
                factor = (lengths.new_tensor([recipe.clip.norm for recipe in recipes]) / (lengths + 1e-6)).clamp(
                    max=1.0
                )
                for grad in grads:
                    grad.mul_(_along(factor, grad))


class _Settings:
    """One number per member, made for a stack of parameters."""

    def __init__(self, groups: Sequence[dict[str, Any]]) -> None:
        self._groups = groups
        self.decays = any(group["weight_decay"] for group in groups)
        self._made: dict[str, Tensor] = {}

    def values(self, name: str, at: int | None = None) -> list[float]:
        """A setting of every member; `at` picks from one that is a pair."""
        return [group[name] if at is None else group[name][at] for group in self._groups]

    def common(self, *names: str) -> tuple[float, ...] | None:
        """Settings, if they are the same in all members."""
        found = {tuple(group[name] for name in names) for group in self._groups}
        return found.pop() if len(found) == 1 else None

    def of(self, name: str, like: Tensor, at: int | None = None) -> Tensor:
        """The setting, to be multiplied with a stack."""
        key = f"{name}{at}"
        if key not in self._made:
            self._made[key] = like.new_tensor(self.values(name, at))
        return _along(self._made[key], like)


def _transposed(lists: Sequence[Sequence[nn.Parameter]]) -> list[Members]:
    return [list(members) for members in zip(*lists, strict=True)]


def _along(values: Tensor, like: Tensor) -> Tensor:
    return values.view(-1, *[1] * (like.dim() - 1))


def _fresh(parameter: Tensor, name: str) -> Memory:
    """What torch's optimiser of that name begins with."""
    like = {"step": torch.zeros(())}
    return {part: like.get(part, torch.zeros_like(parameter)) for part in _MEMORIES[name]}


@torch.no_grad()
def _sgd(parameters: Stacks, grads: Stacks, memories: Sequence[Memory], settings: _Settings) -> None:
    """v ← momentum · v + (g + decay · p), p ← p − rate · v; as torch.optim.SGD without dampening.

    Torch's own step for many tensors, where settings are the same in all members.
    """
    velocities = [memory["momentum_buffer"] for memory in memories]
    common = settings.common("weight_decay", "momentum", "lr")
    if common is not None and parameters:
        decay, momentum, rate = common
        dense = [grad.contiguous() for grad in grads]
        torch.ops.aten._fused_sgd_(
            list(parameters), dense, velocities, weight_decay=decay, momentum=momentum, lr=rate, **_PLAIN_SGD
        )
        return
    for parameter, grad, velocity in zip(parameters, grads, velocities, strict=True):
        decayed = grad
        if settings.decays:
            decayed = torch.addcmul(grad, parameter, settings.of("weight_decay", grad))
        velocity.mul_(settings.of("momentum", grad)).add_(decayed)
        parameter.addcmul_(velocity, settings.of("lr", grad), value=-1)


_PLAIN_SGD: dict[str, Any] = {"dampening": 0.0, "nesterov": False, "maximize": False, "is_first_step": False}


@torch.no_grad()
def _adamw(parameters: Stacks, grads: Stacks, memories: Sequence[Memory], settings: _Settings) -> None:
    """Loshchilov and Hutter (2019), algorithm 2, as torch.optim.AdamW."""
    for parameter, grad, memory in zip(parameters, grads, memories, strict=True):
        memory["step"] += 1
        count = memory["step"].double()
        mean, square = memory["exp_avg"], memory["exp_avg_sq"]
        rate, b1, b2 = (settings.of(*key) for key in (("lr", grad), ("betas", grad, 0), ("betas", grad, 1)))
        if settings.decays:
            parameter.mul_(1 - rate * settings.of("weight_decay", grad))
        mean.lerp_(grad, 1 - b1)
        square.mul_(b2).add_((1 - b2) * grad * grad)
        mean_share, square_share = (
            _along((1 - count.new_tensor(settings.values("betas", at)) ** count).to(grad.dtype), grad) for at in (0, 1)
        )
        length = square.sqrt() / square_share.sqrt() + settings.of("eps", grad)
        parameter.sub_(rate / mean_share * mean / length)


UPDATES: dict[str, Callable[[Stacks, Stacks, Sequence[Memory], _Settings], None]] = {"sgd": _sgd, "adamw": _adamw}

_MEMORIES = {"sgd": ("momentum_buffer",), "adamw": ("step", "exp_avg", "exp_avg_sq")}
