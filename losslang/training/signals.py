"""SIGINT and SIGTERM as a wish that the loop sees, so that a run ends where it can be resumed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

__all__ = ["Pending", "caught_signals"]


@dataclass
class Pending:
    """The signal that asked the work to end; 0 for none."""

    number: int = 0


@contextmanager
def caught_signals() -> Iterator[Pending]:
    """Within, the first SIGINT or SIGTERM is kept for whoever looks; a second one acts as usual."""
    pending, before = Pending(), dict[int, Any]()

    def keep(number: int, _frame: FrameType | None) -> None:
        pending.number = number
        signal.signal(number, before[number])

    try:
        for number in (int(signal.SIGINT), int(signal.SIGTERM)):
            before[number] = signal.signal(number, keep)
    except ValueError:  # not in the main thread, where nobody can send signals
        before.clear()
    try:
        yield pending
    finally:
        for caught, handler in before.items():
            signal.signal(caught, handler)
