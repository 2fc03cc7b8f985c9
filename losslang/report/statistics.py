"""Means over seeds, with what can be said about them from so few."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Estimate", "difference", "estimate"]

_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""Two-sided 95 % points of Student's t with 1, 2, … degrees of freedom."""


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds with its standard deviation and its 95 % interval (Student's t; infinite from one seed)."""

    mean: float
    deviation: float
    low: float
    high: float
    count: int

    def text(self, digits: int = 3) -> str:
        """`0.319 ± 0.080`, the standard deviation; without it from one seed."""
        return f"{self.mean:.{digits}f}" + (f" ± {self.deviation:.{digits}f}" if self.count > 1 else "")

    def interval(self, digits: int = 3) -> str:
        """`0.319 [0.220, 0.418]`."""
        if self.count < 2:
            return f"{self.mean:.{digits}f} [one seed]"
        return f"{self.mean:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


def estimate(values: Sequence[float]) -> Estimate:
    """The estimate from one value per seed, at least one."""
    mean, count = statistics.fmean(values), len(values)
    if count < 2:
        return Estimate(mean, 0.0, -math.inf, math.inf, count)
    deviation = statistics.stdev(values)
    half = _t95(count - 1) * deviation / math.sqrt(count)
    return Estimate(mean, deviation, mean - half, mean + half, count)


def difference(left: Sequence[float], right: Sequence[float]) -> Estimate:
    """The mean of left less that of right with its 95 % interval (Welch; degrees of freedom rounded down)."""
    one, other = estimate(left), estimate(right)
    mean = one.mean - other.mean
    if min(one.count, other.count) < 2:
        return Estimate(mean, 0.0, -math.inf, math.inf, 1)
    parts = one.deviation**2 / one.count, other.deviation**2 / other.count
    error = math.sqrt(sum(parts))
    if error == 0:
        return Estimate(mean, 0.0, mean, mean, one.count)
    freedom = sum(parts) ** 2 / sum(p**2 / (e.count - 1) for p, e in zip(parts, (one, other), strict=True) if p)
    half = _t95(max(int(freedom), 1)) * error
    return Estimate(mean, error, mean - half, mean + half, min(one.count, other.count))


def _t95(freedom: int) -> float:
    """The 95 % point; from eleven degrees on by an expansion in 1/freedom, right to three digits."""
    if freedom <= len(_T95):
        return _T95[freedom - 1]
    z = 1.959964
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
