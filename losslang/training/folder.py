"""The run folder: everything needed to repeat a run and to read it.

    method.yaml or .loss   the method as read (and base-*.yaml, the methods it extends)
    emitted.py             the torch code it became
    settings.json          every setting and parameter, with where it was set
    environment.json       versions, machine, code
    metrics.jsonl          one line per logged step
    checkpoint.pt          weights, optimiser and step; plain tensors and numbers
    result.json            the measurements at the end; only of a finished run

The folder appears in one step with all that is known before the first step; later files are replaced in one step each.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from losslang.diagnostics import LosslangError
from losslang.training.files import append_line, remove_tree, write_atomically, write_text

__all__ = ["RunFolder", "check_new", "check_resumable"]

SETTINGS, METRICS, CHECKPOINT, RESULT = "settings.json", "metrics.jsonl", "checkpoint.pt", "result.json"


def check_new(path: Path, *, overwrite: bool) -> None:
    """Raises LosslangError where a run cannot begin in this folder: another run is there, or it cannot be written."""
    if path.exists() and not path.is_dir():
        raise LosslangError(f"{path} is a file, and a run needs a folder")
    if path.is_dir() and any(path.iterdir()):
        if not (path / SETTINGS).is_file():
            raise LosslangError(f"{path} is not empty, and what it holds is no run; choose another folder with --out")
        if not overwrite:
            raise LosslangError(
                f"{path} holds a run already; go on with --resume, replace it with --overwrite, or choose another --out"
            )
    _check_writable(path)


def check_resumable(path: Path, settings: Mapping[str, Any]) -> None:
    """Raises LosslangError where the run in this folder is not the one that is asked for."""
    try:
        recorded = json.loads((path / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LosslangError(f"{path} holds no run that could be resumed") from error
    different = _first_difference(recorded, settings)
    if different:
        raise LosslangError(f"{path} cannot be resumed: {different}")
    _check_writable(path)


def _first_difference(recorded: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    if recorded.get("hash") != wanted["hash"]:
        return f"it holds {recorded.get('method')}, and the method or its parameters have changed since"
    old, new = recorded.get("settings", {}), wanted["settings"]
    for path in [*old, *(path for path in new if path not in old)]:
        before, after = old.get(path, {}).get("value"), new.get(path, {}).get("value")
        if before != after and path not in _FREE:
            return f"`{path}` was {before} and is now {after}"
    return ""


_FREE = {"log_every", "checkpoint_every", "evaluation.every"}
"""Settings that may change when a run is resumed, as they do not change what is trained."""


def _check_writable(path: Path) -> None:
    nearest_folder = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    probe = nearest_folder / f".losslang-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise LosslangError(f"{path} cannot be written: {nearest_folder}: {error.strerror}") from error


class RunFolder:
    """A run folder that exists."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, texts: Mapping[str, str], checkpoint: Callable[[Any], object]) -> RunFolder:
        """A new folder with these files and a first checkpoint, in place of what was there. Raises OSError."""
        path = path.absolute()
        staging = path.with_name(f".{path.name}.new")
        remove_tree(staging)
        staging.mkdir(parents=True)
        for name, text in texts.items():
            write_text(staging / name, text)
        write_atomically(staging / CHECKPOINT, checkpoint)
        remove_tree(path)
        staging.rename(path)
        return cls(path)

    @property
    def checkpoint(self) -> Path:
        """The last complete checkpoint."""
        return self.path / CHECKPOINT

    def save_checkpoint(self, write: Callable[[Any], object]) -> None:
        """Replace the checkpoint; the previous one stays until the new one is complete. Raises OSError."""
        write_atomically(self.checkpoint, write)

    def log(self, record: Mapping[str, Any]) -> None:
        """Add a line to the metrics. Raises OSError."""
        append_line(self.path / METRICS, json.dumps(record, allow_nan=False))

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of the metrics that are whole."""
        found = []
        path = self.path / METRICS
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                found.append(json.loads(line))
            except ValueError:  # cut by a crash of the machine
                break
        return found

    def forget_after(self, step: int) -> None:
        """Drop the metrics of steps that a resumed run will do again. Raises OSError."""
        kept = [record for record in self.metrics() if record["step"] <= step]
        write_text(self.path / METRICS, _lines(kept))

    def finish(self, result: Mapping[str, Any]) -> None:
        """Write the result. Raises OSError."""
        write_text(self.path / RESULT, json.dumps(result, indent=2, allow_nan=False) + "\n")

    def result(self) -> dict[str, Any] | None:
        """The result, of a run that has finished."""
        path = self.path / RESULT
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _lines(records: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(record, allow_nan=False) + "\n" for record in records)
