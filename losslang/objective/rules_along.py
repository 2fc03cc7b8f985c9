"""Type rules of operations that work along named axes: what is reduced, kept, chosen or made there."""

from __future__ import annotations

from dataclasses import replace

from losslang.objective.axes import Axis, Dim, Type, describe_axes
from losslang.objective.rules import Bound, Problem, counted, missing_axis
from losslang.objective.rules_matched import union

__all__ = [
    "along",
    "directions",
    "first",
    "integrate",
    "keeps",
    "linspace",
    "reduction",
    "same_type",
]


def reduction(bound: Bound) -> Type:
    """The operand without the axes it is reduced over; a mask's further axes join first."""
    type_ = _with_mask(bound, bound.type("x"))
    if bound.options.get("over") is None and "where" in bound.values:
        bound.options["over"] = tuple(axis for axis in type_.axes if axis not in bound.mapped)
    axes = bound.options.get("over")
    if axes is not None and "where" in bound.values:
        assert isinstance(axes, tuple)
        for axis in axes:
            if not type_.has(axis):  # type: ignore[arg-type]
                raise missing_axis(bound, "x", axis)  # type: ignore[arg-type]
        return type_.without(axes).real()  # type: ignore[arg-type]
    return type_.without(bound.over()).real()


def keeps(bound: Bound) -> Type:
    """The operand's own axes; the axes worked over must be there."""
    type_ = _with_mask(bound, bound.type("x"))
    bound.over()
    return type_.real()


def same_type(bound: Bound) -> Type:
    """The operand's own type."""
    return bound.type("x").real()


def _with_mask(bound: Bound, type_: Type) -> Type:
    mask = bound.values.get("where")
    if mask is None:
        return type_
    if mask.type.kind != "mask":
        raise Problem("E304", "`where` takes a mask", labels=[(mask.span, "is a number")], help="compare, as in x > 0")
    return union(bound.name, [bound.values["x"], mask])


def first(bound: Bound) -> Type:
    """The axis worked over has `count` entries."""
    axis = one_axis(bound)
    dim, count = bound.type("x").find(axis), bound.options["count"]
    assert dim is not None
    assert isinstance(count, int)
    if bound.cap is not None and dim.known is not None:
        bound.options["count"] = count = min(count, max(dim.known // 2, 1))
    if count < 1 or (dim.known is not None and count > dim.known):
        raise Problem(
            "E307",
            f"`first` takes {count} of {dim.size} entries of `{axis}`",
            labels=[(bound.values["x"].span, str(dim))],
            at="count",
        )
    return bound.type("x").with_dim(replace(dim, size=count, labels=dim.labels[:count])).real()


def along(bound: Bound) -> Type:
    """The operand's own axes; one of them is worked over."""
    one_axis(bound)
    return bound.type("x").real()


def integrate(bound: Bound) -> Type:
    """The operand without the axis of its knots, whose grid gives the step."""
    axis = one_axis(bound)
    dim = bound.type("x").find(axis)
    assert dim is not None
    if dim.grid is None:
        raise Problem(
            "E308",
            f"`integrate` needs knots from `linspace` along `{axis}`",
            labels=[(bound.values["x"].span, f"has {describe_axes(bound.type('x').axes)}")],
            help="t = linspace(0, 3, 17) makes the axis `knot`",
        )
    bound.options["step"] = (dim.grid[1] - dim.grid[0]) / (int(dim.size) - 1)
    return bound.type("x").without([axis]).real()


def linspace(bound: Bound) -> Type:
    """[knot]."""
    count, start, stop = bound.options["count"], bound.options["start"], bound.options["stop"]
    assert isinstance(count, int)
    if not 2 <= count <= 100_000:
        raise Problem("E307", f"`linspace` needs 2 to 100000 knots, not {count}", at="count")
    return Type((Dim(Axis("knot"), count, grid=(float(start), float(stop))),))  # type: ignore[arg-type]


def directions(bound: Bound) -> Type:
    """[direction, feature]."""
    like, count = bound.type("like"), bound.options["count"]
    axis = one_axis(bound, "like")
    dim = like.find(axis)
    assert dim is not None
    assert isinstance(count, int)
    counted(bound, "count")
    return Type.of([Dim(Axis("direction"), count), dim])


def counted_along(bound: Bound) -> Type:
    """[batch]: one number per row, by its place."""
    axis = one_axis(bound, "like")
    dim = bound.type("like").find(axis)
    assert dim is not None
    return Type((dim,))


def one_axis(bound: Bound, operand: str = "x") -> Axis:
    """The axis of an operation that works over just one."""
    axes = bound.over(operand)
    if len(axes) != 1:
        has = describe_axes(bound.type(operand).axes)
        raise Problem(
            "E314",
            f"`{bound.name}` works over one axis",
            labels=[(bound.values[operand].span, f"has {has}")],
            at=operand,
        )
    return axes[0]
