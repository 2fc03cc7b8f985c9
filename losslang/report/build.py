"""From run folders to the contents of a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from losslang.analysis.difference.difference import Difference
from losslang.diagnostics import LosslangError, SpecError
from losslang.report.claims import decide
from losslang.report.clouds import EndCloud, end_cloud
from losslang.report.found import Found
from losslang.report.page import Contents
from losslang.report.runs import Group, RunData, group_runs
from losslang.report.theory import Theorist, Theory

__all__ = ["Differ", "contents"]

Differ = Callable[[RunData, RunData], Difference]
"""The difference between the methods of two runs. Raises SpecError."""

CLOUDS = 24
"""Groups whose embeddings are shown; each takes about half a second to load."""


def contents(found: Found, theorist: Theorist, differ: Differ, *, live: bool = False) -> Contents:
    """What a page of these runs shows; what cannot be had is said on it."""
    groups = group_runs(found.runs)
    missing = [f"Left out: {line}." for line in found.unread]
    firsts = {group.first.method: group.first for group in reversed(groups)}
    methods = {name: firsts[name] for name in dict.fromkeys(group.first.method for group in groups)}
    theories = _theories(methods.values(), theorist, missing)
    differences = _differences([run for name, run in methods.items() if name in theories], differ)
    decisions = list(decide([run for group in groups for run in group.runs]))
    return Contents(
        groups,
        theories,
        differences,
        _clouds(groups, missing),
        missing,
        decisions,
        live,
        found.listed.title,
        found.listed.plot,
    )


def _theories(runs: Iterable[RunData], theorist: Theorist, missing: list[str]) -> dict[str, Theory]:
    found = {}
    for run in runs:
        numbers = {n: row["value"] for n, row in run.settings["parameters"].items()}
        try:
            given = {n: value for n, value in numbers.items() if isinstance(value, int | float)}
            found[run.method] = theorist(run.method_file, given)
        except SpecError:
            missing.append(
                f"{run.method_file} has errors now (`losslang check` shows them), so its mathematics are missing."
            )
    return found


def _differences(runs: Sequence[RunData], differ: Differ) -> list[Difference]:
    """Every method against the first."""
    return [differ(runs[0], other) for other in runs[1:]]


def _clouds(groups: Sequence[Group], missing: list[str]) -> list[tuple[Group, EndCloud]]:
    found = []
    for group in groups[:CLOUDS]:
        try:
            found.append((group, end_cloud(group.first)))
        except (LosslangError, OSError) as error:
            missing.append(f"The embeddings of {group.label} are missing: {error}.")
    if len(groups) > CLOUDS:
        missing.append(f"Embeddings are shown of the first {CLOUDS} of {len(groups)}.")
    return found
