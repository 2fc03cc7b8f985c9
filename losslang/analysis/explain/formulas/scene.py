"""Where an expression stands: the type of each of its parts, and the letters its indices may take.

The types are those of the type checker itself, asked again for parts of expressions; nothing is inferred twice.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from losslang.analysis.explain.notation.formula import Apply, Formula, Relation, Symbol
from losslang.analysis.explain.notation.glyphs import LETTERS, PARAMETERS, SIZES
from losslang.diagnostics import Report
from losslang.library import shipped_library
from losslang.objective import elaborate as expressions
from losslang.objective.axes import AXIS_NAMES, BATCH, VIEW, Axis, Dim, Type
from losslang.objective.calls import read_axes
from losslang.objective.context import Context, Scope, Value, static_value
from losslang.objective.graph import Application
from losslang.objective.operations import OPERATIONS
from losslang.objective.resolve import Resolved
from losslang.objective.rules import Problem, Typed
from losslang.objective.spec import Spec
from losslang.objective.views import ViewSet, read_view_set
from losslang.syntax.tree import Call, Definition, DefinitionParameter, Expression, Items, Loop, Name, Number, Text

__all__ = ["Indices", "Legend", "Scene", "method_scene"]

Indices = Mapping[Axis, Formula]
"""What stands at each axis that is written out as an index."""


@dataclass
class Legend:
    """Which letters stand for the places along an axis, and for the number of its entries; how many random directions."""

    letters: dict[str, dict[str, None]] = field(default_factory=dict)
    sizes: dict[str, str] = field(default_factory=dict)
    directions: str = ""


@dataclass
class Scene:
    """The names in sight of one expression, with the letters that are taken."""

    context: Context
    scope: Scope
    symbols: Mapping[str, str]
    taken: frozenset[str]
    legend: Legend
    masks: Mapping[str, Expression] = field(default_factory=dict)
    applied: Mapping[str, Application] = field(default_factory=dict)
    _types: dict[int, tuple[Expression, Type]] = field(default_factory=dict)

    # ------------------------------------------------------------ types

    def type(self, expression: Expression | None) -> Type:
        """The type of a part; without axes where it is no value."""
        if expression is None:
            return Type()
        if id(expression) not in self._types:
            self._types[id(expression)] = (expression, self._find_type(expression))
        return self._types[id(expression)][1]

    def axes(self, expression: Expression | None) -> tuple[Axis, ...]:
        """The axes of a part, in layout order."""
        return self.type(expression).axes

    def _find_type(self, expression: Expression) -> Type:
        if isinstance(expression, Items | Text):
            return Type()
        if isinstance(expression, Name) and (expression.primes or not isinstance(self._named(expression), Typed)):
            return Type()
        value = expressions.elaborate(expression, self.context, self.scope)
        return Type() if value is None else value.type

    def _named(self, name: Name) -> Value | None:
        if name.id in self.scope.names:
            return self.scope.names[name.id]
        if self.scope.inside or name.id in AXIS_NAMES or self.context.views.named(name.id) is not None:
            return None
        return expressions.elaborate(name, self.context, self.scope)

    # ------------------------------------------------------------ names

    def axes_named(self, expression: Expression) -> tuple[Axis, ...]:
        """The axes that `over=` or `pairs=` lists."""
        return read_axes(expression, self.scope) or ()

    def views(self, expression: Expression) -> ViewSet:
        """The views that an index or the domain of a loop names."""
        found = read_view_set(expression, self.context.views, self.scope.loops, self.context.report)
        assert found is not None
        return found

    def symbol(self, name: str) -> Symbol:
        """How a name is written."""
        return Symbol(self.symbols.get(name, name))

    def domain(self, labels: tuple[str, ...]) -> Formula | None:
        """The name of a set of views; None for all of them."""
        views = self.context.views
        if not labels or labels == views.all.names:
            return None
        groups: list[Formula] = [
            self.symbol(name) for name, group in views.groups.items() if set(group.names) <= set(labels)
        ]
        return functools.reduce(_union, groups) if groups else None

    def size(self, axis: Axis) -> Formula:
        """The number of entries along an axis."""
        letter = SIZES.get(axis.name, axis.name)
        own = self.context.define.get(letter)
        free = letter not in self.taken or (own is not None and self.is_size(own.value, axis))
        if free:
            self.legend.sizes[axis.name] = letter
        return Symbol(letter) if free else Apply("size", (Symbol(axis.name),))

    def is_size(self, expression: Expression | None, axis: Axis | None = None) -> bool:
        """Whether an expression is the number of entries along an axis (`axis`, or the one its letter stands for)."""
        if not isinstance(expression, Call) or expression.function != "size" or len(expression.arguments) != 2:
            return False
        axes = self.axes_named(expression.arguments[1])
        return len(axes) == 1 and axis in {None, axes[0]}

    def number(self, expression: Expression) -> int | float | None:
        """The value of a constant of the method; None inside a function, where it may depend on what that is given."""
        if self.scope.inside:
            return None
        value = expressions.elaborate(expression, self.context, self.scope)
        return None if value is None else static_value(value.node, self.context.parameters)

    def letter(self, axis: Axis, used: Iterable[Formula]) -> Formula:
        """A free letter for an axis."""
        gone = {formula.name for formula in used if isinstance(formula, Symbol)} | self.taken
        found = next((letter for letter in LETTERS[axis.name] if letter not in gone), axis.name)
        self.legend.letters.setdefault(axis.name, {})[found] = None
        return Symbol(found)

    def library(self, name: str) -> Definition | None:
        """A definition of the method or of the library."""
        return self.context.functions.get(name) or self.context.library.get(name)

    # ------------------------------------------------------------ further scenes

    def bind(self, names: Mapping[str, Value], masks: Mapping[str, Expression] | None = None) -> Scene:
        """The scene with more names in sight."""
        scope = self.scope
        for name, value in names.items():
            scope = scope.bind(name, value)
        masks = {**self.masks, **(masks or {})}
        return Scene(self.context, scope, self.symbols, self.taken | set(names), self.legend, masks, self.applied)

    def loop(self, call: Call) -> Scene:
        """Inside a loop: each of its names is one view, the first combination of its domain."""
        return self.bind({loop.name: ViewSet(self.views(loop.domain).names[:1], single=True) for loop in call.loops})

    def inside(self, definition: Definition) -> tuple[Scene, dict[str, Typed]]:
        """Inside a definition, on values of the axes that it declares, or that its body can work on."""
        for bound, mapped in self._arguments(definition):
            scene = self._enter(definition, bound, mapped)
            if scene is not None:
                return scene, {name: value for name, value in bound.items() if isinstance(value, Typed)}
        raise Problem("E201", f"no arguments fit `{definition.name}`")

    def _enter(self, definition: Definition, bound: Mapping[str, Value], mapped: frozenset[Axis]) -> Scene | None:
        context = self._apart()
        mine = {name: PARAMETERS.get(name, name) for name in bound}
        bindings = {entry.name for entry in definition.bindings}
        taken = frozenset({*mine.values(), *bindings})
        scope = Scope(bound, mapped, inside=(definition.name,), hidden=True)
        scene = Scene(context, scope, _unambiguous(mine), taken, self.legend)
        for entry in definition.bindings:
            assert entry.value is not None
            value = expressions.elaborate(entry.value, context, scene.scope)
            if value is None:
                return None
            masks = {entry.name: entry.value} if value.type.kind == "mask" else {}
            scene = scene.bind({entry.name: value}, masks)
        assert definition.body is not None
        fits = expressions.elaborate(definition.body, context, scene.scope) is not None
        return scene if fits and not context.report.has_errors else None

    def _apart(self) -> Context:
        """The same method with a report of its own, for trials."""
        c = self.context
        return Context(
            Report(), c.views, c.parameters, c.networks, c.network_entries, c.define, c.functions, c.library, {}
        )

    def _arguments(self, definition: Definition) -> Iterator[tuple[dict[str, Value], frozenset[Axis]]]:
        """Values for the parameters: declared axes, defaults, numbers; for the others, candidates in turn.

        With them, the axes that the definition is computed for each entry of, and that its reductions leave.
        """
        annotated = any(parameter.axes is not None for parameter in definition.parameters)
        open_ = [p for p in definition.parameters if p.axes is None and p.default is None]
        open_ = [p for p in open_ if not annotated and p.name not in _NUMBERS]
        if definition.name in self.applied and definition.name in self.context.functions:
            application = self.applied[definition.name]
            yield self._given(definition, application), application.mapped
        if len(open_) > _MOST:
            return
        combinations = sorted(itertools.product(_CANDIDATES, repeat=len(open_)), key=_oddness)
        for row in combinations:
            chosen = {p.name: axes for p, axes in zip(open_, row, strict=True)}
            yield {p.name: self._argument(p, chosen.get(p.name)) for p in definition.parameters}, frozenset()

    def _given(self, definition: Definition, application: Application) -> dict[str, Value]:
        """The values that a call in the method gave."""
        given = {name: Typed(node, self.scope.span) for name, node in application.arguments}
        return {p.name: given.get(p.name) or self._argument(p, None) for p in definition.parameters}

    def _argument(self, parameter: DefinitionParameter, axes: tuple[Axis, ...] | None) -> Value:
        if parameter.axes is not None:
            axes = tuple(Axis(name.id, name.primes) for name in parameter.axes)
        if axes is not None:
            return self._example(parameter.name, axes)
        if isinstance(parameter.default, Name | Items):
            return read_axes(parameter.default, Scope()) or ()
        default = parameter.default or Number(1, "1")
        value = expressions.elaborate(default, self.context, Scope(inside=("",)))
        assert value is not None
        return value

    def _example(self, name: str, axes: tuple[Axis, ...]) -> Typed:
        labels = self.context.views.all.names
        dims = [
            Dim(axis, len(labels), labels) if axis == VIEW else Dim(axis, f"{axis.name} of a value") for axis in axes
        ]
        span = self.scope.span
        return self.context.make("argument", (), (("name", name),), Type.of(dims), span, Scope())


_CANDIDATES = tuple(
    tuple(Axis(word.rstrip("'"), word.count("'")) for word in row.split())
    for row in ("batch feature", "feature feature'", "batch prototype", "queue feature")
)


def _union(left: Formula, right: Formula) -> Formula:
    return Relation("union", left, right)


def _oddness(row: tuple[tuple[Axis, ...], ...]) -> tuple[bool, int]:
    """Candidates with rows of the batch first, and of them those that are all alike."""
    return BATCH not in {axis for axes in row for axis in axes}, len(set(row))


_MOST = 4  # open parameters whose axes are found by trial
_NUMBERS = {p.name for row in OPERATIONS.values() for p in row.parameters if p.kind in {"number", "integer"}}


def _unambiguous(symbols: Mapping[str, str]) -> dict[str, str]:
    """Letters for names; the name itself where two would share one, or another is called so."""
    found: dict[str, str] = {}
    for name, letter in symbols.items():
        clash = letter in found.values() or (letter != name and letter in symbols)
        found[name] = name if clash else letter
    return found


def method_scene(spec: Spec, resolved: Resolved) -> Scene:
    """The names of a whole method."""
    context = Context(
        report=Report(),
        views=spec.view_set,
        parameters=spec.parameters,
        networks=dict(spec.networks),
        network_entries=resolved.networks,
        define=resolved.define,
        functions=resolved.functions,
        library=shipped_library(),
        feature_sizes={},
    )
    names = [*resolved.define, *spec.parameters, *spec.view_set.groups, *resolved.networks]
    symbols = _unambiguous({name: PARAMETERS.get(name, name) if name in spec.parameters else name for name in names})
    loops = {loop.name for entry in resolved.objective.values() for loop in _loops(entry.value)}
    loops |= {loop.name for entry in resolved.define.values() for loop in _loops(entry.value)}
    applied = {application.name: application for application in reversed(spec.graph.applications)}
    taken = frozenset({*symbols.values(), *loops})
    return Scene(context, Scope(), symbols, taken, Legend(), applied=applied)


def _loops(expression: Expression | None) -> Iterator[Loop]:
    from losslang.syntax.walk import walk

    if expression is None:
        return
    for part, _ in walk(expression):
        if isinstance(part, Call):
            yield from part.loops
