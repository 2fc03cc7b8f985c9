"""A flow chart as Mermaid, which GitHub draws."""

from __future__ import annotations

from collections.abc import Iterator

from losslang.analysis.explain.charts.chart import Box, Chart, Link

__all__ = ["mermaid"]

_SHAPES = {
    "views": ("([", "])"),
    "network": ("[", "]"),
    "target": ("[[", "]]"),
    "state": ("[(", ")]"),
    "term": ("{{", "}}"),
}
_ARROWS = {"flow": "-->", "stopped": "-.->", "follows": "==>"}


def mermaid(chart: Chart) -> str:
    """The text of a chart, drawn from left to right; dashed arrows carry no gradient, thick ones are moving averages."""
    return "\n".join(_lines(chart)) + "\n"


def _lines(chart: Chart) -> Iterator[str]:
    ids = {box.key: f"n{number}" for number, box in enumerate(chart.boxes)}
    yield "flowchart LR"
    yield from (f"  {ids[box.key]}{_box(box)}" for box in chart.boxes)
    yield from (f"  {ids[link.source]} {_arrow(link)} {ids[link.target]}" for link in chart.links)


def _box(box: Box) -> str:
    left, right = _SHAPES[box.kind]
    detail = f"<br><small>{_safe(box.detail)}</small>" if box.detail else ""
    return f'{left}"{_safe(box.title)}{detail}"{right}'


def _arrow(link: Link) -> str:
    return f'{_ARROWS[link.kind]}|"{_safe(link.label)}"|' if link.label else _ARROWS[link.kind]


def _safe(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
