"""Names: what may be one, and which one was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
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
_MOST: Final = 1000


def is_name(text: str) -> bool:
    """Whether an entry may have this name (letters, digits and `_`, not a word of the expression language)."""
    return _NAME.fullmatch(text) is not None and text not in RESERVED and text != "null"


def is_file_name(text: str) -> bool:
    """Whether a method may have this name: as `is_name`, and digits in front, `-` and `.` too."""
    return _FILE_NAME.fullmatch(text) is not None


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `name` is most likely a misspelling of, or None if none is near.

    A name of one letter is a misspelling only of the same letter in the other case.
    """
    if len(name) > _LONGEST:
        return None
    limit = max(1, len(name) // 3)
    lower = name.lower()
    best: tuple[int, str] | None = None
    for candidate in islice(candidates, _MOST):
        if len(candidate) > _LONGEST or abs(len(candidate) - len(name)) > limit:
            continue
        other = candidate.lower()
        if other == lower:
            return candidate
        if len(name) == 1 or len(candidate) == 1:
            continue
        distance = _distance(lower, other, limit)
        if distance <= limit and (best is None or distance < best[0]):
            best = (distance, candidate)
    return best[1] if best else None


def _distance(left: str, right: str, limit: int) -> int:
    """Letters to insert, delete, replace, or swap with their neighbour (Damerau-Levenshtein, restricted).

    More than `limit`, but not exact, where it is more.
    """
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    left, right = left[start : len(left) - end], right[start : len(right) - end]
    if limit == 1 and max(len(left), len(right)) > 2:
        return 2
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, letter in enumerate(left, 1):
        before, last, row = row, before, [i]
        for j, other in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == right[j - 2] and left[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > limit and min(before) > limit:
            return limit + 1
    return row[-1]
