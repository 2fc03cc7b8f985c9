"""Static figures by matplotlib: curves over training with bands over seeds, one row per number, one column per data set."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from losslang.data.files import write_atomically
from losslang.diagnostics import LosslangError
from losslang.report.curves import bounds, curve, metric_names, metric_title
from losslang.report.found import Found
from losslang.report.listed import LIST
from losslang.report.plots import COLORS, DASHES
from losslang.report.runs import Group, group_runs
from losslang.syntax.names import nearest

__all__ = ["PlotMissing", "checked", "curves_figure", "draw_experiment", "pyplot", "save"]


class PlotMissing(LosslangError):
    """matplotlib is not installed."""


LEAST = 0.02
"""The smallest difference that fills a panel."""

_DASHES = dict(zip(DASHES, ("-", "--", ":", "-."), strict=True))


def pyplot() -> Any:
    """matplotlib's pyplot, for files alone. Raises PlotMissing."""
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise PlotMissing("figures need matplotlib: pip install 'losslang[plot]'") from error
    mpl.use("agg")
    from matplotlib import pyplot as plt

    mpl.rcParams.update({
        "svg.fonttype": "none", "svg.hashsalt": "losslang", "font.size": 9, "axes.spines.top": False,
        "axes.spines.right": False, "axes.grid": True, "grid.color": "#e3e7eb", "grid.linewidth": 0.6,
    })  # fmt: skip
    return plt


def draw_experiment(found: Found, folder: Path, stem: Path, forms: Sequence[str]) -> list[Path]:
    """Draw what `plot` of the experiment in a folder names, into a file of each form. Raises LosslangError."""
    groups = group_runs(found.runs)
    names = checked(found.listed.plot, groups, folder)
    return save(curves_figure(groups, names), stem, forms)


def checked(names: Sequence[str], groups: Sequence[Group], folder: Path) -> Sequence[str]:
    """Names of numbers, all of which some run logged. Raises LosslangError."""
    known = metric_names(groups)
    for name in names:
        if name not in known:
            close = nearest(name, known)
            hint = f"did you mean `{close}`?" if close else f"there are {', '.join(known)}"
            raise LosslangError(f"`plot` of {folder / LIST}: no run logs `{name}`; {hint}")
    return names


def curves_figure(groups: Sequence[Group], names: Sequence[str]) -> Any:
    """Rows are numbers, columns data sets; a line is the mean over seeds, its band one standard deviation."""
    plt = pyplot()
    data = list(dict.fromkeys(group.first.data for group in groups))
    styles = {label: at for at, label in enumerate(dict.fromkeys(_label(group) for group in groups))}
    size = (1.2 + 3.4 * len(data), 0.5 + 2.1 * len(names) + 0.18 * len(styles))
    figure, axes = plt.subplots(len(names), len(data), figsize=size, squeeze=False, sharex="col", layout="constrained")
    for row, name in zip(axes, names, strict=True):
        for place, of in zip(row, data, strict=True):
            for group in groups:
                if group.first.data == of:
                    _draw(place, name, styles[_label(group)], group)
            _frame(place, name)
        row[0].set_ylabel(metric_title(name.replace("batch/", "")).replace(": ", ":\n"))
    for place, of in zip(axes[0], data, strict=True):
        place.set_title(of, fontsize=9)
    for place in axes[-1]:
        place.set_xlabel("step")
    handles = {line.get_label(): line for place in axes.flat for line in place.get_lines()}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure


def _frame(place: Any, name: str) -> None:
    """Center norms from 0 to 1; what hardly differs is not blown up to fill the panel, nor shown where no value can be."""
    low, high = place.get_ylim()
    if name.endswith("center_norm"):
        low, high = -0.03, 1.03
    elif high - low < LEAST:
        low, high = (low + high - LEAST) / 2, (low + high + LEAST) / 2
    least, most = bounds(name)
    room = 0.03 * (high - low)
    place.set_ylim(max(low, least - room), min(high, most + room))
    place.ticklabel_format(axis="y", useOffset=False)


def _label(group: Group) -> str:
    return group.label.replace(f" on {group.first.data}", "")


def _draw(place: Any, name: str, style: int, group: Group) -> None:
    found = curve(name, style, group)
    if found is None:
        return
    look = {"color": COLORS[style % len(COLORS)], "ls": _DASHES[DASHES[style // len(COLORS) % len(DASHES)]]}
    place.plot(found.x, found.y, lw=1.4, label=_label(group), **look)
    if found.low:
        place.fill_between(found.x, found.low, found.high, color=look["color"], alpha=0.18, lw=0)


def save(figure: Any, stem: Path, forms: Sequence[str]) -> list[Path]:
    """Write a figure as STEM.svg or STEM.png, by the forms; the same runs give the same bytes. Raises OSError."""
    paths = [stem.with_name(f"{stem.name}.{form}") for form in forms]
    for path, form in zip(paths, forms, strict=True):
        look = {"format": form, "dpi": 160, "metadata": {"Date": None} if form == "svg" else {}}
        write_atomically(path, partial(figure.savefig, **look))
    pyplot().close(figure)
    return paths
