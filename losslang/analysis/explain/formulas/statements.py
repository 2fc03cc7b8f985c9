"""Equations: a definition, a term, a function or an update of state, with the indices its two sides need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from losslang.analysis.explain.formulas.library import ROWS
from losslang.analysis.explain.formulas.reductions import bind
from losslang.analysis.explain.formulas.scene import Indices, Scene
from losslang.analysis.explain.formulas.translate import Translator
from losslang.analysis.explain.notation.formula import Apply, Formula, Numeral, Phrase, Symbol, added, product, scripted
from losslang.objective.axes import FEATURE, Axis
from losslang.objective.calls import match_arguments
from losslang.objective.operations import OPERATIONS, STATEFUL
from losslang.syntax.tree import Binary, Call, Definition, Expression, Keyword, Name, Unary
from losslang.syntax.walk import children

__all__ = ["Statement", "definition", "function", "term"]


@dataclass(frozen=True)
class Statement:
    """`name = formula`, or `name ← formula` for state."""

    name: str
    left: Formula
    right: Formula
    sign: str = "="

    @property
    def equation(self) -> tuple[Formula, str, Formula]:
        """Left side, sign, right side."""
        return self.left, self.sign, self.right


def term(scene: Scene, name: str, expression: Expression) -> Statement:
    """A term of the objective, which may have the name of its weight: L with its name below."""
    return Statement(name, scripted(Symbol("loss"), (Symbol(name),)), Translator(scene).write(expression, {}))


def definition(scene: Scene, name: str, expression: Expression, axes: tuple[Axis, ...]) -> Statement:
    """A definition of the method, whose value has `axes`."""
    if isinstance(expression, Call) and expression.function in STATEFUL:
        return _state(scene, name, expression)
    return _equation(scene, name, scene.symbol(name), expression, axes)


def _equation(scene: Scene, name: str, symbol: Symbol, expression: Expression, axes: tuple[Axis, ...]) -> Statement:
    writer = Translator(scene)
    indices = _indices(writer, expression, axes)
    below, above = writer.placed(axes, indices)
    return Statement(name, scripted(symbol, below, above), writer.write(expression, indices))


# ---------------------------------------------------------------- which indices both sides need


def _indices(writer: Translator, expression: Expression, axes: tuple[Axis, ...]) -> Indices:
    """Indices for the axes of a value that stand beside a copy of themselves somewhere in its expression."""
    if isinstance(expression, Call) and not expression.loops and _opaque(writer.scene, expression):
        return {}
    paired = {axis.name for part in _visible(writer.scene, expression) for axis in _copies(writer.scene, part)}
    return bind(writer, tuple(axis for axis in axes if axis.name in paired), {})


def _copies(scene: Scene, expression: Expression) -> Iterator[Axis]:
    """The axes that an expression has twice, and those of rows that it works along; matrices of features stay whole."""
    for axis in scene.axes(expression):
        if axis.primes and axis.name != FEATURE.name:
            yield axis
    if isinstance(expression, Call) and expression.function in {"softmax", "log_softmax"}:
        over = [axis for k in expression.keywords if k.name == "over" for axis in scene.axes_named(k.value)]
        yield from (axis for axis in over if axis.name not in {"feature", "prototype"})


def _opaque(scene: Scene, call: Call) -> bool:
    """Whether a call is written as name(arguments), whole values inside."""
    return scene.library(call.function) is not None and call.function not in ROWS


_MATRICES = {"logdet", "matrix_log", "inverse_root", "eigenvalues", "trace", "nuclear_norm"}


def _visible(scene: Scene, expression: Expression) -> Iterator[Expression]:
    """The parts of an expression whose indices may be written out."""
    yield expression
    if isinstance(expression, Call) and (expression.function in _MATRICES or _opaque(scene, expression)):
        return
    if isinstance(expression, Call) and expression.loops:
        scene = scene.loop(expression)
    for part in children(expression):
        if isinstance(part, Call | Binary | Unary | Name) and not (isinstance(part, Name) and part.primes):
            yield from _visible(scene, part)


# ---------------------------------------------------------------- functions


def function(scene: Scene, row: Definition) -> tuple[Statement, tuple[Statement, ...]]:
    """A function of the library or the method, and what it binds before its last expression."""
    inner, values = scene.inside(row)
    bindings = tuple(
        _equation(inner, entry.name, inner.symbol(entry.name), entry.value, inner.axes(Name(entry.name)))
        for entry in row.bindings
        if entry.value is not None and entry.name not in inner.masks
    )
    assert row.body is not None
    axes = inner.axes(row.body)
    writer = Translator(inner)
    indices = _indices(writer, row.body, axes)
    call = Call(row.name, (), tuple(Keyword(name, Name(name)) for name in values))
    left = writer.write(call, indices)
    return Statement(row.name, left, writer.write(row.body, indices)), bindings


# ---------------------------------------------------------------- state


def _state(scene: Scene, name: str, call: Call) -> Statement:
    arguments = match_arguments(call, OPERATIONS[call.function], scene.scope)
    writer = Translator(scene)
    symbol = scene.symbol(name)
    value = writer.write(arguments["x"], {})
    options = {key: writer.number(e) for key, e in arguments.items() if key in {"size", "count"}}
    if call.function == "running":
        momentum = writer.write(arguments["momentum"], {})
        share = product(added(Numeral("1"), momentum, minus=True), value)
        return Statement(name, symbol, added(product(momentum, symbol), share), "update")
    if call.function == "queue":
        return Statement(name, symbol, Phrase(("the last ", options["size"], " rows of ", value)), "update")
    if call.function == "memory":
        return Statement(name, symbol, Phrase((value, " at the last visit of each image")), "update")
    count = options["count"]
    return Statement(name, symbol, Apply("kmeans", (value,), (count,)), "update")
