"""Batches of views as a function of the step: no state, so a resumed run sees what an uninterrupted one sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from losslang.data.augment import augment
from losslang.data.counter import Draws, mix
from losslang.data.policies import Policy

__all__ = ["Batches"]

_ORDER = 1  # keeps the order of samples apart from other uses of the seed


@dataclass
class Batches:
    """Augmented batches: every epoch is a seeded permutation of the samples, cut into whole batches (the rest is left out).

    `inputs` [sample, …] lie on the device; `policies` has one augmentation per view, in view order.
    """

    inputs: Tensor
    policies: Mapping[str, Policy]
    batch_size: int
    seed: int
    _order: tuple[int, Tensor] = field(default=(-1, torch.empty(0)), repr=False)

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in the data."""
        return len(self.inputs) // self.batch_size

    def samples(self, step: int) -> Tensor:
        """The indices [batch] of the samples of a step, on the device of the data."""
        epoch, at = divmod(step, self.steps_per_epoch)
        if self._order[0] != epoch:
            generator = torch.Generator().manual_seed(mix(self.seed, _ORDER, epoch))
            order = torch.randperm(len(self.inputs), generator=generator)
            self._order = epoch, order.to(self.inputs.device)
        return self._order[1][at * self.batch_size : (at + 1) * self.batch_size]

    def views(self, step: int) -> dict[str, Tensor]:
        """The views [batch, …] of a step, by name."""
        samples, epoch = self.samples(step), step // self.steps_per_epoch
        inputs = self.inputs[samples]
        return {
            name: augment(inputs, policy, Draws(self.seed, epoch, view, samples))
            for view, (name, policy) in enumerate(self.policies.items())
        }
