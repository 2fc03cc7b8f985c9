"""Sums and products in normal form: every elementwise expression as a polynomial over what is no sum or product.

A `combination` is offset + Σ scale·value, a `monomial` Π base^power; neither holds another of its kind, values that are equal are
one, and products of sums are multiplied out. Powers of roots and quotients are joined where both sides are defined.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import product
from typing import TypeAlias

from losslang.algebra.rewrite import Maker
from losslang.objective.axes import Axis, Dim, Type
from losslang.objective.graph import Node
from losslang.objective.schedules import Schedule

__all__ = [
    "Factor",
    "Part",
    "combine",
    "constant_of",
    "content",
    "factors",
    "joined",
    "length",
    "multiply",
    "parts",
    "positive",
    "power",
]

Part: TypeAlias = tuple[float, Node]
Factor: TypeAlias = tuple[Node, float]

MANY = 256
"""A product of sums with more summands stays as it is."""

_NEARLY = 1e-12

TINY = 1e-300
"""Numbers smaller than this, or larger than its inverse, are left as they are written."""


def constant_of(node: Node) -> float | None:
    """The number that a node is."""
    value = node["value"] if node.op == "constant" else None
    return float(value) if isinstance(value, int | float) else None


def parts(node: Node) -> tuple[list[Part], float]:
    """A value as Σ scale·value + offset."""
    if node.op == "combination":
        scales, offset = node["scales"], node["offset"]
        assert isinstance(scales, tuple)
        assert isinstance(offset, int | float)
        return list(zip(scales, node.inputs, strict=True)), float(offset)  # type: ignore[arg-type]
    value = constant_of(node)
    return ([(1.0, node)], 0.0) if value is None else ([], value)


def factors(node: Node) -> list[Factor]:
    """A value as Π base^power."""
    if node.op == "monomial":
        powers = node["powers"]
        assert isinstance(powers, tuple)
        return list(zip(node.inputs, powers, strict=True))  # type: ignore[arg-type]
    return [(node, 1.0)]


def joined(nodes: Iterable[Node]) -> Type:
    """The axes of several values together."""
    found: dict[Axis, Dim] = {}
    for node in nodes:
        for dim in node.type.dims:
            if dim.axis not in found or found[dim.axis].known is None:
                found[dim.axis] = dim
    return Type.of(found.values())


def length(make: Maker, dim: Dim) -> Node:
    """The number of entries along an axis: a number where it is known, else one symbol for each size."""
    if dim.known is not None:
        return make.constant(float(dim.known))
    return make.make("length", (), (("axis", Axis(dim.axis.name)), ("size", str(dim.size))), Type())


# ---------------------------------------------------------------- sums


def combine(make: Maker, summands: Iterable[Part], offset: float = 0.0) -> Node:
    """Σ scale·value + offset in normal form."""
    found: dict[str, list[float]] = {}
    nodes: dict[str, Node] = {}
    offsets = [offset]
    for scale, value in summands:
        inner, constant = parts(value)
        offsets.append(scale * constant)
        for factor, body in inner:
            key = make.key(body)
            nodes.setdefault(key, body)
            found.setdefault(key, []).append(scale * factor)
    total = 0.0 if _cancels(offsets) else sum(offsets)
    kept = [(sum(row), nodes[key]) for key, row in sorted(found.items()) if not _cancels(row)]
    if not kept:
        return make.constant(total)
    if len(kept) == 1 and kept[0][0] == 1 and not total:
        return kept[0][1]
    inputs = [body for _, body in kept]
    attributes = (("scales", tuple(scale for scale, _ in kept)), ("offset", total))
    return make.make("combination", inputs, attributes, joined(inputs))


def _cancels(scales: Sequence[float]) -> bool:
    return abs(sum(scales)) <= _NEARLY * sum(map(abs, scales))


def content(node: Node) -> float:
    """The scale of a value: that of its first summand."""
    inner, _ = parts(node)
    return inner[0][0] if inner else 1.0


# ---------------------------------------------------------------- products


def power(make: Maker, node: Node, exponent: float) -> Node:
    """node^exponent in normal form."""
    return multiply(make, [(node, exponent)])


def multiply(make: Maker, given: Iterable[Factor], scale: float = 1.0) -> Node:
    """scale · Π base^power in normal form."""
    gathered = _Gathered(make, scale)
    for base, exponent in given:
        gathered.add(base, exponent)
    return gathered.node()


class _Gathered:
    """The factors of a product, joined by base."""

    def __init__(self, make: Maker, scale: float) -> None:
        self.make, self.scale = make, scale
        self.bases: dict[str, Node] = {}
        self.powers: dict[str, float] = {}

    def add(self, base: Node, exponent: float) -> None:
        if exponent == 0:
            return
        value = constant_of(base)
        number = None if value is None else _raised(value, exponent)
        if number is not None:
            self.scale *= number
        elif base.op == "monomial":
            self._monomial(base, exponent)
        elif base.op == "combination":
            self._combination(base, exponent)
        else:
            self._keep(base, exponent)

    def _monomial(self, base: Node, exponent: float) -> None:
        """(Π b^p)^q = Π b^(pq): for whole q, or b that are not negative, or one b whose power has a sign of its own."""
        inner = factors(base)
        if _whole(exponent):
            loose, fixed = inner, []
        else:
            loose = [(b, p) for b, p in inner if positive(b)]
            fixed = [(b, p) for b, p in inner if not positive(b)]
            if len(fixed) == 1 and fixed[0][1] % 2:
                loose, fixed = inner, []
        for b, p in loose:
            self.add(b, p * exponent)
        if fixed:
            self._keep(_monomial(self.make, fixed), exponent)

    def _combination(self, base: Node, exponent: float) -> None:
        """(c·y)^q = c^q y^q: for whole q, or c that is positive."""
        inner, offset = parts(base)
        scale = inner[0][0] if _whole(exponent) else abs(inner[0][0])
        reduced = combine(self.make, [(c / scale, b) for c, b in inner], offset / scale)
        self.scale *= scale**exponent
        if reduced.op == "combination":
            self._keep(reduced, exponent)
        else:
            self.add(reduced, exponent)

    def _keep(self, base: Node, exponent: float) -> None:
        key = self.make.key(base)
        self.bases.setdefault(key, base)
        total = self.powers.get(key, 0.0) + exponent
        self.powers[key] = 1.0 if base.type.kind == "mask" and total > 0 else total

    def node(self) -> Node:
        if not self.scale:
            return self.make.constant(0.0)
        found = [(self.bases[key], p) for key, p in sorted(self.powers.items()) if abs(p) > _NEARLY]
        sums = [(b, int(p)) for b, p in found if b.op == "combination" and p > 0 and _whole(p) and not _counts(b, p)]
        if not sums or math.prod(len(b.inputs) ** p for b, p in sums) > MANY:
            return combine(self.make, [(self.scale, _monomial(self.make, found))])
        rest = [(b, p) for b, p in found if not any(b is s for s, _ in sums)]
        rows = [_summands(base) for base, p in sums for _ in range(p)]
        made = []
        for choice in product(*rows):
            inner = [*rest, *((b, 1.0) for _, b in choice if b is not None)]
            made.append((math.prod(c for c, _ in choice), multiply(self.make, inner)))
        return combine(self.make, [(self.scale * c, value) for c, value in made])


def _raised(value: float, exponent: float) -> float | None:
    """value^exponent, where it is a number that floats can hold."""
    if value < 0 and not _whole(exponent):
        return None
    try:
        found = value**exponent
    except (OverflowError, ZeroDivisionError):
        return None
    return None if value and not TINY < abs(found) < 1 / TINY else found


def _counts(node: Node, exponent: float) -> bool:
    """A power of numbers of rows, such as (n − 1)², which stays as it is."""
    return exponent > 1 and all(b.op == "length" for body in node.inputs for b, _ in factors(body))


def _summands(node: Node) -> list[tuple[float, Node | None]]:
    inner, offset = parts(node)
    return [*inner, *([(offset, None)] if offset else [])]


def _monomial(make: Maker, found: Sequence[Factor]) -> Node:
    if not found:
        return make.constant(1.0)
    if len(found) == 1 and found[0][1] == 1:
        return found[0][0]
    inputs = [base for base, _ in found]
    return make.make("monomial", inputs, (("powers", tuple(p for _, p in found)),), joined(inputs))


def _whole(number: float) -> bool:
    return float(number).is_integer()


# ---------------------------------------------------------------- signs

_POSITIVE = {"exp", "length", "abs", "relu", "softmax", "sinkhorn", "argmax", "std", "var", "norm", "nuclear_norm"}
_AS_OPERAND = {"sum", "select", "take", "roll", "first", "stopgrad", "group", "max", "sort"}


def positive(node: Node) -> bool:
    """Whether a value is known never to be negative."""
    if node.op in _POSITIVE or node.type.kind == "mask":
        return True
    if node.op in _AS_OPERAND:
        return positive(node.inputs[0])
    if node.op == "monomial":
        return all(p % 2 != 1 or positive(b) for b, p in factors(node))
    if node.op == "schedule":
        schedule = node["schedule"]
        assert isinstance(schedule, Schedule)
        return min(schedule.start, schedule.end) >= 0
    inner, offset = parts(node)
    if node.op == "combination" or not inner:
        return offset >= 0 and all(scale > 0 and positive(body) for scale, body in inner)
    return False
