"""`losslang figure`: the papers' figures from run folders, as SVG and PNG, with each claim decided by the numbers."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

from losslang.data.files import write_atomically
from losslang.report.claims import FIGURES, Decision, decide
from losslang.report.figures import curves_figure, rendered
from losslang.report.runs import Group, find_runs, group_runs
from losslang.report.snapshots import snapshots, snapshots_figure
from losslang.report.statistics import estimate
from losslang.training.plan import resolve_run

__all__ = ["FIRST", "figure_main"]

FIRST = "figure1"
_MOMENTS = (0, 20, 50, 100, 300, 1000)
_NUMBERS = ("center_norm", "residual_norm", "correlation", "effective_rank", "knn")


def figure_main(options: Namespace) -> int:
    """Draw the figures that are named and write one page about them. Raises LosslangError, OSError."""
    from losslang.commands.files import write

    options.out.mkdir(parents=True, exist_ok=True)
    parts = []
    for name in options.names:
        if name == FIRST:
            parts.append(_first_figure(options.out))
        else:
            parts.append(_figure(name, options.runs / name, options.out))
        print(f"{options.out / name}.svg")
    page = options.out / "figures.md"
    write(page, "\n\n".join([_HEAD, *parts]) + "\n")
    print(page)
    return 0


_HEAD = """# Figures of the papers, on toy data

Written by `losslang figure`. Lines are means over seeds, bands one standard deviation. A claim is decided by a 95 % interval over
seeds (Student's t, Welch's for differences): it holds or does not hold where the whole interval says so, and is undecided else.
Center and residual norm, rank and correlation are of the embeddings of clean test samples, numbers after a batch norm of the last
training batch; kNN is of the backbone's features."""


def _figure(name: str, folder: Path, out: Path) -> str:
    runs = find_runs([folder])
    groups = group_runs(runs)
    title, numbers = FIGURES[name]
    _save(curves_figure(groups, numbers), out / name)
    decisions = list(decide(runs, name))
    trained = dict.fromkeys(
        f"{g.first.data}: recipe {g.first.settings['recipe']}, {g.first.settings['steps']} steps" for g in groups
    )
    lines = [
        f"## {title}",
        f"![{title}]({name}.svg)",
        *_claims(decisions),
        "\n".join(_table(groups)),
        f"{'; '.join(trained)}.",
    ]
    return "\n\n".join(lines)


def _save(figure: object, stem: Path) -> None:
    svg = rendered(figure, "svg")
    write_atomically(stem.with_suffix(".svg"), lambda file: file.write(svg))


def _claims(decisions: Sequence[Decision]) -> Iterator[str]:
    for text in dict.fromkeys(decision.claim.text for decision in decisions):
        mine = [decision for decision in decisions if decision.claim.text == text]
        rows = [f"  - {d.data}: **{d.answer}**; {d.evidence}." for d in mine]
        yield "\n".join([f"- *{text}* ({mine[0].claim.source})", *rows])


def _table(groups: Sequence[Group]) -> Iterator[str]:
    names = [name for name in _NUMBERS if any(_values(group, name) for group in groups)]
    yield f"| runs | seeds | {' | '.join(name.replace('_', ' ') for name in names)} | collapse |"
    yield f"| --- | ---: |{' ---: |' * len(names)} --- |"
    for group in groups:
        cells = [estimate(values).text() if (values := _values(group, name)) else "" for name in names]
        kinds = [str(run.result["collapsed"]) for run in group.runs if run.result is not None]
        counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
        yield f"| {group.label} | {len(kinds)} | {' | '.join(cells)} | {counted} |"


def _values(group: Group, name: str) -> list[float]:
    return [float(run.result[name]) for run in group.runs if run.result is not None and name in run.result]


def _first_figure(out: Path) -> str:
    """Trained on the spot: the center penalty with embeddings in the plane, and without the penalty."""
    path = str(resources.files("losslang.report").joinpath("plane.yaml"))
    rows = {}
    for label, strength in (("alignment alone", "0"), ("with center penalty", "1")):
        plan = resolve_run(path, sets={"strength": strength})
        rows[label] = snapshots(plan, _MOMENTS)
    _save(snapshots_figure(rows), out / FIRST)
    ends = "; ".join(
        f"{label} {sum(x * x for x in row[-1].center) ** 0.5:.3f} after {row[-1].step} steps"
        for label, row in rows.items()
    )
    text = (
        "Unit embeddings of test samples of blobs with two features, classes drawn a little apart; the arrow is their mean."
        " Alignment alone draws all of them together, which is the center at length 1; the penalty on its length keeps the"
        f" classes apart. One seed. Center: {ends}."
    )
    return f"## What the center does\n\n![Embeddings over training]({FIRST}.svg)\n\n{text}"
