"""`losslang figure`: what experiments plot, as SVG and PNG, with each claim of a paper decided by the numbers."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from losslang.commands.failures import OK
from losslang.commands.page import left_out
from losslang.evaluation.verdict import counted
from losslang.report.claims import FIGURES, Decision, decide
from losslang.report.figures import checked, curves_figure, save
from losslang.report.found import Found, find_runs
from losslang.report.runs import Group, group_runs
from losslang.report.statistics import estimate

__all__ = ["FIRST", "figure_main"]

FIRST = "figure1"
_NUMBERS = ("center_norm", "residual_norm", "correlation", "effective_rank", "knn")


def figure_main(options: Namespace) -> int:
    """Draw the figures that are named and write one page about them. Raises LosslangError, OSError."""
    from losslang.commands.files import write
    from losslang.report.first import first_figure

    options.out.mkdir(parents=True, exist_ok=True)
    forms = ("svg", "png") if options.png else ("svg",)
    parts, status = [], OK
    for name in options.names:
        if name == FIRST:
            figure, words = first_figure()
        else:
            found = find_runs([options.runs / name])
            figure, words = _figure(name, options.runs / name, found)
            status = left_out(found) or status
        parts.append(words)
        print(*save(figure, options.out / name, forms))
    page = options.out / "figures.md"
    write(page, "\n\n".join([_HEAD, *parts]) + "\n")
    print(page)
    return status


_HEAD = """# Figures of the papers, on toy data

Written by `losslang figure` from runs of `losslang experiment examples/NAME.yaml`, with `--data` for other data; under each
figure stands how they were trained. Lines are means over seeds, bands one standard deviation. A claim is decided by a 95 %
interval over seeds (Student's t, Welch's for differences): it holds or does not hold where the whole interval says so, and
is undecided else. Collapse is judged at the end: constant is a center norm above 0.95, rank below half an effective rank
below half of what there was to keep, that of the inputs or of the untrained embeddings. Center and residual norm, rank and
correlation are of the embeddings of clean test samples, numbers after a batch norm of the last training batch; kNN is of the
backbone's features, and on moons 1.000 of nearly every network, trained or not."""


def _figure(name: str, folder: Path, found: Found) -> tuple[Any, str]:
    """What is drawn is what the experiment's file plots; of runs that no experiment made, what the table of figures says."""
    groups = group_runs(found.runs)
    title, numbers = FIGURES.get(name, (found.listed.title or name, ("center_norm", "knn")))
    if found.listed.plot:
        numbers = tuple(checked(found.listed.plot, groups, folder))
    decisions = list(decide(found.runs, name))
    lines = [
        f"## {title}",
        f"![{title}]({name}.svg)",
        *_claims(decisions),
        "\n".join(_table(groups)),
        _trained(groups),
    ]
    return curves_figure(groups, numbers), "\n\n".join(lines)


def _trained(groups: Sequence[Group]) -> str:
    """How the runs were trained, data sets of one kind together."""
    data: dict[str, dict[str, None]] = {}
    for group in groups:
        settings = group.first.settings
        of_kind = data.setdefault(f"recipe {settings['recipe']}, {settings['steps']} steps", {})
        of_kind[group.first.data] = None
    return "; ".join(f"{', '.join(names)}: {words}" for words, names in data.items()) + "."


def _claims(decisions: Sequence[Decision]) -> Iterator[str]:
    for text in dict.fromkeys(decision.claim.text for decision in decisions):
        mine = [decision for decision in decisions if decision.claim.text == text]
        rows = [f"  - {d.where}: **{d.answer}**; {d.evidence}." for d in mine]
        yield "\n".join([f"- *{text}* ({mine[0].claim.source})", *rows])


def _table(groups: Sequence[Group]) -> Iterator[str]:
    names = [name for name in _NUMBERS if any(_values(group, name) for group in groups)]
    yield f"| runs | seeds | {' | '.join(name.replace('_', ' ') for name in names)} | collapse |"
    yield f"| --- | ---: |{' ---: |' * len(names)} --- |"
    for group in groups:
        cells = [estimate(values).text() if (values := _values(group, name)) else "" for name in names]
        kinds = [str(run.result["collapsed"]) for run in group.runs if run.result is not None]
        yield f"| {group.label} | {len(kinds)} | {' | '.join(cells)} | {counted(kinds)} |"


def _values(group: Group, name: str) -> list[float]:
    return [float(run.result[name]) for run in group.runs if run.result is not None and name in run.result]
