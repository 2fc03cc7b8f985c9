"""Random numbers by counter: what a sample draws depends on who it is, and not on what was drawn before it.

A number is a hash of (seed, epoch, view, sample, purpose, position). So augmentation is the same whatever the batch, the
number of processes, or the step at which a run was resumed, and there is no state to save.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Draws", "JointDraws", "mix"]

_GOLDEN = 0x9E3779B97F4A7C15
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_MASK = 2**64 - 1


def mix(*numbers: int) -> int:
    """One number of 63 bits from several, each of which changes it wholly."""
    state = 0
    for number in numbers:
        state = _scramble(((state ^ (number & _MASK)) + _GOLDEN) & _MASK)
    return state >> 1


def _scramble(x: int) -> int:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014, as Vigna writes it)."""
    x = ((x ^ (x >> 30)) * _FIRST) & _MASK
    x = ((x ^ (x >> 27)) * _SECOND) & _MASK
    return x ^ (x >> 31)


def _signed(x: int) -> int:
    return x - 2**64 if x >= 2**63 else x


def _shift(x: Tensor, bits: int) -> Tensor:
    """Shift to the right with zeros coming in (torch repeats the sign)."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def _scrambled(x: Tensor) -> Tensor:
    """`_scramble` of every element; int64 arithmetic wraps around as unsigned arithmetic does."""
    x = (x ^ _shift(x, 30)) * _signed(_FIRST)
    x = (x ^ _shift(x, 27)) * _signed(_SECOND)
    return x ^ _shift(x, 31)


@dataclass(frozen=True)
class Draws:
    """The random numbers of a batch of samples in one epoch and one view. `samples` are their indices, int64 [batch]."""

    seed: int
    epoch: int
    view: int
    samples: Tensor

    def uniform(self, purpose: str, count: int) -> Tensor:
        """[batch, count] in [0, 1), float32; another `purpose` gives other numbers."""
        position = torch.arange(count, device=self.samples.device)
        rows = _scrambled(self.samples[:, None] * _signed(_GOLDEN) + self._key(purpose))
        bits = _scrambled(rows + (position + 1) * _signed(_GOLDEN))
        return _shift(bits, 40).to(torch.float32) * 2.0**-24

    def _key(self, purpose: str) -> int | Tensor:
        return _signed(mix(self.seed, self.epoch, self.view, zlib.crc32(purpose.encode())))

    def normal(self, purpose: str, count: int) -> Tensor:
        """[batch, count] of standard normal numbers (Box and Muller), float32."""
        half = -(-count // 2)
        radius, angle = self.uniform(purpose, 2 * half).chunk(2, dim=1)
        radius = torch.sqrt(-2 * torch.log1p(-radius))
        angle = 2 * math.pi * angle
        return torch.cat([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)[:, :count]


@dataclass(frozen=True)
class JointDraws(Draws):
    """The batches of several seeds as one: `samples` [seed · batch] holds those of each after the other."""

    seeds: tuple[int, ...] = ()

    def _key(self, purpose: str) -> Tensor:
        keys = [Draws(seed, self.epoch, self.view, self.samples)._key(purpose) for seed in self.seeds]  # noqa: SLF001
        return torch.tensor(keys, device=self.samples.device).repeat_interleave(len(self.samples) // len(keys))[:, None]
