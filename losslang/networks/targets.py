"""Networks that do not train, or not at first. Gradient passes through all of them to their input."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

__all__ = ["Ema", "FreezeFor", "Frozen"]


class Frozen(nn.Module):
    """A network that is never trained: its own copy, with batch statistics as in training mode."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = _untrained_copy(network)

    def forward(self, z: Tensor) -> Tensor:
        """As the network."""
        return self.network(z)


class Ema(nn.Module):
    """A moving average of another network's parameters, at first a copy of it.

    Buffers (the running statistics of batch norm) are its own. It normalises by batch statistics as long as the model
    trains, like the targets of BYOL and DINO.
    """

    def __init__(self, source: nn.Module) -> None:
        super().__init__()
        self.network = _untrained_copy(source)

    def forward(self, z: Tensor) -> Tensor:
        """As the network."""
        return self.network(z)

    @torch.no_grad()
    def update(self, source: nn.Module, momentum: float) -> None:
        """parameter ← momentum · parameter + (1 − momentum) · parameter of the source."""
        mine: list[Tensor] = list(self.network.parameters())
        theirs: list[Tensor] = list(source.parameters())
        if mine:
            torch._foreach_lerp_(mine, theirs, 1 - momentum)


class FreezeFor(nn.Module):
    """A network whose parameters do not train until `thaw()` is called: optimisers pass them by, as they have no gradient.

    It is to be thawed after so many optimiser steps, or epochs. Whether it was is part of its state.
    """

    thawed: Tensor

    def __init__(self, network: nn.Module, steps: int | None = None, epochs: float | None = None) -> None:
        super().__init__()
        self.network = network
        self.after_steps, self.after_epochs = steps, epochs
        self.forever = False  # inside a target or a frozen network
        self.register_buffer("thawed", torch.zeros((), dtype=torch.bool))
        self.network.requires_grad_(requires_grad=False)
        self.register_load_state_dict_post_hook(_thaw_if_it_was)

    def forward(self, z: Tensor) -> Tensor:
        """As the network."""
        return self.network(z)

    def steps(self, steps_per_epoch: int | None) -> int:
        """The number of optimiser steps after which it trains."""
        if self.after_steps is not None:
            return self.after_steps
        return round((self.after_epochs or 0) * (steps_per_epoch or 0))

    def thaw(self) -> None:
        """Train from now on."""
        if not self.forever:
            self.thawed.fill_(value=True)
            self.network.requires_grad_(requires_grad=True)


def _thaw_if_it_was(module: FreezeFor, _keys: object) -> None:
    module.network.requires_grad_(requires_grad=bool(module.thawed) and not module.forever)


def _untrained_copy(network: nn.Module) -> nn.Module:
    mine = copy.deepcopy(network).requires_grad_(requires_grad=False)
    for module in mine.modules():
        if isinstance(module, FreezeFor):
            module.forever = True
    return mine
