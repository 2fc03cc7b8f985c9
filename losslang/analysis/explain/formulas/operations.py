"""The table of operations: how a call of each is written. A test keeps it complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from losslang.analysis.explain.formulas.products import dot
from losslang.analysis.explain.formulas.reductions import (
    Arguments,
    Row,
    along,
    big,
    bind,
    keep,
    log_sum_exp,
    norm,
    outside,
    root_sum,
    spread,
    without,
)
from losslang.analysis.explain.notation.formula import (
    Apply,
    Big,
    Fence,
    Formula,
    Hat,
    Integral,
    Numeral,
    Phrase,
    Power,
    Prefix,
    Quotient,
    Root,
    Scripted,
    Sum,
    Symbol,
    added,
    quotient,
    scripted,
)
from losslang.analysis.explain.notation.unicode import unicode
from losslang.objective.axes import BATCH, FEATURE, VIEW, Axis
from losslang.syntax.tree import Call, Expression, Name, Number

if TYPE_CHECKING:
    from losslang.analysis.explain.formulas.scene import Indices
    from losslang.analysis.explain.formulas.translate import Translator

__all__ = ["ROWS", "apply"]


# ---------------------------------------------------------------- shapes of rows


def _prefix(function: str) -> Row:
    """A function before its argument: log x."""

    def row(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
        return Prefix(function, writer.write(arguments["x"], indices))

    return row


def _fence(kind: str) -> Row:
    """Signs around the argument: |x|."""

    def row(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
        return Fence(kind, (writer.write(arguments["x"], indices),))

    return row


def apply(function: str) -> Row:
    """A function of its arguments: max(x, y)."""

    def row(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
        return Apply(function, tuple(writer.write(argument, indices) for argument in arguments.values()))

    return row


def _matrix(function: str) -> Row:
    """A function of a whole matrix, whose axes are implicit inside."""

    def row(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
        return Prefix(function, writer.write(arguments["x"], _around(writer, call, arguments, indices)))

    return row


def _around(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Indices:
    """The indices that are not those of the matrix."""
    gone = set(writer.scene.axes(arguments["x"])) - set(writer.scene.axes(call))
    return without(indices, tuple(gone) or _pair(writer, arguments))


def _pair(writer: Translator, arguments: Arguments) -> tuple[Axis, ...]:
    axes = writer.scene.axes(arguments["x"])
    pairs = [axis for axis in axes if axis.primed() in axes]
    return tuple(side for axis in pairs for side in (axis, axis.primed()))


# ---------------------------------------------------------------- single rows


def _root(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    return Root(writer.write(arguments["x"], indices))


def _normalize(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    """ẑ over features; over other axes the quotient by the length."""
    axes, x = along(writer, arguments), arguments["x"]
    if axes == (FEATURE,):
        inner = writer.write(x, without(indices, axes))
        return outside(_unit(inner), writer, axes, indices)
    return quotient(writer.write(x, indices), Root(root_sum(writer, x, axes, indices)))


def _unit(inner: Formula) -> Formula:
    match inner:
        case Symbol():
            return Hat(inner)
        case Scripted(base=Symbol() as base):
            return Scripted(Hat(base), inner.below, inner.above)
        case _:
            return Apply("unit", (inner,))


def _softmax(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    return keep("softmax")(writer, call, arguments, indices)


def _log_softmax(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    return Prefix("log", _softmax(writer, call, arguments, indices))


def _integrate(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    """An integral over the variable whose knots a definition made."""
    knots = (
        n
        for n, e in writer.scene.context.define.items()
        if isinstance(e.value, Call) and e.value.function == "linspace"
    )
    variable = Symbol(next(knots, "t"))
    return Integral(writer.write(arguments["x"], without(indices, (Axis("knot"),))), variable)


def _first(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    """The first entries: z with 1:size."""
    axes = along(writer, arguments)
    inner = writer.write(arguments["x"], without(indices, axes))
    chosen = scripted(inner, (Phrase((Numeral("1"), ":", writer.number(arguments["count"]))),))
    return outside(Fence("round", (chosen,)), writer, axes, indices) if set(axes) & set(indices) else chosen


def _roll(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    """The row i − 1 in place of row i."""
    (axis,) = along(writer, arguments, (BATCH,))
    if axis not in indices:
        return Apply("roll", (writer.write(arguments["x"], indices),))
    shift = arguments.get("shift", Number(1, "1"))
    return writer.write(arguments["x"], {**indices, axis: added(indices[axis], writer.write(shift, {}), minus=True)})


def _sort(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    """Order statistics: y with (i) below."""
    (axis,) = along(writer, arguments, (BATCH,))
    if axis in indices and isinstance(arguments["x"], Name):
        return writer.write(arguments["x"], {**indices, axis: Fence("round", (indices[axis],))})
    inner = Apply("sort", (writer.write(arguments["x"], without(indices, (axis,))),))
    return outside(inner, writer, (axis,), indices)


def _quantiles(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    (axis,) = along(writer, arguments, (BATCH,))
    place = indices.get(axis, Symbol("any"))
    return Apply("quantile", (Quotient(place, added(writer.scene.size(axis), Numeral("1"))),))


def _ordinals(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    (axis,) = along(writer, arguments, (BATCH,))
    return indices.get(axis) or Phrase(("1 to ", writer.scene.size(axis)))


def _linspace(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    start, stop, count = (writer.number(arguments[name]) for name in ("start", "stop", "count"))
    return Phrase((count, " knots from ", start, " to ", stop))


def _matrix_log(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    """The Taylor polynomial of the logarithm, its order in brackets below."""
    order = arguments.get("order", Number(4, "4"))
    axes = _pair(writer, arguments)
    inner = writer.write(arguments["x"], without(indices, axes))
    name = Apply("log", (inner,), (Fence("round", (writer.number(order),)),))
    return outside(name, writer, axes, indices)


def _inverse_root(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    """x to the −1/2, its eigenvalues from `floor` on; or the inverse transposed Cholesky factor."""
    axes = _pair(writer, arguments)
    inner = writer.write(arguments["x"], without(indices, axes))
    if "floor" in arguments:
        inner = Apply("floored", (inner, writer.write(arguments["floor"], {})))
    if _word(arguments.get("method")) == "cholesky":
        power = Power(Apply("chol", (inner,)), Sum(((True, Symbol("top")),)))
    else:
        power = Power(inner, Sum(((True, Quotient(Numeral("1"), Numeral("2"))),)))
    return outside(power, writer, axes, indices)


def _word(expression: Expression | None) -> str:
    return expression.id if isinstance(expression, Name) else ""


def _nuclear(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    around = _around(writer, call, arguments, indices)
    parts = [writer.write(arguments[name], around) for name in ("x", "also") if name in arguments]
    return Fence("nuclear", (parts[0] if len(parts) == 1 else Phrase((parts[0], "; ", parts[1])),))


def _sinkhorn(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    """A whole table of scores, made balanced; views are apart unless it says that they are balanced together."""
    axes = (*along(writer, arguments, (BATCH,)), *(a for a in writer.scene.axes(call) if a.name == "prototype"))
    inside = without(indices, axes)
    also = arguments.get("also")
    values = (arguments["x"],) if also is None else (arguments["x"], also)
    options = (writer.write(arguments["epsilon"], {}), writer.number(arguments["iterations"]))
    together = (Phrase(("over views and batch",)),) if VIEW in axes else ()
    balanced = Apply("Sinkhorn", (*(writer.write(value, inside) for value in values), *together), options)
    return outside(balanced, writer, axes, indices)


def _argmax(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    """1 at the largest entry, 0 elsewhere."""
    axes = along(writer, arguments)
    inside = bind(writer, axes, without(indices, axes))
    largest = Big("argmax", tuple(inside[axis] for axis in axes), writer.write(arguments["x"], inside))
    return outside(Apply("onehot", (largest,)), writer, axes, indices)


def _directions(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    """Random unit vectors."""
    writer.scene.legend.directions = unicode(writer.number(arguments["count"]))
    below, _ = writer.placed((Axis("direction"), FEATURE), indices)
    return scripted(Symbol("omega"), below)


def _state(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    """State stands under its own name; what updates it is written by `state`."""
    return Apply(call.function, (writer.write(arguments["x"], without(indices, (BATCH, VIEW))),))


ROWS: dict[str, Row] = {
    "exp": _prefix("exp"),
    "log": _prefix("log"),
    "sqrt": _root,
    "abs": _fence("abs"),
    "relu": _fence("hinge"),
    "tanh": _prefix("tanh"),
    "sigmoid": apply("sigmoid"),
    "softplus": apply("softplus"),
    "sin": _prefix("sin"),
    "cos": _prefix("cos"),
    "maximum": apply("max"),
    "minimum": apply("min"),
    "mean": big("mean"),
    "sum": big("sum"),
    "max": big("max"),
    "var": spread,
    "std": spread,
    "norm": norm,
    "logsumexp": log_sum_exp,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "integrate": _integrate,
    "normalize": _normalize,
    "dot": dot,
    "first": _first,
    "roll": _roll,
    "sort": _sort,
    "linspace": _linspace,
    "logdet": _matrix("log det"),
    "matrix_log": _matrix_log,
    "inverse_root": _inverse_root,
    "nuclear_norm": _nuclear,
    "eigenvalues": _matrix("eig"),
    "stopgrad": apply("sg"),
    "sinkhorn": _sinkhorn,
    "argmax": _argmax,
    "random_directions": _directions,
    "normal_quantiles": _quantiles,
    "ordinals": _ordinals,
    "running": _state,
    "queue": _state,
    "memory": _state,
    "centroids": _state,
}
