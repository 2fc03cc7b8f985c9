"""The forces of a probe as a figure: one panel for each of its tables, one line for each term."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from losslang.analysis.probe.field import Force
from losslang.analysis.probe.probe import Probe
from losslang.diagnostics import LosslangError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FORMATS", "plot"]

FORMATS = (".svg", ".png", ".pdf")
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Told apart by everybody (Okabe & Ito 2008)."""


def plot(probe: Probe, path: Path) -> None:
    """Write the figure. Raises LosslangError where matplotlib is missing or the ending is none of `FORMATS`."""
    if path.suffix.lower() not in FORMATS:
        raise LosslangError(
            f"`{path.name}` is no figure that can be written; its ending is one of {', '.join(FORMATS)}"
        )
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise LosslangError("--plot needs matplotlib: pip install 'losslang[plot]'") from None
    panels = [*_panels(probe)]
    figure = Figure(figsize=(3.4 * len(panels), 3.0), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{probe.method}: forces on {probe.rows}")
    for number, (title, label, kind, clouds) in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), 1 + number)
        _draw(axes, clouds, kind)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel(label)
        if kind == "spread":
            axes.set_xticks([*clouds])
    figure.axes[0].set_ylabel("force, under gradient descent")
    figure.axes[0].legend(frameon=False, fontsize=8)
    metadata = {"Date": None} if path.suffix.lower() == ".svg" else None
    with rc_context({"svg.hashsalt": "losslang"}):  # equal figures are equal files
        figure.savefig(path, dpi=150, metadata=metadata)


Clouds = Mapping[float, tuple[Force, ...]]


def _panels(probe: Probe) -> list[tuple[str, str, str, Clouds]]:
    """Title, label of what is varied, the force, and the clouds."""
    found: list[tuple[str, str, str, Clouds]] = [
        ("on the center\n(below 0: shortens it)", "center norm", "center", probe.centers),
        ("on the residual\n(above 0: lengthens it)", "center norm", "residual", probe.centers),
    ]
    if probe.unit:
        found.append(
            ("on the center, rows of length 1\n(below 0: shortens it)", "center norm", "sphere", probe.centers)
        )
    found.append(("weak against strong directions\n(above 0: evens out)", "strong directions", "spread", probe.ranks))
    return found


def _draw(axes: Axes, clouds: Clouds, kind: str) -> None:
    terms = [force.term for force in next(iter(clouds.values()))]
    places = [*clouds]
    axes.axhline(0, color="0.7", linewidth=0.8)
    lines = {term: [getattr(forces[at], kind) for forces in clouds.values()] for at, term in enumerate(terms)}
    for number, (term, forces) in enumerate(lines.items()):
        axes.plot(places, forces, marker=".", label=term, color=COLORS[number % len(COLORS)])
    if len(lines) > 1:
        total = [sum(column) for column in zip(*lines.values(), strict=True)]
        axes.plot(places, total, label="all", color="0.3", linestyle="--", linewidth=1)
    if not any(value for forces in lines.values() for value in forces):
        axes.set_ylim(-1, 1)
    axes.spines[["top", "right"]].set_visible(False)
