"""Type rules of operations that match the axes of their operands by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from losslang.objective.axes import Axis, Dim, Type, describe_axes
from losslang.objective.rules import Bound, Problem, Typed, missing_axis

__all__ = ["comparison", "dot", "elementwise", "logical", "union"]


def elementwise(bound: Bound) -> Type:
    """Every operand's axes, matched by name."""
    return union(bound.name, list(bound.values.values()))


def comparison(bound: Bound) -> Type:
    """As elementwise; a mask."""
    return union(bound.name, list(bound.values.values()), "mask")


def logical(bound: Bound) -> Type:
    """As elementwise, of masks."""
    for name, value in bound.values.items():
        if value.type.kind != "mask":
            raise Problem(
                "E304",
                f"`{bound.name}` combines masks, and this is a number",
                labels=[(value.span, str(value.type))],
                help="compare it first, as in x > 0",
                at=name,
            )
    return union(bound.name, list(bound.values.values()), "mask")


def dot(bound: Bound) -> Type:
    """Common axes matched, `over` summed, `pairs` kept apart: primed in y."""
    x, y = bound.values["x"], bound.values["y"]
    over, pairs = bound.over("x"), bound.options["pairs"] or ()
    bound.over("y")
    assert isinstance(pairs, tuple)
    y_type = y.type
    for axis in pairs:
        assert isinstance(axis, Axis)
        if not (x.type.has(axis) and y_type.has(axis)):
            raise missing_axis(bound, "y" if x.type.has(axis) else "x", axis)
        if axis in over:
            raise Problem("E305", f"`dot` cannot both sum over `{axis}` and pair it", at="x")
        y_type = y_type.renamed(axis, axis.primed())
    both = _join(bound.name, [x, replace(y, node=replace(y.node, type=y_type))])
    result = both.without(over)
    for axis in over:
        if result.has(axis.primed()) and not result.has(axis):
            result = result.renamed(axis.primed(), axis)
    return result


def union(name: str, operands: Sequence[Typed], kind: str = "real") -> Type:
    """The axes of all operands together: what every elementwise operation has."""
    type_ = _join(name, operands, kind)
    _refuse_outer(name, operands, type_.axes)
    return type_


def _join(name: str, operands: Sequence[Typed], kind: str = "real") -> Type:
    found: dict[Axis, tuple[Typed, Dim]] = {}
    for operand in operands:
        for dim in operand.type.dims:
            if dim.axis not in found:
                found[dim.axis] = (operand, dim)
                continue
            other = found[dim.axis][1]
            if _conflict(dim, other):
                raise _sizes_differ(name, dim.axis, found[dim.axis], (operand, dim))
            if dim.known is not None and other.known is None:
                found[dim.axis] = (operand, dim)
    return Type.of((dim for _, dim in found.values()), kind)


def _conflict(one: Dim, two: Dim) -> bool:
    known = one.known is not None and two.known is not None and one.size != two.size
    return known or bool(one.labels and two.labels and one.labels != two.labels)


def _sizes_differ(name: str, axis: Axis, one: tuple[Typed, Dim], two: tuple[Typed, Dim]) -> Problem:
    def side(dim: Dim) -> str:
        if dim.labels:
            return ", ".join(dim.labels[:4]) + (", …" if len(dim.labels) > 4 else "")
        return f"{dim.axis}={dim.size}" + (f", from {dim.origin}" if dim.origin else "")

    if axis.name == "view":
        message = f"`{name}` combines values over different views"
    else:
        message = f"`{name}` combines values of different size along `{axis}`"
    return Problem("E301", message, labels=[(one[0].span, side(one[1])), (two[0].span, side(two[1]))])


def _refuse_outer(name: str, operands: Sequence[Typed], found: Iterable[Axis]) -> None:
    for axis in found:
        if not axis.primes or Axis(axis.name) not in set(found):
            continue
        base = Axis(axis.name)
        holders = [o for o in operands if o.type.has(axis) or o.type.has(base)]
        if any(o.type.has(axis) and o.type.has(base) for o in holders):
            continue
        raise Problem(
            "E303",
            f"`{name}` would combine every `{base}` with every `{axis}`",
            labels=[(o.span, f"has {describe_axes(o.type.axes)}") for o in holders[:2]],
            help="write an outer product with dot(x, y, pairs=…), or reduce one of the two first",
        )
