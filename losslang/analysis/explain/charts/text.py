"""The forms a flow chart can take."""

from __future__ import annotations

from collections.abc import Callable

from losslang.analysis.explain.charts.chart import Chart, chart
from losslang.analysis.explain.charts.mermaid import mermaid
from losslang.analysis.explain.charts.svg import svg
from losslang.analysis.explain.explanation import Explanation

__all__ = ["chart_text"]

_FORMS: dict[str, Callable[[Chart], str]] = {"mermaid": mermaid, "svg": svg}


def chart_text(explanation: Explanation, form: str) -> str:
    """The flow chart of a method as `mermaid` or `svg`."""
    return _FORMS[form](chart(explanation.spec))
