"""One process at a time writes to a folder of runs."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from losslang.diagnostics import LosslangError
from losslang.training.folder import DISK_FAILURES

__all__ = ["held"]

_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Within, no other process that asks for the folder gets it; it may not be there yet, and may be replaced.

    The lock lies on a hidden file beside the folder and ends with the process, however that ends. Where files cannot be
    locked (some network drives), nothing is. Raises LosslangError where another process has the folder, or the disk is full.
    """
    path = folder.absolute()
    file = _locked(path.with_name(f".{path.name}.lock"), folder)
    try:
        yield
    finally:
        if file is not None:
            Path(file.name).unlink(missing_ok=True)
            file.close()


def _locked(path: Path, folder: Path) -> IO[str] | None:
    if sys.platform == "win32":  # no locks of this kind
        return None
    import fcntl

    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a+", encoding="utf-8")
        except OSError as error:
            if error.errno in _FULL:
                raise LosslangError(f"{folder}: {DISK_FAILURES[error.errno]}, then give the command again") from error
            return None  # the folder beside which the lock would lie is not ours to write; the run's own may be
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            number = file.read().strip() or "it has just begun"
            file.close()
            raise LosslangError(
                f"{folder}: another process trains into it ({number}); wait for it, or choose another --out"
            ) from error
        except OSError:
            return file
        if path.exists() and os.fstat(file.fileno()).st_ino == path.stat().st_ino:
            with suppress(OSError):  # a full disk
                file.truncate(0)
                file.write(f"{os.getpid()}\n")
                file.flush()
            return file
        file.close()  # its owner let go of it, and took it away, in between
