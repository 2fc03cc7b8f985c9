"""Static figures by matplotlib: curves over training with bands over seeds, one column per data set."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from losslang.diagnostics import LosslangError
from losslang.report.curves import curve
from losslang.report.plots import COLORS, DASHES
from losslang.report.runs import Group

__all__ = ["curves_figure", "rendered"]

_DASHES = dict(zip(DASHES, ("-", "--", ":", "-."), strict=True))


def pyplot() -> Any:
    """matplotlib's pyplot, for files alone. Raises LosslangError where it is not installed."""
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise LosslangError("figures need matplotlib: pip install 'losslang[plot]'") from error
    mpl.use("agg")
    from matplotlib import pyplot as plt

    mpl.rcParams.update({
        "svg.fonttype": "none", "svg.hashsalt": "losslang", "font.size": 9, "axes.spines.top": False,
        "axes.spines.right": False, "axes.grid": True, "grid.color": "#e3e7eb", "grid.linewidth": 0.6,
    })  # fmt: skip
    return plt


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
        row[0].set_ylabel(name.replace("batch/", "").replace("_", " ").replace("/", ":\n"))
    for place, of in zip(axes[0], data, strict=True):
        place.set_title(of, fontsize=9)
    for place in axes[-1]:
        place.set_xlabel("step")
    handles = {line.get_label(): line for place in axes.flat for line in place.get_lines()}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure


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


def rendered(figure: Any, form: str) -> bytes:
    """A figure as `svg` or `png`, the same bytes each time."""
    out = io.BytesIO()
    figure.savefig(out, format=form, dpi=160, metadata={"Date": None} if form == "svg" else {})
    pyplot().close(figure)
    return out.getvalue()
