"""The run folder: everything needed to repeat a run and to read it.

    method.yaml or .loss   the method as read (and base-*.yaml, the methods it extends)
    emitted.py             the torch code it became
    settings.json          every setting and parameter, with where it was set
    environment.json       versions, machine, code
    metrics.jsonl          one line per logged step
    checkpoint.pt          weights, optimiser and step; plain tensors and numbers, with a checksum
    checkpoint.previous.pt the one before, for the case that the last one gets damaged
    result.json            the measurements at the end; only of a finished run
    failed.json            why there is no result and never will be; only of a member of an experiment that failed

The folder appears in one step with all that is known before the first step; later files are replaced in one step each.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from losslang.data.files import append_line, bring_to_disk, remove_tree, write_atomically, write_text
from losslang.diagnostics import LosslangError
from losslang.training.checkpoint import check_seal

__all__ = ["DISK_FAILURES", "RunFolder", "check_new", "check_resumable"]

SETTINGS, METRICS, CHECKPOINT, RESULT = "settings.json", "metrics.jsonl", "checkpoint.pt", "result.json"
PREVIOUS, FAILED = "checkpoint.previous.pt", "failed.json"


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


_FREE = {
    "log_every",
    "checkpoint_every",
    "evaluation.every",
    "evaluation.linear",
    "evaluation.linear_epochs",
    "on_collapse",
    "log_to",
    "exchange",
}
"""Settings that may change when a run is resumed, as they do not change what is trained."""


def _check_writable(path: Path) -> None:
    nearest_folder = _nearest_folder(path)
    probe = nearest_folder / f".losslang-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise LosslangError(f"{path} cannot be written: {nearest_folder}: {error.strerror}") from error


@contextmanager
def _writing(folder: Path, then: str = "go on with --resume") -> Iterator[None]:
    """Within, what goes wrong in writing becomes a message of what to do, and what then."""
    try:
        yield
    except OSError as error:
        if not folder.exists():
            raise LosslangError(f"{folder} has vanished while its run wrote to it; what it held is lost") from error
        reason = DISK_FAILURES.get(error.errno or 0, f"cannot be written: {error.strerror or error}; mend that")
        raise LosslangError(f"{error.filename or folder}: {reason}, then {then}") from error


DISK_FAILURES = {
    errno.ENOSPC: "the disk is full; make room",
    errno.EDQUOT: "the quota of the disk is used up; make room",
    errno.EROFS: "the disk can be read only; mend that",
    errno.EIO: "the disk fails; mend that",
}


def _nearest_folder(path: Path) -> Path:
    return next(parent for parent in (path, *path.absolute().parents) if parent.exists())


class RunFolder:
    """A run folder that exists. Its methods raise LosslangError where writing fails."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, texts: Mapping[str, str], checkpoint: bytes) -> RunFolder:
        """A new folder with these files and a first checkpoint (sealed), in place of what was there."""
        path = path.absolute()
        staging = path.with_name(f".{path.name}.new")
        with _writing(_nearest_folder(path), "give the command again"):
            remove_tree(staging)
            staging.mkdir(parents=True)
            for name, text in texts.items():
                write_text(staging / name, text)
            write_atomically(staging / CHECKPOINT, lambda file: file.write(checkpoint))
            remove_tree(path)
            staging.rename(path)
        with _writing(path):
            bring_to_disk(path.parent)
        return cls(path)

    @property
    def checkpoint(self) -> Path:
        """The last checkpoint."""
        return self.path / CHECKPOINT

    @property
    def checkpoints(self) -> list[Path]:
        """The checkpoints that there are, the last one first."""
        return [path for path in (self.checkpoint, self.path / PREVIOUS) if path.exists()]

    def save_checkpoint(self, checkpoint: bytes) -> None:
        """Put a sealed checkpoint in the place of the last one, which stays until the new one was read back as written.

        The metrics so far are on the disk before.
        """
        with _writing(self.path):
            bring_to_disk(self.path / METRICS)
            write_atomically(self.checkpoint, lambda file: file.write(checkpoint), self._keep_previous)

    def _keep_previous(self, written: Path) -> None:
        check_seal(written)
        if not self.checkpoint.exists():
            return
        name = self.path / f".{PREVIOUS}.partial"
        name.unlink(missing_ok=True)
        try:
            os.link(self.checkpoint, name)  # a second name, so that there is a last checkpoint at every moment
        except OSError:  # a file system without links
            self.checkpoint.replace(self.path / PREVIOUS)
        else:
            name.replace(self.path / PREVIOUS)

    def discard_checkpoint(self) -> None:
        """Take the previous checkpoint for the last one, which is damaged."""
        with _writing(self.path):
            (self.path / PREVIOUS).replace(self.checkpoint)

    def log(self, record: Mapping[str, Any]) -> None:
        """Add a line to the metrics."""
        with _writing(self.path):
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
        """Drop the metrics of steps that a resumed run will do again; a run at step 0 begins with its first line."""
        kept = [record for record in self.metrics() if 0 < step >= record["step"]]
        with _writing(self.path):
            write_text(self.path / METRICS, _lines(kept))

    def finish(self, result: Mapping[str, Any]) -> None:
        """Write the result."""
        with _writing(self.path):
            write_text(self.path / RESULT, json.dumps(result, indent=2, allow_nan=False) + "\n")

    def result(self) -> dict[str, Any] | None:
        """The result, of a run that has finished."""
        path = self.path / RESULT
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def fail(self, reason: str) -> None:
        """Note why the run ended without a result, and would again."""
        with _writing(self.path):
            write_text(self.path / FAILED, json.dumps({"failure": reason}, ensure_ascii=False) + "\n")

    def forgive(self) -> None:
        """Take the note back, so that the run is tried again from its last checkpoint."""
        with _writing(self.path):
            (self.path / FAILED).unlink(missing_ok=True)

    def failure(self) -> str:
        """Why the run ended without a result; empty where it did not, or came to one since."""
        path = self.path / FAILED
        if not path.exists() or (self.path / RESULT).exists():
            return ""
        return str(json.loads(path.read_text(encoding="utf-8"))["failure"])


def _lines(records: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(record, allow_nan=False) + "\n" for record in records)
