"""The forces of a method as plots: what `losslang probe` prints."""

from __future__ import annotations

from collections.abc import Mapping

from losslang.analysis.probe.field import Force
from losslang.analysis.probe.probe import Probe
from losslang.report.plots import Plot, Trace

__all__ = ["force_plots"]

Clouds = Mapping[float, tuple[Force, ...]]


def force_plots(found: Probe) -> list[Plot]:
    """The forces on center and residual by center norm, and that on weak directions by rank; by term."""
    center = "sphere" if found.unit else "center"
    panels: tuple[tuple[str, str, Clouds, int, str], ...] = (
        ("center", center, found.centers, -2, "below 0 the center gets shorter"),
        ("residual", "residual", found.centers, -2, "above 0 the residual gets longer"),
        ("weak directions", "spread", found.ranks, 0, "d log(weak/strong)/dt; below 0 dimensions are lost"),
    )
    plots = []
    for what, kind, clouds, place, formula in panels:
        label = "strong directions" if kind == "spread" else "center norm"
        terms = [force.term for force in next(iter(clouds.values()))]
        curves = {t: [getattr(forces[at], kind) for forces in clouds.values()] for at, t in enumerate(terms)}
        x = [*clouds]
        words = _words(what, curves, f"{label} {x[place]:g}", place)
        title = f"{found.method}: forces on the {what}"
        plots.append(
            Plot(f"forces on {what} {found.method}", title, label, "force", _traces(curves, x), words, formula)
        )
    return plots


def _traces(curves: dict[str, list[float]], x: list[float]) -> tuple[Trace, ...]:
    total = [sum(values) for values in zip(*curves.values(), strict=True)]
    rows = curves | ({"sum": total} if len(curves) > 1 else {})
    return tuple(Trace(name, style, x, values) for style, (name, values) in enumerate(rows.items()))


def _words(what: str, curves: dict[str, list[float]], place: str, at: int) -> str:
    ends = "; ".join(f"{term} {values[at]:+.3g}" for term, values in curves.items())
    return f"Forces on the {what} by term, on controlled clouds. At {place}: {ends}."
