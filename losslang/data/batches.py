"""Batches of views as a function of the step: no state, so a resumed run sees what an uninterrupted one sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from losslang.data.augment import augment
from losslang.data.counter import Draws, mix
from losslang.data.photos import Pixels
from losslang.data.policies import Policy
from losslang.data.shared import Made
from losslang.data.stores import Store, Streamed

__all__ = ["Batches"]

_ORDER = 1  # keeps the order of samples apart from other uses of the seed


@dataclass
class Batches:
    """Augmented batches: every epoch is a seeded permutation of the samples, cut into whole batches (the rest is left out).

    `inputs` [sample, …] lie on the device, or come to it (`losslang.data.stores`); `policies` has one augmentation per
    view, in view order. Views of photos have the type of the tensor `like` and lie in memory as `layout` says; samples are
    numbered on the device of `like`.
    Where several processes share a batch, `own` are the rows of it that this one holds. Runs of one process whose batches are
    of the same data, size and seed may share what is `made` of them.
    """

    inputs: Store
    policies: Mapping[str, Policy]
    batch_size: int
    seed: int
    like: Tensor = field(default_factory=lambda: torch.empty(0))
    own: slice | None = None
    made: Made | None = None
    layout: torch.memory_format = torch.contiguous_format
    _order: tuple[int, Tensor, Tensor] = field(default=(-1, torch.empty(0), torch.empty(0)), repr=False)

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in the data."""
        return len(self.inputs) // self.batch_size

    def samples(self, step: int) -> Tensor:
        """The indices [batch] of the samples of a step, on the device of the data."""
        return self._ordered(step)[1]

    def views(self, step: int) -> dict[str, Tensor]:
        """The views [batch, …] of a step, by name."""
        samples, epoch = self.samples(step), step // self.steps_per_epoch
        made = Made() if self.made is None else self.made

        def view(number: int, policy: Policy) -> Tensor:
            inputs = made.part(step, "inputs", lambda: self._inputs(step, samples))
            draws = Draws(self.seed, epoch, number, samples)
            return made.part(step, (number, policy, self.layout), lambda: self._view(inputs, policy, draws))

        return {name: view(number, policy) for number, (name, policy) in enumerate(self.policies.items())}

    def _view(self, inputs: Tensor | Pixels, policy: Policy, draws: Draws) -> Tensor:
        view = augment(inputs, policy, draws, self.layout)
        return view if isinstance(inputs, Tensor) else view.to(self.like)

    @property
    def waited(self) -> float:
        """Seconds for which training waited for data."""
        return self.inputs.waited if isinstance(self.inputs, Streamed) else 0.0

    def _inputs(self, step: int, samples: Tensor) -> Tensor | Pixels:
        if not isinstance(self.inputs, Streamed):
            return self.inputs[samples]
        found = self.inputs.take(step, self._ordered(step)[0])
        self.inputs.expect(step + 1, self._ordered(step + 1)[0])
        return found

    def _ordered(self, step: int) -> tuple[Tensor, Tensor]:
        """The samples of a step, on the CPU and on the device."""
        epoch, at = divmod(step, self.steps_per_epoch)
        if self._order[0] != epoch:
            generator = torch.Generator().manual_seed(mix(self.seed, _ORDER, epoch))
            order = torch.randperm(len(self.inputs), generator=generator)
            self._order = epoch, order, order.to(self.like.device)
        part = slice(at * self.batch_size, (at + 1) * self.batch_size)
        own = self.own or slice(None)
        return self._order[1][part][own], self._order[2][part][own]
