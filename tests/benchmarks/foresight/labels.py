"""What became of a training: a word for each run, and what the runs of an objective agree on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

__all__ = ["CONSTANT", "DIMENSIONAL", "HELD", "OK", "agreed", "is_constant", "label", "three"]

CONSTANT, DIMENSIONAL, HELD, OK = "constant", "dimensional", "held", "ok"

LONG, SHRUNK = 0.5, 0.8
"""A center norm above the first, of a residual that kept less than the second of its length against the center: collapse."""
HIGH, LOW = 0.7, 0.6
"""A center norm that ends above the first and began below the second is collapse, too."""
RANK = 0.7
"""Share of the effective rank before training below which dimensions were lost."""
AGREE = 3
"""So many of the four runs decide."""

Word = TypeVar("Word")


def label(run: Mapping[str, float]) -> str:
    """The word for one run, by its measurements; `held` is a long center that training has not made longer."""
    if not all(math.isfinite(value) for value in run.values()):
        return "not finite"
    before, after = run["center_0"], run["center"]
    shrunk = _against_center(after) < SHRUNK * _against_center(before)
    if (after > LONG and shrunk) or (after > HIGH and before < LOW):
        return CONSTANT
    if run["rank"] < RANK * run["rank_0"]:
        return DIMENSIONAL
    return HELD if after > HIGH else OK


def _against_center(center: float) -> float:
    """|r| / |o| of unit vectors whose mean has the length `center`."""
    return math.sqrt(max(1 - center**2, 0)) / max(center, 1e-12)


def is_constant(word: str) -> bool:
    """The first question: is it constant collapse?"""
    return word == CONSTANT


def three(word: str) -> str:
    """The third question, of three classes: what is held is not lost."""
    return OK if word == HELD else word


def agreed(words: Iterable[Word]) -> Word | None:
    """What at least three runs say; None where they contest it."""
    word, count = Counter(words).most_common(1)[0]
    return word if count >= AGREE else None
