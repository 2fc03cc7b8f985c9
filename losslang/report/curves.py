"""Curves over training: one plot per number, every group on the same axes, mean and standard deviation over seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from losslang.evaluation.quantities import BOUNDS, CLOUD, DRAWS, GRADIENT, TURN
from losslang.report.plots import Plot, Trace, thinned
from losslang.report.runs import Group, RunData

__all__ = ["SECTIONS", "Section", "bounds", "chosen_curves", "curve", "curve_sections", "metric_names", "metric_title"]

POINTS, SEED_POINTS = 200, 120
"""Points that are drawn of a band, and of a single run beneath it."""


@dataclass(frozen=True)
class Section:
    """Plots of one kind. `open` ones are shown at once."""

    title: str
    text: str
    prefixes: tuple[str, ...]
    open: bool = True


SECTIONS = (
    Section("Center and residual", "How much of the length of the unit embeddings is common to all of them.",
            ("center_norm", "residual", "batch/center", "batch/residual", "batch/before_norm/center",
             "batch/after_norm/center")),
    Section("Rank and spread", "In how many directions the embeddings differ.",
            ("effective_rank", "rankme", "lidar", "alpha_req", "spread", "correlation")),
    Section("Views", "How near two views of a sample are, and how evenly the samples fill the sphere.",
            ("alignment", "uniformity")),
    Section("What the features are worth", "Accuracy by the backbone's features: of neighbours, and of a linear classifier.",
            ("knn", "online")),
    Section("Loss and terms", "What is minimised, and its summands.", ("total", "terms/")),
    Section("Gradients and forces", "What each term does to the embeddings of a batch.", ("gradient/",), open=False),
    Section("The batch", "The same numbers of the augmented batches of training.", ("batch/",), open=False),
    Section("The rest", "Learning rate and whatever else was logged.", ("",), open=False),
)  # fmt: skip
"""A number goes into the first section one of whose prefixes it begins with."""

_FORMULAS = {name: row.formula for name, row in {**CLOUD, **DRAWS}.items()} | {
    "total": "the loss",
    "knn": "share of test samples whose neighbours vote for their class",
    "online_probe": "share of clean test samples that the linear classifier trained beside the method classifies rightly",
    "online_train": "the same of the augmented samples that it was trained on since the last line",
    "center_turn": TURN[1],
    "learning_rate": "of the step",
    **{row.name: row.formula for row in GRADIENT},
}


def metric_names(groups: Sequence[Group]) -> list[str]:
    """Every number that some run logged, in order of first appearance."""
    names: dict[str, None] = {}
    for group in groups:
        for run in group.runs:
            for row in run.rows.values():
                names |= dict.fromkeys(row)
    return [name for name in names if name != "steps_per_second"]


def curve_sections(groups: Sequence[Group]) -> list[tuple[Section, list[Plot]]]:
    """The sections that have something to show, with their plots."""
    placed: dict[str, list[str]] = {section.title: [] for section in SECTIONS}
    for name in metric_names(groups):
        section = next(s for s in SECTIONS if name.startswith(s.prefixes))
        placed[section.title].append(name)
    found = [(section, [_plot(name, groups) for name in placed[section.title]]) for section in SECTIONS]
    return [(section, plots) for section, plots in found if plots]


def chosen_curves(names: Sequence[str], groups: Sequence[Group]) -> list[Plot]:
    """Numbers that an experiment names, where they were logged, each with a plot per data set where there are several."""
    data = list(dict.fromkeys(group.first.data for group in groups))
    if len(data) == 1:
        return []  # the first plots of their sections are the same
    logged = set(metric_names(groups))
    of_data = [(of, [group for group in groups if group.first.data == of]) for of in data]
    found = [(of, _plot(name, mine)) for name in names if name in logged for of, mine in of_data]
    return [replace(plot, name=f"{plot.name} on {of}", title=f"{plot.title} on {of}") for of, plot in found]


def _plot(name: str, groups: Sequence[Group]) -> Plot:
    traces: list[Trace] = []
    ends: list[str] = []
    for group in groups:
        band = curve(name, group.style, group)
        if band is None:
            continue
        traces += [*_seeds(name, group.style, group), band]
        spread = f" ± {band.high[-1] - band.y[-1]:.3g}" if band.high else ""
        ends.append(f"{group.label} {band.y[-1]:.4g}{spread}")
    text = f"{name} over training steps. At the end: {'; '.join(ends)}."
    formula = _FORMULAS.get(_quantity(name), "")
    return Plot(name, metric_title(name), "step", "", tuple(traces), text, formula, bounds=bounds(name))


def metric_title(name: str) -> str:
    """The name of a number in words: `batch: center norm`, `kNN`."""
    return ": ".join(_WORDS.get(part, part.replace("_", " ")) for part in name.split("/"))


_WORDS = {"knn": "kNN", "rankme": "RankMe", "lidar": "LiDAR", "alpha_req": "α-ReQ"}


def bounds(name: str) -> tuple[float, float]:
    """The least and the most that a number of the metrics can be; infinite where nothing bounds it."""
    return BOUNDS.get(_quantity(name), (-math.inf, math.inf))


def _quantity(name: str) -> str:
    """What a number of the metrics is of: terms have names of their own, which may be those of quantities."""
    kind, *rest = name.split("/")
    return {"terms": "", "gradient": rest[0]}.get(kind, rest[-1]) if rest else kind


def curve(name: str, style: int, group: Group) -> Trace | None:
    """Mean and standard deviation at the steps that every run of the group has, as far as all have come."""
    curves = [_values(run, name) for run in group.runs]
    curves = [curve for curve in curves if curve]
    steps = [step for step in (curves[0] if curves else ()) if all(step in curve for curve in curves)]
    if not steps:
        return None
    steps = [steps[at] for at in thinned(len(steps), POINTS)]
    values = [[curve[step] for curve in curves] for step in steps]
    means = [statistics.fmean(of) for of in values]
    deviations = [statistics.stdev(of) if len(of) > 1 else 0.0 for of in values]
    low = [m - d for m, d in zip(means, deviations, strict=True)]
    high = [m + d for m, d in zip(means, deviations, strict=True)]
    if len(curves) == 1:
        return Trace(group.label, style, steps, means, "band")
    return Trace(group.label, style, steps, means, "band", low, high)


def _seeds(name: str, style: int, group: Group) -> Iterator[Trace]:
    for run in group.runs if len(group.runs) > 1 else ():
        curve = _values(run, name)
        steps = list(curve)
        kept = [steps[at] for at in thinned(len(steps), SEED_POINTS)]
        if kept:
            yield Trace(f"{group.label}, seed {run.seed}", style, kept, [curve[step] for step in kept], "seed")


def _values(run: RunData, name: str) -> dict[int, float]:
    return {step: row[name] for step, row in run.rows.items() if name in row}
