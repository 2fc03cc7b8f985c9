"""Operations that range over axes: sums, means, maxima, norms, variances, and those that work along one axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from losslang.analysis.explain.formulas.masks import conditions, mask_axes, offdiagonal
from losslang.analysis.explain.notation.formula import (
    Apply,
    Big,
    Fence,
    Formula,
    Numeral,
    Power,
    Prefix,
    Product,
    Relation,
    Root,
    Symbol,
    added,
    scripted,
)
from losslang.objective.axes import FEATURE, Axis
from losslang.objective.mentions import names_in
from losslang.syntax.tree import Binary, Call, Expression, Number

if TYPE_CHECKING:
    from losslang.analysis.explain.formulas.scene import Indices
    from losslang.analysis.explain.formulas.translate import Translator

__all__ = ["Arguments", "Row", "big", "bind", "divisor", "keep", "log_sum_exp", "loop", "norm", "outside", "spread"]

Arguments: TypeAlias = dict[str, Expression]
Row: TypeAlias = "Callable[[Translator, Call, Arguments, Indices], Formula]"
"""How the calls of one operation are written, from its arguments by name."""


# ---------------------------------------------------------------- indices


def removed(writer: Translator, call: Call, arguments: Arguments) -> tuple[Axis, ...]:
    """The axes that a reduction removes."""
    parts = {*writer.scene.axes(arguments["x"]), *writer.scene.axes(arguments.get("where"))}
    return tuple(sorted(parts - set(writer.scene.axes(call)), key=lambda axis: axis.place))


def bind(writer: Translator, axes: tuple[Axis, ...], indices: Indices) -> dict[Axis, Formula]:
    """The indices inside a sign that ranges over `axes`: each has a letter of its own."""
    inside = dict(indices)
    for axis in axes:
        others = [letter for other, letter in inside.items() if other != axis or axis in indices]
        inside[axis] = writer.scene.letter(axis, others)
    return inside


def without(indices: Indices, axes: tuple[Axis, ...]) -> dict[Axis, Formula]:
    """The indices at other axes."""
    return {axis: letter for axis, letter in indices.items() if axis not in axes}


def outside(formula: Formula, writer: Translator, axes: tuple[Axis, ...], indices: Indices) -> Formula:
    """A value whose axes are implicit inside it, with their indices behind it."""
    below, above = writer.placed(axes, indices)
    return scripted(formula, below, above)


def _range(
    writer: Translator, axes: tuple[Axis, ...], inside: Indices, where: Expression | None, type_of: Expression
) -> tuple[Formula, ...]:
    """What stands below a sign: its letters, the group that views are of, the conditions of a mask."""
    told = conditions(writer, where, inside, frozenset(axes)) if where is not None else ()
    shown = mask_axes(writer, where) if where is not None else set()
    letters: list[Formula] = []
    for axis in axes:
        if axis in shown:
            continue
        dim = writer.scene.type(type_of).find(axis)
        domain = writer.scene.domain(dim.labels) if dim is not None and axis.name == "view" else None
        letters.append(inside[axis] if domain is None else Relation("in", inside[axis], domain))
    return (*letters, *told)


# ---------------------------------------------------------------- signs


def big(kind: str) -> Row:
    """A sign over indices: Σ, 𝔼, max."""

    def row(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
        axes = removed(writer, call, arguments)
        x, where = arguments["x"], arguments.get("where")
        if not axes:
            return writer.write(x, indices)
        if kind == "sum" and where is None:
            short = _length(writer, x, axes, indices)
            if short is not None:
                return short
            x, where = _without_diagonal(x, axes)
        inside = bind(writer, axes, indices)
        return Big(kind, _range(writer, axes, inside, where, arguments["x"]), writer.write(x, inside))

    return row


def _without_diagonal(x: Expression, axes: tuple[Axis, ...]) -> tuple[Expression, Expression | None]:
    """A sum over all entries of a matrix without diagonal is one over different indices."""
    inner, masks = offdiagonal(x)
    pairs = sum(axis.primes == 0 and axis.primed() in axes for axis in axes)
    return (inner, masks[0]) if len(masks) == 1 and pairs == 1 else (x, None)


def _length(writer: Translator, x: Expression, axes: tuple[Axis, ...], indices: Indices) -> Formula | None:
    """A sum of squares over the features, or over a matrix of them, is a squared length."""
    if not isinstance(x, Binary) or x.operator != "^" or not isinstance(x.right, Number) or x.right.value != 2:
        return None
    kinds = {(FEATURE,): "norm", (FEATURE, FEATURE.primed()): "frobenius"}
    if axes not in kinds or offdiagonal(x)[1]:
        return None
    return Power(Fence(kinds[axes], (writer.write(x.left, without(indices, axes)),)), Numeral("2"))


def norm(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    """‖x‖ over features or what has no other axis, ‖X‖_F of a matrix, otherwise the root of the sum of squares."""
    axes = removed(writer, call, arguments)
    if axes in {(FEATURE,), (FEATURE, FEATURE.primed())}:
        kind = "norm" if len(axes) == 1 else "frobenius"
        return Fence(kind, (writer.write(arguments["x"], without(indices, axes)),))
    return Root(root_sum(writer, arguments["x"], axes, indices))


def root_sum(writer: Translator, x: Expression, axes: tuple[Axis, ...], indices: Indices) -> Formula:
    """The sum of squares over axes."""
    inside = bind(writer, axes, indices)
    return Big("sum", _range(writer, axes, inside, None, x), Power(writer.write(x, inside), Numeral("2")))


def log_sum_exp(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    """log Σ exp."""
    axes = removed(writer, call, arguments)
    inside = bind(writer, axes, indices)
    below = _range(writer, axes, inside, arguments.get("where"), arguments["x"])
    return Prefix("log", Big("sum", below, Prefix("exp", writer.write(arguments["x"], inside))))


def divisor(writer: Translator, ddof: Expression | None, axes: tuple[Axis, ...]) -> tuple[Formula, ...]:
    """What a variance is divided by, where it is not the number of entries."""
    if ddof is None or (isinstance(ddof, Number) and ddof.value == 0):
        return ()
    sizes = tuple(writer.scene.size(axis) for axis in axes)
    count = sizes[0] if len(sizes) == 1 else Product(sizes)
    return (Fence("round", (added(count, writer.write(ddof, {}), minus=True),)),)


def spread(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    """Var x, and √(Var x + ε) for `std`."""
    axes = removed(writer, call, arguments)
    inside = bind(writer, axes, indices)
    below = _range(writer, axes, inside, arguments.get("where"), arguments["x"])
    variance = Prefix("Var", writer.write(arguments["x"], inside), below, divisor(writer, arguments.get("ddof"), axes))
    if call.function == "var":
        return variance
    eps = arguments.get("eps")
    return Root(variance if eps is None else added(variance, writer.write(eps, {})))


# ---------------------------------------------------------------- along an axis, which stays


def keep(name: str) -> Row:
    """A function of a whole vector: its axis is implicit inside, and its index stands behind."""

    def row(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
        axes = along(writer, arguments)
        if all(axis.name in {"feature", "prototype"} and not axis.primes for axis in axes):
            inner = Apply(name, (writer.write(arguments["x"], without(indices, axes)),))
            return outside(inner, writer, axes, indices)
        letters = {axis: indices[axis] for axis in axes if axis in indices}
        inside = {**bind(writer, axes, indices), **letters}
        return Apply(name, (writer.write(arguments["x"], inside),), tuple(inside[axis] for axis in axes))

    return row


def along(writer: Translator, arguments: Arguments, default: tuple[Axis, ...] = (FEATURE,)) -> tuple[Axis, ...]:
    """The axes an operation works along."""
    over = arguments.get("over")
    return default if over is None else writer.scene.axes_named(over)


# ---------------------------------------------------------------- loops over views


def loop(writer: Translator, call: Call, indices: Indices) -> Formula:
    """`mean(… for u in views for v in views if u != v)`: 𝔼 over u ≠ v."""
    inner = type(writer)(writer.scene.loop(call))
    told = conditions(inner, call.condition, {}) if call.condition is not None else ()
    shown = set(names_in(call.condition)) if call.condition is not None else set()
    below: list[Formula] = []
    for each in call.loops:
        letter = Symbol(each.name)
        everywhere = writer.scene.views(each.domain).names == writer.scene.context.views.all.names
        if not everywhere:
            below.append(Relation("in", letter, writer.view_set(each.domain)))
        elif each.name not in shown:
            below.append(letter)
    body = inner.write(call.arguments[0], indices)
    if call.function == "logsumexp":
        return Prefix("log", Big("sum", (*below, *told), Prefix("exp", body)))
    return Big(call.function, (*below, *told), body)
