"""SIGINT and SIGTERM as a wish that the loop sees, so that a run ends where it can be resumed."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

__all__ = ["WISHES", "Pending", "caught_signals", "held_back", "let_through"]

WISHES = (signal.SIGINT, signal.SIGTERM)
"""Signals by which a user or a batch system asks a process to end."""


@dataclass
class Pending:
    """The signal that asked the work to end; 0 for none."""

    number: int = 0


ONE_WISH = 2.0
"""Seconds within which signals are one wish: a batch system tells every process, and so does the launcher that it tells."""


@contextmanager
def caught_signals() -> Iterator[Pending]:
    """Within, the first SIGINT or SIGTERM is kept for whoever looks; one that comes seconds later acts as usual."""
    pending, before = Pending(), dict[int, Any]()
    since = 0.0

    def keep(number: int, _frame: FrameType | None) -> None:
        nonlocal since
        if not pending.number:
            pending.number, since = number, time.monotonic()
        elif time.monotonic() - since > ONE_WISH:
            signal.signal(number, before[number])
            signal.raise_signal(number)

    try:
        for number in map(int, WISHES):
            before[number] = signal.signal(number, keep)
    except ValueError:  # not in the main thread, where nobody can send signals
        before.clear()
    try:
        yield pending
    finally:
        for caught, handler in before.items():
            signal.signal(caught, handler)


@contextmanager
def held_back() -> Iterator[None]:
    """Within, wishes wait; a process that is started here goes on holding them back, until it calls `let_through`."""
    if sys.platform == "win32":  # no masks of signals
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WISHES)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def let_through() -> None:
    """What was held back arrives now."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WISHES)
