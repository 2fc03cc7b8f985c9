"""Checkpoints that say whether they are whole: torch's archive with the SHA-256 of its bytes as the archive's comment.

The file stays one that `torch.load` reads. It is loaded without running code from it (`weights_only`).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from losslang.diagnostics import LosslangError

__all__ = ["Damaged", "check_seal", "pack", "seal", "unpack"]

_PREFIX: Final = b"sha256:"
_SEAL: Final = len(_PREFIX) + 64
_END: Final = b"PK\x05\x06"  # begins the last record of a zip archive, 22 bytes where there is no comment


class Damaged(LosslangError):
    """A checkpoint is missing, cut or changed."""


def seal(archive: bytes) -> bytes:
    """A zip archive without comment, with its own checksum as the comment."""
    assert archive[-22:-18] == _END
    body = archive[:-2] + _SEAL.to_bytes(2, "little")
    return body + _PREFIX + hashlib.sha256(body).hexdigest().encode()


def check_seal(path: Path) -> bytes:
    """The bytes of a sealed archive. Raises Damaged where they are not those that were written."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Damaged(f"{path} cannot be read: {error.strerror}") from error
    body, sealed = content[:-_SEAL], content[-_SEAL:]
    if sealed != _PREFIX + hashlib.sha256(body).hexdigest().encode():
        raise Damaged(f"{path} is damaged: its checksum does not fit")
    return content


def pack(state: Mapping[str, Any]) -> bytes:
    """Tensors, numbers and texts as a sealed archive."""
    import torch

    archive = io.BytesIO()
    torch.save(dict(state), archive)
    return seal(archive.getvalue())


def unpack(path: Path, device: Any) -> dict[str, Any]:
    """What `pack` was given, on that device. Raises Damaged."""
    return load(check_seal(path), device, str(path))


def load(content: bytes, device: Any, name: str) -> dict[str, Any]:
    """What `pack` was given, on that device. Raises Damaged; `name` is what the message calls it."""
    import torch

    try:
        state: dict[str, Any] = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    except Exception as error:
        raise Damaged(f"{name} does not load: {str(error).splitlines()[0]}") from error
    return state
