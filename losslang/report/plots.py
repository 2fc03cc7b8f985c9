"""Plots as data, before anything draws them: the page draws them with plotly.js, figures with matplotlib."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["COLORS", "DARK_COLORS", "DASHES", "Plot", "Trace", "rounded", "styles", "thinned"]

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d1f", "#7f7f7f")
"""Okabe and Ito (2008), which colour-blind people tell apart; readable on white and on black."""

DARK_COLORS = ("#4da6ff", "#ff8f4d", "#35c99a", "#e39ac4", "#f2b632", "#8fd0f5", "#c9a250", "#b0b0b0")
"""The same hues, lighter, for a dark page."""

DASHES = ("solid", "dash", "dot", "dashdot")
"""Beyond eight lines, and so that colour is never alone to tell."""


def styles(kinds: Sequence[tuple[str, str]]) -> list[int]:
    """A style for each method and data set: a colour per method, a dash per data set; one after the other where they run out."""
    methods, data = (list(dict.fromkeys(of)) for of in zip(*kinds, strict=True)) if kinds else ([], [])
    if len(methods) > len(COLORS) or len(data) > len(DASHES) or len(set(kinds)) < len(kinds):
        return list(range(len(kinds)))
    return [methods.index(method) + len(COLORS) * data.index(of) for method, of in kinds]


@dataclass(frozen=True)
class Trace:
    """A line or a cloud of points: `low` and `high` make a band about it. `style` chooses colour and dash.

    `kind` is `band` for the mean over seeds, `seed` for one run, `line`, or `points`.
    """

    name: str
    style: int
    x: Sequence[float]
    y: Sequence[float]
    kind: Literal["band", "seed", "line", "points"] = "line"
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True)
class Plot:
    """A plot; `text` says in words what it shows, for those who do not see it. `equal` gives both axes one scale.

    Bands are drawn as far as the `bounds` of y alone, beyond which no value can be.
    """

    name: str
    title: str
    xlabel: str
    ylabel: str
    traces: tuple[Trace, ...]
    text: str
    formula: str = ""
    ylog: bool = False
    equal: bool = False
    bounds: tuple[float, float] = (-math.inf, math.inf)

    def data(self) -> dict[str, Any]:
        """What the page needs to draw it, numbers rounded to five digits."""
        found = asdict(self)
        found["traces"] = [_trace(trace) for trace in self.traces]
        found["bounds"] = [bound if math.isfinite(bound) else None for bound in self.bounds]
        return found


def _trace(trace: Trace) -> dict[str, Any]:
    return asdict(trace) | {name: rounded(getattr(trace, name)) for name in ("x", "y", "low", "high")}


def rounded(values: Sequence[float], digits: int = 5) -> list[float]:
    """Numbers to so many significant digits; whole ones as integers."""
    short = (float(f"{value:.{digits}g}") for value in values)
    return [int(value) if value.is_integer() and abs(value) < 1e9 else value for value in short]


def thinned(count: int, most: int) -> list[int]:
    """At most so many of the indices 0 … count − 1, evenly, with the first and the last."""
    if count <= most:
        return list(range(count))
    return sorted({round(at * (count - 1) / (most - 1)) for at in range(most)})
