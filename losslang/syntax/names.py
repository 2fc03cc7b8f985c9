"""Names: what may be one, and which one was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from losslang.syntax.tokens import RESERVED

__all__ = ["STATEMENT_WORDS", "is_file_name", "is_name", "nearest"]

STATEMENT_WORDS: Final = frozenset(
    (
        *("losslang", "method", "paper", "notes", "extends", "parameter", "network", "view", "forward"),
        *("def", "minimize", "recipe", "remove"),
    )
)
"""The words that begin a statement of the text form; no value may be called so, in either spelling."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_LONGEST: Final = 64


def is_name(text: str) -> bool:
    """Whether an entry may have this name (letters, digits and `_`, not a word of the expression language)."""
    return _NAME.fullmatch(text) is not None and text not in RESERVED and text != "null"


def is_file_name(text: str) -> bool:
    """Whether a method may have this name: as `is_name`, and digits in front, `-` and `.` too."""
    return _FILE_NAME.fullmatch(text) is not None


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `name` is most likely a misspelling of, or None if none is near."""
    if len(name) > _LONGEST:
        return None
    limit = max(1, len(name) // 3)
    best: tuple[int, int, str] | None = None
    for at, candidate in enumerate(candidates):
        if len(candidate) > _LONGEST or abs(len(candidate) - len(name)) > limit:
            continue
        if candidate.lower() == name.lower():
            return candidate
        distance = _distance(name.lower(), candidate.lower())
        if distance <= limit and (best is None or distance < best[0]):
            best = (distance, at, candidate)
    return best[2] if best else None


def _distance(left: str, right: str) -> int:
    """Letters to insert, delete, replace, or swap with their neighbour (Damerau-Levenshtein, restricted)."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, letter in enumerate(left, 1):
        before, last, row = row, before, [i]
        for j, other in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == right[j - 2] and left[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
