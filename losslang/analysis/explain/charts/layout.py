"""Where the boxes of a flow chart stand: columns by the longest way from the views, rows by what they are linked to.

The layered drawing of Sugiyama, Tagawa & Toda (1981), small: links over several columns pass through places of their
own, rows are ordered by the mean row of the neighbours.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from losslang.analysis.explain.charts.chart import Chart, Link

__all__ = ["Layout", "arrange"]

COLUMN_GAP, ROW_GAP = 78, 26
HEIGHT, DUMMY_HEIGHT = 44, 22


@dataclass
class Layout:
    """The center of every box and of every bend of a link, half the width of its column, and the size of the whole."""

    centers: dict[str, tuple[float, float]] = field(default_factory=dict)
    halves: dict[str, float] = field(default_factory=dict)
    bends: dict[Link, tuple[str, ...]] = field(default_factory=dict)
    width: float = 0
    height: float = 0


def arrange(chart: Chart, widths: Mapping[str, float]) -> Layout:
    """Places for boxes of these widths."""
    links = [link for link in chart.links if link.kind != "follows"]
    columns = _columns([box.key for box in chart.boxes], links, chart)
    layout = Layout()
    layers: list[list[str]] = [[] for _ in range(max(columns.values(), default=0) + 1)]
    for key, column in columns.items():
        layers[column].append(key)
    ties = _with_bends(links, columns, layers, layout)
    _order(layers, ties + [(link.source, link.target) for link in chart.links if link.kind == "follows"])
    _place(layers, widths, ties, layout)
    return layout


# ---------------------------------------------------------------- columns


def _columns(keys: list[str], links: list[Link], chart: Chart) -> dict[str, int]:
    """The longest way to each box; views stand right before what they enter."""
    columns = dict.fromkeys(keys, 0)
    for _ in keys:
        for link in links:
            columns[link.target] = max(columns[link.target], columns[link.source] + 1)
    last = max(columns.values(), default=0)
    kinds = {box.key: box.kind for box in chart.boxes}
    for key in keys:
        after = [columns[link.target] for link in links if link.source == key]
        if kinds[key] == "views" and after:
            columns[key] = min(after) - 1
        if kinds[key] == "term":
            columns[key] = last
    return columns


def _with_bends(
    links: list[Link], columns: dict[str, int], layers: list[list[str]], layout: Layout
) -> list[tuple[str, str]]:
    """A place in every column that a link passes; the neighbours in the drawing."""
    ties = []
    for number, link in enumerate(links):
        between = range(columns[link.source] + 1, columns[link.target])
        bends = tuple(f"bend {number} {column}" for column in between)
        for bend, column in zip(bends, between, strict=True):
            layers[column].append(bend)
        layout.bends[link] = bends
        way = (link.source, *bends, link.target)
        ties += list(itertools.pairwise(way))
    return ties


# ---------------------------------------------------------------- rows


def _order(layers: list[list[str]], ties: list[tuple[str, str]]) -> None:
    """Rows by the mean row of the neighbours, from left to right and back, a few times."""
    for turn in range(8):
        rows = {key: row for layer in layers for row, key in enumerate(layer)}
        for layer in layers if turn % 2 == 0 else reversed(layers):
            means = {key: _mean((rows[other] for other in _neighbours(key, ties)), rows[key]) for key in layer}
            layer.sort(key=lambda key: means[key])
            rows.update({key: row for row, key in enumerate(layer)})


def _neighbours(key: str, ties: Iterable[tuple[str, str]]) -> list[str]:
    return [one if other == key else other for one, other in ties if key in {one, other}]


def _mean(values: Iterable[float], default: float) -> float:
    values = list(values)
    return sum(values) / len(values) if values else default


# ---------------------------------------------------------------- places


def _place(layers: list[list[str]], widths: Mapping[str, float], ties: list[tuple[str, str]], layout: Layout) -> None:
    heights = {key: DUMMY_HEIGHT if key.startswith("bend") else HEIGHT for layer in layers for key in layer}
    y = _heights(layers, heights, ties)
    x = 0.0
    for layer in layers:
        width = max((widths.get(key, 0) for key in layer), default=0)
        for key in layer:
            layout.centers[key] = (x + width / 2, y[key])
            layout.halves[key] = width / 2
        x += width + COLUMN_GAP
    layout.width = x - COLUMN_GAP
    top = min(y[key] - heights[key] / 2 for key in y)
    layout.centers = {key: (cx, cy - top) for key, (cx, cy) in layout.centers.items()}
    layout.height = max(y[key] + heights[key] / 2 for key in y) - top


def _heights(layers: list[list[str]], heights: Mapping[str, float], ties: list[tuple[str, str]]) -> dict[str, float]:
    """Vertical centers: near the mean of the neighbours, in order, without overlap."""
    y = {key: float(row * (HEIGHT + ROW_GAP)) for layer in layers for row, key in enumerate(layer)}
    for turn in range(12):
        for layer in layers if turn % 2 == 0 else reversed(layers):
            wanted = [_mean((y[other] for other in _neighbours(key, ties)), y[key]) for key in layer]
            _settle(layer, wanted, heights, y)
    return y


def _settle(layer: list[str], wanted: list[float], heights: Mapping[str, float], y: dict[str, float]) -> None:
    """Centers as wanted, pushed apart where they would overlap, the column as a whole where it was wanted."""
    placed: list[float] = []
    for at, (key, want) in enumerate(zip(layer, wanted, strict=True)):
        least = placed[-1] + (heights[layer[at - 1]] + heights[key]) / 2 + ROW_GAP if placed else want
        placed.append(max(want, least))
    shift = _mean((want - got for want, got in zip(wanted, placed, strict=True)), 0)
    y.update({key: place + shift for key, place in zip(layer, placed, strict=True)})
