"""Writing a file whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

__all__ = ["write"]


def write(path: Path, text: str) -> None:
    """Write `text` as UTF-8. An interruption leaves the old file; links and permissions stay. Raises OSError."""
    target = path.resolve()
    mode = target.stat().st_mode & 0o777 if target.exists() else None
    try:
        with NamedTemporaryFile("w", encoding="utf-8", newline="", dir=target.parent, delete=False) as file:
            file.write(text)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    whole = Path(file.name)
    whole.chmod(mode if mode is not None else 0o666 & ~_umask())
    whole.replace(target)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
