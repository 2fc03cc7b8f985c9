"""How often what was said is what became of an objective."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.benchmarks.foresight.judging import rule
from tests.benchmarks.foresight.labels import CONSTANT, DIMENSIONAL, OK, agreed, is_constant, label, three
from tests.benchmarks.foresight.records import Record

__all__ = ["SAYERS", "Score", "constant", "dimensional", "interval", "labels", "three_classes"]

UNDECIDED = "undecided"

Sayer = Callable[[Record], str]


def _outcome(record: Record) -> str:
    assert record.said is not None
    return record.said.outcome


def _leans(record: Record) -> str:
    assert record.said is not None
    return record.said.leans


SAYERS: dict[str, Sayer] = {
    "verdict": _outcome,
    "verdict, never undecided": _leans,
    "plain rule": lambda record: rule(record.objective),
    "always stable": lambda _record: OK,
}
"""Who says constant, dimensional, ok or undecided of an objective."""


@dataclass(frozen=True)
class Score:
    """Pairs (said, true) of the decided ones among `asked`; the positive class is True in questions of yes or no."""

    pairs: Sequence[tuple[object, object]]
    asked: int

    @property
    def coverage(self) -> float:
        """Share of those asked of which something is said."""
        return len(self.pairs) / self.asked if self.asked else math.nan

    @property
    def accuracy(self) -> float:
        """Share of the decided ones of which the truth is said."""
        return sum(said == true for said, true in self.pairs) / len(self.pairs) if self.pairs else math.nan

    def count(self, said: object, true: object) -> int:
        """How often this is said of that."""
        return sum(pair == (said, true) for pair in self.pairs)

    @property
    def precision(self) -> float:
        """Share of truth among what is said to be positive."""
        claimed = self.count(True, True) + self.count(True, False)
        return self.count(True, True) / claimed if claimed else math.nan

    @property
    def recall(self) -> float:
        """Share of the positives (of which something is said) that are found."""
        positives = self.count(True, True) + self.count(False, True)
        return self.count(True, True) / positives if positives else math.nan


def labels(record: Record) -> list[str]:
    """The words for the four runs."""
    return [label(run) for run in record.runs.values()]


def constant(records: Iterable[Record], sayer: Sayer) -> Score:
    """Is it constant collapse? Of objectives on which three of four runs agree."""
    said = [(sayer(r), agreed(map(is_constant, labels(r)))) for r in records]
    known = [(word, true) for word, true in said if true is not None]
    return Score([(word == CONSTANT, true) for word, true in known if word != UNDECIDED], len(known))


def dimensional(records: Iterable[Record], sayer: Sayer) -> Score:
    """Is it dimensional collapse? Of objectives that, as three of four runs agree, are not constant."""
    said = [(sayer(r), agreed(map(three, labels(r)))) for r in records]
    known = [(word, true) for word, true in said if true in {DIMENSIONAL, OK}]
    return Score([(word == DIMENSIONAL, true == DIMENSIONAL) for word, true in known if word != UNDECIDED], len(known))


def three_classes(records: Iterable[Record], sayer: Sayer) -> Score:
    """Which of the three classes?"""
    said = [(sayer(r), agreed(map(three, labels(r)))) for r in records]
    known = [(word, true) for word, true in said if true is not None]
    return Score([pair for pair in known if pair[0] != UNDECIDED], len(known))


def interval(score: Score, z: float = 1.96) -> tuple[float, float]:
    """95 % confidence of the accuracy (Wilson 1927); objectives are the independent unit, not runs."""
    n = len(score.pairs)
    if n == 0:
        return math.nan, math.nan
    p = score.accuracy
    middle, spread = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (middle - spread) / (1 + z**2 / n), (middle + spread) / (1 + z**2 / n)
