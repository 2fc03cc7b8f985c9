"""Calls to formulas: loops, networks, operations and functions, each by its own table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from losslang.analysis.explain.formulas import library, operations, reductions
from losslang.analysis.explain.notation.formula import Apply, Big, Formula, Phrase, Product, Symbol, scripted
from losslang.objective.axes import FEATURE, VIEW
from losslang.objective.calls import match_arguments
from losslang.objective.operations import OPERATIONS, SPELLED_WITH_SIGNS
from losslang.syntax.tree import Call, Expression

if TYPE_CHECKING:
    from losslang.analysis.explain.formulas.scene import Indices
    from losslang.analysis.explain.formulas.translate import Translator

__all__ = ["write_call"]


def write_call(writer: Translator, call: Call, indices: Indices) -> Formula:
    """The formula of a call."""
    if call.loops:
        return reductions.loop(writer, call, indices)
    if call.function in _SPECIAL:
        return _SPECIAL[call.function](writer, call, indices)
    if call.function in OPERATIONS and call.function not in SPELLED_WITH_SIGNS:
        arguments = match_arguments(call, OPERATIONS[call.function], writer.scene.scope)
        row = operations.ROWS.get(call.function) or operations.apply(call.function)  # a package may bring operations
        return row(writer, call, arguments, indices)
    if call.function in writer.scene.context.networks and not writer.scene.scope.inside:
        return _network(writer, call, indices)
    return library.function(writer, call, indices)


def _network(writer: Translator, call: Call, indices: Indices) -> Formula:
    """A network works on whole vectors: the index of its output stands behind it."""
    (argument,) = call.arguments
    inside = reductions.without(indices, (FEATURE,))
    last = tuple(axis for axis in writer.scene.axes(call) if axis.name in {"feature", "prototype"})
    return reductions.outside(Apply(call.function, (writer.write(argument, inside),)), writer, last, indices)


# ---------------------------------------------------------------- size, same, local


def _size(writer: Translator, call: Call, _indices: Indices) -> Formula:
    axes = writer.scene.axes_named(call.arguments[1])
    sizes = tuple(writer.scene.size(axis) for axis in axes)
    return sizes[0] if len(sizes) == 1 else Product(sizes)


def _same(writer: Translator, call: Call, indices: Indices) -> Formula:
    """The identity matrix, or Kronecker's delta where its indices are written out."""
    (axis,) = writer.scene.axes_named(call.arguments[0])
    if axis not in indices and axis.primed() not in indices:
        return Symbol("identity")
    below, above = writer.placed((axis, axis.primed()), indices)
    return scripted(Symbol("delta"), below, above)


def _local(writer: Translator, call: Call, indices: Indices) -> Formula:
    """A mean over groups of rows."""
    options: dict[str, Expression] = {keyword.name: keyword.value for keyword in call.keywords}
    rows = writer.number(options["rows"])
    random = "random " if _flag(options.get("shuffle")) else ""
    below = Phrase((f"{random}groups of ", rows, " rows"))
    return Big("mean", (below,), writer.write(call.arguments[0], reductions.without(indices, (VIEW,))))


def _flag(expression: Expression | None) -> bool:
    """Whether an option is `true`."""
    return getattr(expression, "id", "") == "true"


_SPECIAL: dict[str, Callable[[Translator, Call, Indices], Formula]] = {"size": _size, "same": _same, "local": _local}
