"""What the center does: embeddings in the plane at moments of training, with their center as an arrow (figure 1)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from losslang.report.figures import pyplot
from losslang.report.plots import COLORS
from losslang.training.plan import RunPlan

__all__ = ["Snapshot", "snapshots", "snapshots_figure"]

POINTS = 150


@dataclass(frozen=True)
class Snapshot:
    """Unit embeddings [sample, 2] of test samples after so many steps, and their center."""

    step: int
    points: Sequence[Sequence[float]]
    labels: Sequence[int]
    center: Sequence[float]

    @property
    def center_norm(self) -> float:
        """The length of the center."""
        return math.hypot(*self.center)

    def separation(self) -> float:
        """The mean cosine of two points of one class less that of two points of different classes."""
        pairs: dict[bool, list[float]] = {True: [], False: []}
        for (one, label), (other, of) in itertools.combinations(zip(self.points, self.labels, strict=True), 2):
            pairs[label == of].append(sum(a * b for a, b in zip(one, other, strict=True)))
        return fmean(pairs[True]) - fmean(pairs[False])


def snapshots(plan: RunPlan, steps: Sequence[int]) -> list[Snapshot]:
    """Train by a plan whose embeddings have two features, without a folder, and look at some of its steps."""
    from torch.nn import functional as F

    from losslang.evaluation.measure import embed
    from losslang.training.loop import step
    from losslang.training.session import open_session

    session = open_session(plan)
    session.model.train()
    found = []
    for at in sorted(steps):
        while session.step < at:
            step(session, None)
        z = embed(session.model, session.samples.test, tuple(plan.policies), session.embedding).embedding
        unit = F.normalize(z.double(), dim=1)
        labels = session.samples.test_labels[:POINTS].tolist()
        found.append(Snapshot(at, unit[:POINTS].tolist(), labels, unit.mean(0).tolist()))
    return found


def snapshots_figure(rows: dict[str, list[Snapshot]]) -> Any:
    """One row per run, one panel per moment; classes in colours, a little off the circle so that they do not hide."""
    plt = pyplot()
    count = max(len(row) for row in rows.values())
    figure, axes = plt.subplots(len(rows), count, figsize=(1.7 * count + 0.6, 1.9 * len(rows)), squeeze=False,
                                layout="constrained")  # fmt: skip
    for line, (name, row) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(name)
        for place, snapshot in zip(line, row, strict=True):
            _panel(place, plt, snapshot)
    return figure


def _panel(place: Any, plt: Any, snapshot: Snapshot) -> None:
    place.add_patch(plt.Circle((0, 0), 1, fill=False, color="#d0d7de", lw=0.8))
    classes = sorted(set(snapshot.labels))
    for at, of in enumerate(classes):
        mine = [p for p, label in zip(snapshot.points, snapshot.labels, strict=True) if label == of]
        out = 1 + 0.05 * at
        across, up = zip(*((out * x, out * y) for x, y in mine), strict=True)
        place.plot(across, up, "o", ms=1.8, mew=0, color=COLORS[of % len(COLORS)], alpha=0.6)
    x, y = snapshot.center
    place.annotate("", (x, y), (0, 0), arrowprops={"arrowstyle": "-|>", "lw": 1.6, "color": "#1b1f24", "shrinkA": 0,
                                                   "shrinkB": 0})  # fmt: skip
    place.set_title(f"step {snapshot.step}, center {snapshot.center_norm:.2f}", fontsize=8)
    place.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal", xticks=[], yticks=[])
    place.grid(visible=False)
    for spine in place.spines.values():
        spine.set_visible(False)
