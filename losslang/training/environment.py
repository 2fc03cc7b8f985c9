"""What a run ran on, for whoever repeats it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from losslang import __version__

__all__ = ["environment"]

_PACKAGES = ("numpy", "scikit-learn", "pydantic", "pyyaml", "lark")


def environment(device: str) -> dict[str, Any]:
    """Versions, machine, threads and the state of the code."""
    import torch

    cuda = device.startswith("cuda")
    return {
        "losslang": __version__,
        "python": sys.version.split()[0],
        "packages": {"torch": torch.__version__} | {name: _version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "processor": torch.cuda.get_device_name() if cuda else platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": device,
        "cuda": torch.version.cuda if cuda else None,
        "git": _git(),
        "command": sys.argv,
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git() -> str | None:
    """The commit of the checkout that losslang runs from, with `+changes` where files differ; None outside of one."""
    here = Path(__file__).parents[2]
    if not (here / ".git").exists():
        return None
    try:
        commit = _run_git(here, "rev-parse", "HEAD")
        return commit + ("+changes" if _run_git(here, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _run_git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=5)  # noqa: S603 - our own words
    return done.stdout.strip()
