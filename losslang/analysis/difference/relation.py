"""How two terms are related: by their normal forms, and where these differ, by values and gradients on seeded embeddings.

One is scale · other + offset or it is not. Normal forms decide it exactly. Numbers decide it where no identity of the table
leads from one spelling to the other: on several clouds of embeddings of different lengths the values must be proportional, and
so must the derivatives along random directions of every embedding. Two functions that are analytic where the clouds lie and
differ there agree at a random point along a random direction with probability zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from losslang.algebra.canonical import CanonicalTerm

__all__ = ["NORMAL_FORM", "NUMBERS", "Readings", "Relation", "relate_forms", "relate_readings"]

NORMAL_FORM, NUMBERS = "normal form", "values and gradients"

_TOLERANCE = 1e-7
_GRADIENTS = 1e-6
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Relation:
    """second = scale·first + offset, with gradients in the ratio `scale` (or not, where stops differ).

    `by` says what found it; `loose` that the embeddings which it holds for are outputs of other networks; `constant` that
    the normal forms differ in a constant, by less than the values show.
    """

    scale: float
    offset: float
    gradients_agree: bool = True
    by: str = NORMAL_FORM
    loose: bool = False
    constant: bool = False

    @property
    def identity(self) -> bool:
        """Whether the two are equal."""
        return (
            not self.constant
            and self.gradients_agree
            and abs(self.scale - 1) < _TOLERANCE
            and abs(self.offset) < _TOLERANCE
        )


# ---------------------------------------------------------------- by normal form


def relate_forms(one: CanonicalTerm, two: CanonicalTerm) -> Relation | None:
    """The relation of two normal forms over the same leaves; None where they are not proportional."""
    if set(one.scales) != set(two.scales):
        return None
    if not one.scales:
        return Relation(1.0, _tidy(two.offset - one.offset))
    key = next(iter(one.scales))
    scale = two.scales[key] / one.scales[key]
    if any(abs(two.scales[k] - scale * c) > _ROUNDING * abs(two.scales[k]) for k, c in one.scales.items()):
        return None
    return Relation(_tidy(scale), _tidy(two.offset - scale * one.offset))


# ---------------------------------------------------------------- by numbers


@dataclass(frozen=True)
class Readings:
    """What a term is on several clouds: its values, and its slopes there along random directions, by what moves."""

    values: tuple[float, ...]
    slopes: Mapping[str, tuple[float, ...]]


def relate_readings(one: Readings, two: Readings) -> Relation | None:
    """The relation of two terms by their numbers; None where they are not proportional."""
    x, y = np.asarray(one.values), np.asarray(two.values)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    flat = [float(np.ptp(v)) < _TOLERANCE * max(1.0, float(np.abs(v).max())) for v in (x, y)]
    if all(flat):
        found = Relation(1.0, _tidy(float((y - x).mean())), by=NUMBERS)
    elif any(flat):
        return None
    else:
        scale, offset = (float(c) for c in np.polyfit(x, y, 1))
        if np.abs(y - (scale * x + offset)).max() > _TOLERANCE * max(1.0, float(np.abs(y).max())):
            return None
        found = Relation(_tidy(scale), _tidy(offset), by=NUMBERS)
    return replace(found, gradients_agree=_proportional(one.slopes, two.slopes, found.scale))


def _proportional(one: Mapping[str, Sequence[float]], two: Mapping[str, Sequence[float]], scale: float) -> bool:
    """Whether the slopes along every direction are in the ratio of the values; what moves nothing has the slope 0."""
    names = {*one, *two}
    size = max([len(row) for row in (*one.values(), *two.values())], default=0)
    none = (0.0,) * size
    largest = max([1e-6, *(abs(slope) for row in two.values() for slope in row)])
    pairs = [(scale * a, b) for n in names for a, b in zip(one.get(n, none), two.get(n, none), strict=True)]
    return all(abs(a - b) < _GRADIENTS * largest for a, b in pairs)


def _tidy(number: float) -> float:
    """The round number behind rounding noise."""
    near = round(number, 6)
    return near if abs(number - near) < 1e-8 * max(1.0, abs(number)) else number
