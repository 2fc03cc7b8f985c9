"""A flow chart as SVG, in colours that stand on light and on dark ground."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape

from losslang.analysis.explain.charts.chart import Box, Chart, Link
from losslang.analysis.explain.charts.layout import HEIGHT, Layout, arrange

__all__ = ["svg"]

_MARGIN, _ARCH = 30, 38
_FONT = "font-family='Helvetica, Arial, sans-serif'"
_INK, _SOFT = "#1f2328", "#57606a"
_LINE = "#808a94"
_FILLS = {"views": "#e4e8ec", "network": "#cfe3f7", "target": "#e3d9f2", "state": "#f6e7c1", "term": "#d3ecd6"}
_ROUND = {"views": 22, "network": 5, "target": 5, "state": 12, "term": 5}
_DASHES = {
    "flow": "",
    "stopped": " stroke-dasharray='6 4'",
    "follows": " stroke-dasharray='1.5 4' stroke-linecap='round'",
}

Point = tuple[float, float]


def svg(chart: Chart) -> str:
    """The drawing; dashed arrows carry no gradient, dotted ones are moving averages."""
    widths = {box.key: _width(box) for box in chart.boxes}
    layout = arrange(chart, widths)
    return "\n".join(_lines(chart, layout, widths)) + "\n"


def _width(box: Box) -> float:
    return max(64, 8.2 * len(box.title) + 26, 5.9 * len(box.detail) + 22)


def _lines(chart: Chart, layout: Layout, widths: Mapping[str, float]) -> Iterator[str]:
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN + 8
    yield (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width:.0f}' height='{height:.0f}'"
        f" viewBox='{-_MARGIN} {-_MARGIN} {width:.0f} {height:.0f}' {_FONT} font-size='13'>"
    )
    yield (
        "<defs><marker id='tip' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' markerHeight='7' orient='auto'>"
        f"<path d='M0,0.8 L8,4 L0,7.2 z' fill='{_LINE}'/></marker></defs>"
    )
    for link in chart.links:
        yield from _link(link, chart, layout, widths)
    for box in chart.boxes:
        yield from _box(box, layout.centers[box.key], widths[box.key])
    yield from _legend(chart, layout.height + _MARGIN - 2)
    yield "</svg>"


# ---------------------------------------------------------------- boxes


def _box(box: Box, center: Point, width: float) -> Iterator[str]:
    x, y = center
    edge = " stroke-dasharray='4 3'" if box.kind == "target" else ""
    yield (
        f"<rect x='{x - width / 2:.1f}' y='{y - HEIGHT / 2:.1f}' width='{width:.1f}' height='{HEIGHT}'"
        f" rx='{_ROUND[box.kind]}' fill='{_FILLS[box.kind]}' stroke='{_LINE}'{edge}/>"
    )
    weight = " font-weight='bold'" if box.kind == "term" else ""
    lift = -3 if box.detail else 4.5
    yield f"<text x='{x:.1f}' y='{y + lift:.1f}' text-anchor='middle' fill='{_INK}'{weight}>{escape(box.title)}</text>"
    if box.detail:
        yield (
            f"<text x='{x:.1f}' y='{y + 13:.1f}' text-anchor='middle' font-size='10.5' fill='{_SOFT}'>"
            f"{escape(box.detail)}</text>"
        )


# ---------------------------------------------------------------- links


def _link(link: Link, chart: Chart, layout: Layout, widths: Mapping[str, float]) -> Iterator[str]:
    if link.kind == "follows":
        path = _following(link, layout)
    else:
        twins = [other for other in chart.links if (other.source, other.target) == (link.source, link.target)]
        points = _across(link, layout, widths, 7.0 * (2 * twins.index(link) - len(twins) + 1))
        path = _curve(points)
        yield from _label(link, points, first=twins[0] == link)
    style = f"fill='none' stroke='{_LINE}' stroke-width='1.5'{_DASHES[link.kind]}"
    yield f"<path d='{path}' {style} marker-end='url(#tip)'/>"


def _label(link: Link, points: list[Point], *, first: bool) -> Iterator[str]:
    """The name of the value, beside the first piece of its link."""
    (x0, y0), (x1, y1) = points[0], points[1]
    slope = max(-1.0, min(1.0, (y1 - y0) / 40))
    x, y = (x0 + x1) / 2 + 9 * slope, (y0 + y1) / 2 - 6 + 3 * abs(slope)
    if link.label and first:
        style = f"font-size='12' font-style='italic' fill='{_LINE}'"
        yield f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='middle' {style}>{escape(link.label)}</text>"


def _across(link: Link, layout: Layout, widths: Mapping[str, float], beside: float) -> list[Point]:
    """From the right side of one box to the left side of another, level through the columns between, `beside` its twin."""
    (x0, y0), (x1, y1) = layout.centers[link.source], layout.centers[link.target]
    bends: list[Point] = []
    for bend in layout.bends[link]:
        (x, y), half = layout.centers[bend], layout.halves[bend]
        bends += [(x - half, y), (x + half, y)]
    return [(x0 + widths[link.source] / 2, y0 + beside), *bends, (x1 - widths[link.target] / 2, y1 + beside)]


def _following(link: Link, layout: Layout) -> str:
    """Between two boxes one above the other, upright; between neighbours in a row, over their heads."""
    (x0, y0), (x1, y1) = layout.centers[link.source], layout.centers[link.target]
    x1 += (x0 - x1) * 0.12
    if abs(y1 - y0) < HEIGHT:
        y0, y1, top = y0 - HEIGHT / 2, y1 - HEIGHT / 2, min(y0, y1) - HEIGHT / 2 - _ARCH
        return f"M{x0:.1f},{y0:.1f} C{x0:.1f},{top:.1f} {x1:.1f},{top:.1f} {x1:.1f},{y1:.1f}"
    side = HEIGHT / 2 if y1 > y0 else -HEIGHT / 2
    y0, y1 = y0 + side, y1 - side
    middle = (y0 + y1) / 2
    return f"M{x0:.1f},{y0:.1f} C{x0:.1f},{middle:.1f} {x1:.1f},{middle:.1f} {x1:.1f},{y1:.1f}"


def _curve(points: list[Point]) -> str:
    """Smooth pieces, level at every point."""
    text = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        middle = (x0 + x1) / 2
        text += f" C{middle:.1f},{y0:.1f} {middle:.1f},{y1:.1f} {x1:.1f},{y1:.1f}"
    return text


_MEANINGS = {"stopped": "dashed: without gradient", "follows": "dotted: moving average"}


def _legend(chart: Chart, y: float) -> Iterator[str]:
    used = {link.kind for link in chart.links}
    text = ";  ".join(meaning for kind, meaning in _MEANINGS.items() if kind in used)
    if text:
        yield f"<text x='0' y='{y:.1f}' font-size='11' fill='{_LINE}'>{text}</text>"
