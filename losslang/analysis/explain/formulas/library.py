"""Calls of functions of the library or the method; some have a notation of their own, by the table below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from losslang.analysis.explain.formulas.products import primed
from losslang.analysis.explain.formulas.reductions import Arguments, Row, divisor, outside, without
from losslang.analysis.explain.notation.formula import Apply, Formula, Phrase, Prefix, Symbol, added, scripted
from losslang.objective.axes import AXIS_NAMES, BATCH, FEATURE, VIEW, Axis
from losslang.syntax.tree import Call, Definition, DefinitionParameter, Expression, Items, Name

if TYPE_CHECKING:
    from losslang.analysis.explain.formulas.scene import Indices
    from losslang.analysis.explain.formulas.translate import Translator

__all__ = ["STANDARD", "function"]


def function(writer: Translator, call: Call, indices: Indices) -> Formula:
    """The formula of a call: its own notation, or name(arguments) with the indices of its value behind it."""
    definition = writer.scene.library(call.function)
    assert definition is not None, call.function
    arguments = _match(call, definition)
    if call.function in ROWS:
        return ROWS[call.function](writer, call, arguments, indices)
    values: list[Formula] = []
    inside: set[Axis] = set()
    for parameter in definition.parameters:
        if parameter.name in arguments and not _default(writer, parameter, arguments[parameter.name]):
            argument = arguments[parameter.name]
            mapped = _mapped(writer, argument, parameter)
            inside |= mapped
            values.append(_argument(writer, argument, parameter, {a: i for a, i in indices.items() if a in mapped}))
    rest = tuple(axis for axis in writer.scene.axes(call) if axis not in inside)
    return outside(Apply(call.function, tuple(values)), writer, rest, indices)


def _match(call: Call, definition: Definition) -> Arguments:
    names = [parameter.name for parameter in definition.parameters]
    given = dict(zip(names, call.arguments, strict=False))
    return given | {keyword.name: keyword.value for keyword in call.keywords}


def _default(writer: Translator, parameter: DefinitionParameter, argument: Expression) -> bool:
    """Whether an argument is what would be taken without it."""
    default = parameter.default
    if isinstance(default, Name | Items) and isinstance(argument, Name | Items):
        return writer.scene.axes_named(argument) == writer.scene.axes_named(default)
    return default == argument


def _mapped(writer: Translator, argument: Expression, parameter: DefinitionParameter) -> set[Axis]:
    """The axes of an argument that the function is computed for each entry of."""
    axes = set(writer.scene.axes(argument))
    if parameter.axes is None:
        return axes & {VIEW}
    return axes - {Axis(name.id, name.primes) for name in parameter.axes}


def _argument(writer: Translator, argument: Expression, parameter: DefinitionParameter, indices: Indices) -> Formula:
    """A value; an axis with the word that names it."""
    items = argument.items if isinstance(argument, Items) else (argument,)
    if isinstance(parameter.default, Name | Items) and all(isinstance(i, Name) and i.id in AXIS_NAMES for i in items):
        axes = " and ".join(f"{i.id}{'′' * i.primes}" for i in items if isinstance(i, Name))
        return Phrase((f"over {axes}",))
    return writer.write(argument, indices)


# ---------------------------------------------------------------- notations of their own


def _similarity(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    """The cosine of two rows: sim(x_i, y_j)."""
    pairs = writer.scene.axes_named(arguments["pairs"]) if "pairs" in arguments else (BATCH,)
    inside = without(indices, (FEATURE,))
    x, y = writer.write(arguments["x"], inside), writer.write(arguments["y"], primed(inside, pairs))
    return Apply("sim", (x, y))


def _matrix_axis(writer: Translator, arguments: Arguments) -> Axis:
    axis = arguments.get("axis")
    return writer.scene.axes_named(axis)[0] if axis is not None else FEATURE


def _diag(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    """The entries with two equal indices."""
    axis = _matrix_axis(writer, arguments)
    if axis not in indices:
        return Apply("diag", (writer.write(arguments["m"], indices),))
    return writer.write(arguments["m"], {**indices, axis.primed(): indices[axis]})


def _offdiag(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    axes = _matrix_axis(writer, arguments), _matrix_axis(writer, arguments).primed()
    inner = Apply("offdiag", (writer.write(arguments["m"], without(indices, axes)),))
    return outside(inner, writer, axes, indices)


def _trace(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    axis = _matrix_axis(writer, arguments)
    return Apply("tr", (writer.write(arguments["m"], without(indices, (axis, axis.primed()))),))


def _eye(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    axis = _matrix_axis(writer, arguments)
    below, above = writer.placed((axis, axis.primed()), indices)
    return scripted(Symbol("delta") if below or above else Symbol("identity"), below, above)


def _covariance(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    """Cov(z), Cov(x, y), with its divisor where that is not n."""
    axes = writer.scene.axes_named(arguments["over"]) if "over" in arguments else (BATCH,)
    inside = {axis: letter for axis, letter in indices.items() if axis == VIEW}
    values = tuple(writer.write(arguments[name], inside) for name in ("z", "x", "y") if name in arguments)
    name = Apply("Cov", values, above=divisor(writer, arguments.get("ddof"), axes))
    return outside(name, writer, (FEATURE, FEATURE.primed()), indices)


def _logaddexp(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    x, y = (Prefix("exp", writer.write(arguments[name], indices)) for name in ("x", "y"))
    return Prefix("log", added(x, y))


ROWS: dict[str, Row] = {
    "similarity": _similarity,
    "diag": _diag,
    "offdiag": _offdiag,
    "trace": _trace,
    "eye": _eye,
    "cov": _covariance,
    "cross_cov": _covariance,
    "logaddexp": _logaddexp,
}

STANDARD = frozenset({"diag", "offdiag", "trace", "eye", "logaddexp"})
"""Functions whose notation says all: no formula is shown below."""
