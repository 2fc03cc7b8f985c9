"""Which of a later stage's diagnostics only follow from what an earlier one could not read, and are left unsaid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from losslang.diagnostics import Label, Report, Span
from losslang.syntax.tree import Method

__all__ = ["join", "say_removed"]

MISSING: Final = frozenset({"E201", "E202", "E207", "E213", "E221"})
"""Codes of names that are missing."""

FOLLOW_ON: Final = {
    **dict.fromkeys(("parameters", "networks", "functions", "define"), MISSING),
    "views": frozenset({"E209", "E317", "E320"}),
    "objective": frozenset({"E208"}),
}
"""Section of which something could not be read, nor its name -> the codes that may follow from that."""


def join(report: Report, later: Report, read: Sequence[Method]) -> None:
    """Add what a later stage found, less what only follows from parts of the files that could not be read."""
    broken = report.has_errors
    lost = {name for method in read for name in method.broken}
    follow = {code for method in read for section in method.unread for code in FOLLOW_ON[section]}
    for found in later.diagnostics:
        of_lost_name = found.code in MISSING and found.span.text in lost
        if not (of_lost_name or found.code in follow or (broken and not found.is_error)):
            report.take(found)


def say_removed(report: Report, removed: Mapping[str, Span]) -> None:
    """Where a name is missing that this method removed, show that place too."""
    for at, found in enumerate(report.diagnostics):
        place = removed.get(found.span.text) if found.code in MISSING else None
        if place is not None:
            labels = (*found.labels, Label(place, "removed here"))
            report.diagnostics[at] = replace(found, labels=labels, help="remove what uses it too, or replace it")
