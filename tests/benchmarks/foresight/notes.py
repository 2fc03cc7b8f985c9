"""Why the verdict missed, where it was looked into: set and number -> a sentence."""

from __future__ import annotations

__all__ = ["NOTES"]

NOTES: dict[tuple[str, int], str] = {}
