"""Sizes of files and of memory, in words. Torch-free."""

from __future__ import annotations

__all__ = ["bytes_in_words"]


def bytes_in_words(size: float) -> str:
    """`25.89 GB`, `0.02 MB`, `14 bytes`."""
    for unit, length in (("GB", 1e9), ("MB", 1e6)):
        if size >= length / 100:
            return f"{size / length:,.2f} {unit}"
    return f"{size:,.0f} bytes"
