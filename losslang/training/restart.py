"""Whether a process goes on with a run that one before it began: asked to (`--resume`), or started again by its launcher."""

from __future__ import annotations

import os
from pathlib import Path

from losslang.training.folder import SETTINGS

__all__ = ["LAUNCHED", "RESTARTS", "goes_on"]

RESTARTS = "TORCHELASTIC_RESTART_COUNT"
"""The environment's name for how often the launcher started all processes again; torch's elastic launcher sets it, too."""

LAUNCHED = "LOSSLANG_LAUNCHED"
"""The environment's name for when `--processes` began, in seconds since 1970."""


def goes_on(folder: Path, *, resume: bool, overwrite: bool) -> bool:
    """Whether the run in a folder is to be gone on with.

    After a restart it is, as another run's folder is refused at first; only where it was to be replaced it must be younger
    than the launch. Under a launcher that does not say when that was, a run that replaces another begins anew.
    """
    if resume or os.environ.get(RESTARTS, "0") == "0":
        return resume
    try:
        made = (folder / SETTINGS).stat().st_mtime
    except OSError:
        return False
    return not overwrite or made >= float(os.environ.get(LAUNCHED, "inf"))
