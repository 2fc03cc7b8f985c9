"""Writing the files that a user named."""

from __future__ import annotations

from pathlib import Path

from losslang.data.files import write_text

__all__ = ["write"]


def write(path: Path, text: str) -> None:
    """Write a text whole or not at all; links and permissions stay. Raises OSError that names `path`."""
    target = path.resolve()
    mode = target.stat().st_mode & 0o777 if target.exists() else None
    try:
        write_text(target, text)
        if mode is not None:
            target.chmod(mode)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
