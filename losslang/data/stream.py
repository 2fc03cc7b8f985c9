"""The batches of several seeds at once, made once for all who train on them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor

from losslang.data.augment import augment
from losslang.data.batches import Batches
from losslang.data.counter import JointDraws

__all__ = ["Mixed", "Stream"]

_AT_ONCE = 2**16
"""Numbers of a view that are made in one go: of small inputs those of many steps, as each operation takes its time to begin."""


class Stream:
    """Batches of the same data and policies, one per seed. Each seed's are those that its own `Batches` give."""

    def __init__(self, batches: Sequence[Batches]) -> None:
        self._of_seed = {each.seed: each for each in batches}
        self._seeds = tuple(self._of_seed)
        self._first = batches[0]
        self._steps = range(0)
        self._made: list[Tensor] = []

    def views(self, step: int, seeds: Sequence[int]) -> list[Tensor]:
        """The views [seed, batch, …] of a step, in view order, for these seeds (each among those of the stream)."""
        if step not in self._steps:
            self._steps = range(step, step + self._ahead(step))
            self._made = self._make(self._steps)
        made = [view[step - self._steps.start] for view in self._made]
        if tuple(seeds) == self._seeds:
            return made
        places = torch.tensor([self._seeds.index(seed) for seed in seeds], device=self._first.like.device)
        return [view[places] for view in made]

    def samples(self, step: int, seeds: Sequence[int]) -> Tensor:
        """The numbers of the samples [seed, batch] of a step."""
        return torch.stack([self._of_seed[seed].samples(step) for seed in seeds])

    def _ahead(self, step: int) -> int:
        """How many steps are made at once: of photos one, else at most those that the epoch has left."""
        first = self._first
        if not isinstance(first.inputs, Tensor):
            return 1
        of_step = first.inputs[0].numel() * first.batch_size * len(self._seeds)
        return max(min(_AT_ONCE // of_step, first.steps_per_epoch - step % first.steps_per_epoch), 1)

    def _make(self, steps: range) -> list[Tensor]:
        """The views [step, seed, batch, …] of steps of one epoch."""
        samples = torch.stack([self.samples(step, self._seeds) for step in steps], dim=1)
        inputs, epoch = self._first.inputs[samples.flatten()], steps.start // self._first.steps_per_epoch
        made = []
        for view, policy in enumerate(self._first.policies.values()):
            draws = JointDraws(0, epoch, view, samples.flatten(), self._seeds)
            augmented = augment(inputs, policy, draws).to(self._first.like).unflatten(0, samples.shape)
            made.append(augmented.movedim(1, 0).contiguous())
        return made


class Mixed:
    """The batches of an ensemble whose members see inputs of one shape from several data sets; `streams` has one per member."""

    def __init__(self, streams: Sequence[Stream], seeds: Sequence[int]) -> None:
        members = zip(streams, seeds, strict=True)
        groups = [list(group) for _, group in groupby(members, key=lambda member: id(member[0]))]
        self._parts = [(group[0][0], [seed for _, seed in group]) for group in groups]

    def views(self, step: int) -> list[Tensor]:
        """The views [member, batch, …] of a step, in view order."""
        made = [stream.views(step, seeds) for stream, seeds in self._parts]
        return made[0] if len(made) == 1 else [torch.cat(parts) for parts in zip(*made, strict=True)]

    def samples(self, step: int) -> Tensor:
        """The numbers of the samples [member, batch] of a step."""
        return torch.cat([stream.samples(step, seeds) for stream, seeds in self._parts])
