"""What every part of a method holds up: the verdict on what is left without it, and what training made of it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from losslang.analysis.foresight.stability import Finding, Verdict
from losslang.analysis.table import terminal_width

__all__ = ["Ablation", "Row"]

MEASURED = {"center_norm": ("center", 3), "effective_rank": ("rank", 1), "embedding_knn": ("kNN", 3)}


@dataclass(frozen=True)
class Row:
    """One change of a method: in words, as the end of a name, the method as a file, its verdict, and results of its runs."""

    change: str
    short: str
    text: str
    verdict: Verdict
    runs: tuple[Mapping[str, Any], ...] = ()

    @property
    def outcome(self) -> str:
        """What most runs ended in: `constant`, `dimensional`, `none` or `not finite`; empty without runs."""
        kinds = [str(run["collapsed"]) for run in self.runs]
        return max(dict.fromkeys(kinds), key=kinds.count) if kinds else ""

    @property
    def agrees(self) -> bool | None:
        """Whether training ended as the verdict says; None without runs, and where the verdict is undecided or nothing trains."""
        answer = self.verdict.constant.answer
        if not self.runs or answer in {"undecided", "untrained"} or self.outcome not in _EXPECTED:
            return None
        return _EXPECTED[self.outcome](answer == "collapses", self.verdict.rank.answer == "possible")

    def plain(self) -> dict[str, object]:
        """For JSON."""
        found: dict[str, object] = {"change": self.change}
        found |= {"constant": _plain(self.verdict.constant), "rank": _plain(self.verdict.rank)}
        if not self.runs:
            return found
        kept = ("seed", "data", *MEASURED, "knn", "collapsed")
        runs = [{key: run.get(key) for key in kept} for run in self.runs]
        return {**found, "outcome": self.outcome, "agrees": self.agrees, "runs": runs}


_EXPECTED: dict[str, Callable[[bool, bool], bool]] = {
    "constant": lambda collapses, _thin: collapses,
    "dimensional": lambda collapses, thin: thin and not collapses,
    "none": lambda collapses, _thin: not collapses,
}
"""By outcome: whether it was said, from whether a constant collapse and whether a dimensional one was held possible."""


@dataclass(frozen=True)
class Ablation:
    """The verdict on a method whole (the first row), and on what is left after each change."""

    method: str
    rows: tuple[Row, ...]

    def text(self, width: int = 0) -> str:
        """A table for a terminal: what each part holds up."""
        head = max(len(row.change) for row in self.rows)
        room = max((width or terminal_width()) - head - 4, 20)
        lines, whole = [self.method], self.rows[0].verdict.lines()
        for row in self.rows:
            verdict = row.verdict.lines() if row is self.rows[0] or row.verdict.lines() != whole else ["as the whole"]
            said = [*verdict, *_trained(row)]
            first, *rest = [part for line in said for part in wrap(line, room, subsequent_indent="  ")]
            lines += [f"  {row.change.ljust(head)}  {first}", *(f"  {' ' * head}  {line}" for line in rest)]
        judged = [row.agrees for row in self.rows if row.agrees is not None]
        if judged:
            lines += ["", f"training ended as said in {sum(judged)} of {len(judged)}"]
        return "\n".join(lines)

    def json(self) -> str:
        """The same for tools."""
        rows = [row.plain() for row in self.rows]
        return json.dumps({"method": self.method, "changes": rows}, indent=2, ensure_ascii=False)


def _trained(row: Row) -> Iterator[str]:
    """The line on what training made of it."""
    if not row.runs:
        return
    finite = [run for run in row.runs if all(run.get(key) is not None for key in MEASURED)]
    facts = [f"{title} {_mean(finite, key):.{digits}f}" for key, (title, digits) in MEASURED.items() if finite]
    kinds = [str(run["collapsed"]) for run in row.runs]
    ends = ", ".join(f"{kinds.count(kind)} {_WORDS[kind]}" for kind in dict.fromkeys(kinds))
    judged = {True: "as said", False: "NOT AS SAID", None: ""}[row.agrees]
    yield f"trained: {', '.join([*facts, ends])}{f'; {judged}' if judged else ''}"


_WORDS = {
    "constant": "collapsed",
    "dimensional": "collapsed in dimension",
    "none": "not collapsed",
    "not finite": "ended in a number that is not finite",
}


def _mean(runs: Sequence[Mapping[str, Any]], key: str) -> float:
    return statistics.fmean(float(run[key]) for run in runs)


def _plain(finding: Finding) -> dict[str, str]:
    return {"answer": finding.answer, "reason": finding.reason}
