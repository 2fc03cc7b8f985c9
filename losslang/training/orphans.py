"""A process that trains for another one ends where that one is gone, however it went."""

from __future__ import annotations

import os
import signal
import threading
import time

__all__ = ["LAUNCHER", "end_with"]

LAUNCHER = "LOSSLANG_LAUNCHER"
"""The environment's name for the process that started this one (`--processes`)."""

_TICK = 0.5
"""Seconds between looks."""

_PATIENCE = 60.0
"""Seconds to save a checkpoint in."""


def end_with(parent: int) -> None:
    """From now on this process is asked to end (SIGTERM: it saves, and can be gone on with) where its parent is gone."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_TICK)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE)
    os._exit(1)
