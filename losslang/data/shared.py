"""What runs of one process share of a batch: it is read and augmented once, for all of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

__all__ = ["Made"]

T = TypeVar("T")


class Made:
    """What was made of the batch of a step, by name; only the last step's is kept. Nobody may change it in place."""

    def __init__(self) -> None:
        self._step = -1
        self._parts: dict[Hashable, Any] = {}

    def part(self, step: int, name: Hashable, make: Callable[[], T]) -> T:
        """A part of the batch of a step: what was made of it already, or what `make` gives."""
        if step != self._step:
            self._step, self._parts = step, {}
        if name not in self._parts:
            self._parts[name] = make()
        found: T = self._parts[name]
        return found
