"""Type rules of the core operations: from the types of the operands to the type of the result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from losslang.diagnostics import Span
from losslang.objective.axes import Axis, Dim, Type, describe_axes
from losslang.objective.graph import Attribute, Node

__all__ = ["MAX_COUNT", "Bound", "Problem", "Typed", "counted", "missing_axis", "union"]

MAX_COUNT = 10**7
"""The largest size, and the largest count of rows, directions or centroids."""


@dataclass(frozen=True)
class Typed:
    """A value and the place in the user's file that made it."""

    node: Node
    span: Span

    @property
    def type(self) -> Type:
        """The type of the value."""
        return self.node.type


class Problem(Exception):
    """A rule that does not hold; the elaborator turns it into a diagnostic."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        help: str = "",  # noqa: A002 - the word users see
        labels: Sequence[tuple[Span, str]] = (),
        at: str = "",
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.help, self.labels, self.at = code, message, help, tuple(labels), at


@dataclass
class Bound:
    """The arguments of one call, bound to the signature of its operation."""

    name: str
    values: dict[str, Typed] = field(default_factory=dict)
    options: dict[str, Attribute] = field(default_factory=dict)
    mapped: frozenset[Axis] = frozenset()
    cap: int | None = None

    def type(self, name: str) -> Type:
        """The type of an operand."""
        return self.values[name].type

    def over(self, operand: str = "x", option: str = "over") -> tuple[Axis, ...]:
        """The axes a reduction removes; without `over`, every axis that the call is not mapped over."""
        type_ = self.type(operand)
        axes = self.options.get(option)
        if axes is None:
            axes = tuple(axis for axis in type_.axes if axis not in self.mapped)
            self.options[option] = axes
        assert isinstance(axes, tuple)
        for axis in axes:
            if not type_.has(axis):  # type: ignore[arg-type]
                raise missing_axis(self, operand, axis)  # type: ignore[arg-type]
        return axes  # type: ignore[return-value]


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


def counted(bound: Bound, option: str) -> None:
    """Refuse an option that is no count, or too large a one."""
    count = bound.options[option]
    if not isinstance(count, int) or not 1 <= count <= MAX_COUNT:
        raise Problem("E307", f"`{option}` of `{bound.name}` is from 1 to {MAX_COUNT:,}, not {count}", at=option)


def missing_axis(bound: Bound, operand: str, axis: Axis) -> Problem:
    """The value of `operand` lacks an axis that the operation names."""
    value = bound.values[operand]
    has = describe_axes(value.type.axes) if value.type.dims else "no axes (it is one number)"
    return Problem(
        "E302",
        f"`{bound.name}` works over `{axis}`, which its operand does not have",
        labels=[(value.span, f"has {has}")],
        help=f"name one of its axes, such as over={value.type.axes[-1]}" if value.type.dims else "",
        at=operand,
    )


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


# ---------------------------------------------------------------- one rule per shape of operation


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


def _with_mask(bound: Bound, type_: Type) -> Type:
    mask = bound.values.get("where")
    if mask is None:
        return type_
    if mask.type.kind != "mask":
        raise Problem("E304", "`where` takes a mask", labels=[(mask.span, "is a number")], help="compare, as in x > 0")
    return union(bound.name, [bound.values["x"], mask])


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


def linspace(bound: Bound) -> Type:
    """[knot]."""
    count, start, stop = bound.options["count"], bound.options["start"], bound.options["stop"]
    assert isinstance(count, int)
    if not 2 <= count <= 100_000:
        raise Problem("E307", f"`linspace` needs 2 to 100000 knots, not {count}", at="count")
    return Type((Dim(Axis("knot"), count, grid=(float(start), float(stop))),))  # type: ignore[arg-type]


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


def along(bound: Bound) -> Type:
    """The operand's own axes; one of them is worked over."""
    one_axis(bound)
    return bound.type("x").real()


def directions(bound: Bound) -> Type:
    """[direction, feature]."""
    like, count = bound.type("like"), bound.options["count"]
    axis = one_axis(bound, "like")
    dim = like.find(axis)
    assert dim is not None
    assert isinstance(count, int)
    counted(bound, "count")
    return Type.of([Dim(Axis("direction"), count), dim])


def quantiles(bound: Bound) -> Type:
    """[batch]: one quantile per row."""
    axis = one_axis(bound, "like")
    dim = bound.type("like").find(axis)
    assert dim is not None
    return Type((dim,))
