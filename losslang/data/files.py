"""Files that are whole or not there: a kill at any moment leaves the old one or the new one."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

__all__ = ["append_line", "bring_to_disk", "remove_tree", "write_atomically", "write_text"]


def write_atomically(
    path: Path, write: Callable[[BinaryIO], object], check: Callable[[Path], object] = lambda _partial: None
) -> None:
    """Write to a file beside `path`, bring it to the disk, check it, and put it in its place in one step. Raises OSError."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    check(partial)
    partial.replace(path)
    bring_to_disk(path.parent)


def bring_to_disk(path: Path) -> None:
    """See to it that a file, or the names in a folder, outlast a power cut. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """A text in UTF-8, whole or not at all. Raises OSError."""
    write_atomically(path, lambda file: file.write(text.encode()))


def append_line(path: Path, line: str) -> None:
    """A line at the end of a file, by one call of the operating system, so that a kill cannot cut it. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    content = f"{line}\n".encode()
    try:
        if os.write(handle, content) < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(handle)


def remove_tree(path: Path) -> None:
    """Remove a folder and what is in it, if it is there. Raises OSError."""
    import shutil

    if path.exists():
        shutil.rmtree(path)
