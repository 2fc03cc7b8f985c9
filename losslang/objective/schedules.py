"""Schedules: numbers that change with t, the number of finished optimiser steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Clock", "CountMissing", "Schedule"]


class CountMissing(ValueError):
    """A number of steps, epochs or images that a method needs was not given."""


@dataclass(frozen=True)
class Clock:
    """The length of a training run in optimiser steps, and the number of images of its data set."""

    steps: int | None = None
    steps_per_epoch: int | None = None
    images: int | None = None


@dataclass(frozen=True)
class Schedule:
    """`cosine(start, end)`, `linear(start, end)` or `step(start, end)` over `epochs` or `steps`, by default the whole run.

    `warmup` counts epochs in which the value rises linearly from 0 to `start`. With `every_epoch` the value
    is frozen within an epoch: E epochs then take E values, the first `start` and the last `end` (DINO's temperature).
    """

    kind: str
    start: float
    end: float
    epochs: float | None = None
    steps: int | None = None
    warmup: float = 0.0
    every_epoch: bool = False

    @property
    def needs_steps(self) -> bool:
        """Whether the end of the run must be known."""
        return self.epochs is None and self.steps is None

    @property
    def needs_epochs(self) -> bool:
        """Whether the length of an epoch must be known."""
        return self.epochs is not None or self.warmup > 0 or self.every_epoch

    def plan(self, clock: Clock) -> Plan:
        """The schedule in units of steps. Raises CountMissing if the clock lacks what it needs."""
        if self.needs_steps and clock.steps is None:
            raise CountMissing("the schedule lasts the whole run, and the number of steps is not known")
        if self.needs_epochs and clock.steps_per_epoch is None:
            raise CountMissing("the schedule counts epochs, and the number of steps in an epoch is not known")
        per_epoch = clock.steps_per_epoch or 1
        warm = round(self.warmup * per_epoch)
        if self.steps is not None:
            last = self.steps
        elif self.epochs is not None:
            last = round(self.epochs * per_epoch)
        else:
            last = clock.steps or 0
        return Plan(self, warm, last, per_epoch)


@dataclass(frozen=True)
class Plan:
    """A schedule whose times are steps: `warm` steps of warm-up, `last` the step that reaches the end."""

    schedule: Schedule
    warm: int
    last: int
    per_epoch: int

    @property
    def quantum(self) -> int:
        """The number of steps for which a value is kept."""
        return self.per_epoch if self.schedule.every_epoch else 1

    @property
    def span(self) -> int:
        """Steps from the start value to the end value."""
        return max(self.last - self.warm - (self.quantum if self.schedule.every_epoch else 0), 1)

    def value(self, t: int) -> float:
        """The value after t finished steps."""
        s = self.schedule
        t = t // self.quantum * self.quantum
        if t < self.warm:
            return s.start * t / self.warm
        if s.kind == "step":
            return s.start if t < self.last else s.end
        progress = min((t - self.warm) / self.span, 1.0)
        if s.kind == "cosine":
            progress = (1 - math.cos(math.pi * progress)) / 2
        return s.start + (s.end - s.start) * progress
