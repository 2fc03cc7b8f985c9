"""Normal forms that differ in a constant alone, by less than values can show."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from losslang.algebra.canonical import CanonicalTerm
from losslang.algebra.digest import digest
from losslang.algebra.polynomial import parts
from losslang.objective.graph import Node, walk

__all__ = ["differ_in_constant"]

CLOSE = 1e-4
"""Difference of two constants, in units of the larger one, up to which one can be taken for a change of the other."""
ROUNDING = 1e-10
"""The same, for what arithmetic may have made of one constant."""
TINY = 1e-6
"""Weight of a summand, in units of the largest, up to which values may not show it."""
LEFT_OVER = 1e-14
"""The same, for what arithmetic may have left of a summand that cancels."""


@dataclass(frozen=True)
class _Shape:
    """A value without its constants, and these, sorted."""

    text: str
    numbers: tuple[float, ...]


def differ_in_constant(
    one: CanonicalTerm, two: CanonicalTerm, one_labels: Mapping[str, str], two_labels: Mapping[str, str]
) -> bool:
    """Whether two terms whose values agree are of one form, but for constants that are close and not equal.

    A summand that only one of them has counts where its weight is tiny.
    """
    left, right = _summands(one, one_labels), _summands(two, two_labels)
    largest = max(map(abs, (*one.scales.values(), *two.scales.values())), default=1.0)
    changed = False
    for text in left.keys() | right.keys():
        ours, theirs = left[text], right[text]
        pairs = min(len(ours), len(theirs))
        lonely = max((abs(row[0]) for row in (*ours[pairs:], *theirs[pairs:])), default=0.0) / largest
        if lonely > TINY:
            return False
        changed |= lonely > LEFT_OVER
        for a, b in zip(ours[:pairs], theirs[:pairs], strict=True):
            if not _near(a, b, CLOSE):
                return False
            changed |= not _near(a, b, ROUNDING)
    return changed


def _near(one: tuple[float, ...], two: tuple[float, ...], share: float) -> bool:
    return len(one) == len(two) and all(
        abs(a - b) <= share * max(abs(a), abs(b), 1e-3) for a, b in zip(one, two, strict=True)
    )


def _summands(term: CanonicalTerm, labels: Mapping[str, str]) -> defaultdict[str, list[tuple[float, ...]]]:
    """By shape, for every summand its weight and its constants; the heaviest first."""
    found = defaultdict[str, list[tuple[float, ...]]](list)
    for scale, body in parts(term.node)[0]:
        shape = _shape(body, labels)
        found[shape.text].append((scale, *shape.numbers))
    for rows in found.values():
        rows.sort(key=lambda row: (-abs(row[0]), row))
    return found


def _shape(root: Node, labels: Mapping[str, str]) -> _Shape:
    texts: dict[int, str] = {}
    numbers: list[float] = []
    for node in walk([root]):
        options = Counter[str]()
        for key, value in node.attributes:
            values = value if isinstance(value, tuple) else (value,)
            floats = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
            numbers += floats
            others = labels.get(str(value), "") if key == "network" else "" if key == "name" else str(value)
            options[f"{key} {len(floats) or others}"] += 1
        texts[node.number] = digest(node.op, *sorted(options), *sorted(texts[child.number] for child in node.inputs))
    return _Shape(texts[root.number], tuple(sorted(numbers)))
