"""How the values of two terms are related: by numbers, on the same clouds of embeddings.

Two terms are proportional if one is scale·other + offset for every cloud, in value and in the force on the scales (which is
its gradient). That decides `same mathematics` where spellings differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from losslang.analysis.cloud import Cloud, forces_by_input, terms_on
from losslang.objective.spec import Spec

__all__ = ["Relation", "Samples", "relate", "samples"]

_CLOUDS = tuple(Cloud(rho, seed=seed, bare=True) for rho, seed in ((0.9, 0), (0.6, 1), (0.4, 2), (0.6, 3)))
_TOLERANCE = 1e-7


@dataclass(frozen=True)
class Samples:
    """The values of every term on several clouds, and its forces there by the input that moves (residual and center)."""

    values: dict[str, tuple[float, ...]]
    forces: dict[str, dict[str, tuple[float, ...]]]


@dataclass(frozen=True)
class Relation:
    """second = scale·first + offset, with gradients in the ratio `scale` (or not, where stops differ)."""

    scale: float
    offset: float
    gradients_agree: bool

    @property
    def identity(self) -> bool:
        """Whether the two are equal."""
        return self.gradients_agree and abs(self.scale - 1) < _TOLERANCE and abs(self.offset) < _TOLERANCE


def samples(small: Spec) -> Samples:
    """What a method with small sizes is on the common clouds."""
    values: dict[str, list[float]] = {term.name: [] for term in small.graph.terms}
    pulls: dict[str, dict[str, list[float]]] = {term.name: {} for term in small.graph.terms}
    for cloud in _CLOUDS:
        for name, value in terms_on(small, cloud).items():
            values[name].append(value)
        for moved, found in forces_by_input(small, cloud).items():
            for pull in found:
                pulls[pull.term].setdefault(moved, []).extend((pull.residual, pull.center))
    return Samples(
        {name: tuple(row) for name, row in values.items()},
        {name: {moved: tuple(row) for moved, row in rows.items()} for name, rows in pulls.items()},
    )


def relate(
    one: Sequence[float],
    two: Sequence[float],
    pulls_one: Mapping[str, Sequence[float]],
    pulls_two: Mapping[str, Sequence[float]],
) -> Relation | None:
    """How two terms are related; None where they are not proportional."""
    x, y = np.asarray(one), np.asarray(two)
    if all(float(np.ptp(v)) < _TOLERANCE * max(1.0, float(np.abs(v).max())) for v in (x, y)):
        return Relation(1.0, _tidy(float((y - x).mean())), _proportional(pulls_one, pulls_two, 1.0))
    if float(np.ptp(x)) < _TOLERANCE * max(1.0, float(np.abs(x).max())):
        return None
    scale, offset = (float(c) for c in np.polyfit(x, y, 1))
    rest = np.abs(y - (scale * x + offset)).max()
    if rest > _TOLERANCE * max(1.0, float(np.abs(y).max())):
        return None
    return Relation(_tidy(scale), _tidy(offset), _proportional(pulls_one, pulls_two, scale))


def _proportional(one: Mapping[str, Sequence[float]], two: Mapping[str, Sequence[float]], scale: float) -> bool:
    """Whether the forces on every input agree; inputs are matched by name, or where names differ by what they feel."""
    largest = max([1e-3, *(abs(x) for row in two.values() for x in row)])

    def felt(pulls: Mapping[str, Sequence[float]], by: float) -> dict[str, list[float]]:
        rows = {name: [by * x for x in row] for name, row in pulls.items()}
        return {name: row for name, row in rows.items() if max(map(abs, row)) > 1e-6 * largest}

    ours, theirs = felt(one, scale), felt(two, 1.0)
    if set(ours) == set(theirs):
        pairs = [(ours[name], theirs[name]) for name in ours]
    elif set(one) & set(two) == set(one) or len(ours) != len(theirs):
        return False
    else:
        pairs = list(zip(sorted(ours.values()), sorted(theirs.values()), strict=True))
    return all(abs(a - b) < 1e-4 * largest for left, right in pairs for a, b in zip(left, right, strict=True))


def _tidy(number: float) -> float:
    """The round number behind rounding noise."""
    near = round(number, 6)
    return near if abs(number - near) < 1e-8 * max(1.0, abs(number)) else number
