"""The forces of a method as plots: what `losslang probe` prints."""

from __future__ import annotations

from losslang.analysis.probe import Probe
from losslang.report.plots import Plot, Trace

__all__ = ["force_plots"]


def force_plots(found: Probe) -> list[Plot]:
    """Growth of the residual against the center by center norm, and of the weak directions by their length; by term."""
    terms = [pull.term for pull in next(iter(found.scales.values()))]
    centers, weak = list(found.scales), sorted(found.spreads)
    growth = {t: [pulls[at].growth for pulls in found.scales.values()] for at, t in enumerate(terms)}
    spread = {t: [found.spreads[w][t] for w in weak] for t in terms}
    return [
        Plot(
            f"forces {found.method}", f"{found.method}: against collapse to a constant", "center norm", "growth",
            _traces(growth, centers), _words("residual against center", growth, "center norm 0.99", -1),
            "d log(residual/center)/dt; below 0 towards collapse",
        ),
        Plot(
            f"spreading {found.method}", f"{found.method}: against collapse in dimension", "weak/strong", "growth",
            _traces(spread, weak), _words("weak directions against strong", spread, f"weak/strong {weak[0]:g}", 0),
            "d log(weak/strong)/dt; below 0 dimensions are lost",
        ),
    ]  # fmt: skip


def _traces(curves: dict[str, list[float]], x: list[float]) -> tuple[Trace, ...]:
    total = [sum(values) for values in zip(*curves.values(), strict=True)]
    rows = curves | ({"sum": total} if len(curves) > 1 else {})
    return tuple(Trace(name, style, x, values) for style, (name, values) in enumerate(rows.items()))


def _words(what: str, curves: dict[str, list[float]], place: str, at: int) -> str:
    ends = "; ".join(f"{term} {values[at]:+.3g}" for term, values in curves.items())
    return f"Growth of the {what} by term, on controlled clouds. At {place}: {ends}."
