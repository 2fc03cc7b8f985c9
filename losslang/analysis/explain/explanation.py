"""Everything `explain` says of a method, before it is laid out as text, a page or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from losslang.analysis.explain.crossings import Crossing, crossings
from losslang.analysis.explain.formulas import statements
from losslang.analysis.explain.formulas.library import STANDARD
from losslang.analysis.explain.formulas.scene import Legend, Scene, method_scene
from losslang.analysis.explain.formulas.statements import Statement
from losslang.analysis.explain.networks import NetworkRow, network_rows
from losslang.analysis.explain.notation.glyphs import GREEK
from losslang.analysis.explain.places import place
from losslang.analysis.explain.schedules import describe_number
from losslang.analysis.explain.states import StateRow, state_rows
from losslang.objective.mentions import names_in
from losslang.objective.resolve import Resolved
from losslang.objective.spec import Spec
from losslang.syntax.tree import Definition, Entry, Expression, Items, Name
from losslang.syntax.write import write_expression

__all__ = ["Explanation", "ParameterRow", "Primitive", "explain", "roles_of"]


@dataclass(frozen=True)
class Primitive:
    """A function of the library or the method: its formula, what it is for, and where it comes from."""

    statement: Statement
    bindings: tuple[Statement, ...]
    roles: tuple[str, ...]
    mechanism: str
    documentation: str
    defaults: tuple[tuple[str, str], ...]
    place: str


@dataclass(frozen=True)
class ParameterRow:
    """A parameter: the letter that stands for it, its value, and where that was set."""

    name: str
    symbol: str
    value: str
    place: str


@dataclass(frozen=True)
class Explanation:
    """A method explained."""

    spec: Spec
    terms: tuple[Statement, ...]
    definitions: tuple[Statement, ...]
    primitives: tuple[Primitive, ...]
    networks: tuple[NetworkRow, ...]
    parameters: tuple[ParameterRow, ...]
    states: tuple[StateRow, ...]
    crossings: tuple[Crossing, ...]
    legend: Legend

    @property
    def roles(self) -> tuple[str, ...]:
        """What the terms do for the embeddings."""
        return roles_of(self.spec)


def roles_of(spec: Spec) -> tuple[str, ...]:
    """The roles that the functions called by the method itself declare, each once, in order of use."""
    roles = (role for application in spec.graph.applications if application.depth == 0 for role in application.roles)
    return tuple(dict.fromkeys(roles))


def explain(spec: Spec, resolved: Resolved) -> Explanation:
    """What there is to say of a method; `resolved` is the document that it was typed from."""
    scene = method_scene(spec, resolved)
    needed = list(_needed(resolved))
    return Explanation(
        spec,
        tuple(statements.term(scene, name, entry) for name, entry in _expressions(resolved.objective)),
        tuple(_definitions(scene, spec, resolved, needed)),
        tuple(_primitives(scene, resolved, needed)),
        network_rows(spec, resolved),
        tuple(_parameters(scene, spec)),
        state_rows(spec),
        crossings(spec),
        scene.legend,
    )


def _expressions(entries: Mapping[str, Entry]) -> Iterator[tuple[str, Expression]]:
    for name, entry in entries.items():
        if entry.value is not None:
            yield name, entry.value


# ---------------------------------------------------------------- definitions


def _needed(resolved: Resolved) -> Iterator[str]:
    """The definitions that the terms use, each after those that it uses itself."""
    values = dict(_expressions(resolved.define))
    done: set[str] = set()

    def visit(expression: Expression) -> Iterator[str]:
        for name in names_in(expression):
            if name in values and name not in done:
                done.add(name)
                yield from visit(values[name])
                yield name

    for _, expression in _expressions(resolved.objective):
        yield from visit(expression)


def _definitions(scene: Scene, spec: Spec, resolved: Resolved, needed: list[str]) -> Iterator[Statement]:
    values = dict(_expressions(resolved.define))
    for name in needed:
        statement = statements.definition(scene, name, values[name], spec.graph.definitions[name].type.axes)
        if statement.left != statement.right:  # d: size(z, feature) is what the legend says
            yield statement


# ---------------------------------------------------------------- functions


def _primitives(scene: Scene, resolved: Resolved, needed: list[str]) -> Iterator[Primitive]:
    values = dict(_expressions(resolved.define))
    expressions = [expression for _, expression in _expressions(resolved.objective)] + [values[name] for name in needed]
    for name in _functions(scene, expressions):
        row = scene.library(name)
        assert row is not None
        yield primitive(scene, row)


def _functions(scene: Scene, expressions: list[Expression]) -> Iterator[str]:
    """The functions that expressions call, and those that they call, in order of use."""
    waiting = list(expressions)
    done: set[str] = set()
    while waiting:
        for name in dict.fromkeys(names_in(waiting.pop(0))):
            row = scene.library(name)
            if row is None or name in done or name in STANDARD or name in scene.context.define:
                continue
            done.add(name)
            yield name
            waiting += [part for part in (*(entry.value for entry in row.bindings), row.body) if part is not None]


def primitive(scene: Scene, row: Definition) -> Primitive:
    """A function with its formula."""
    statement, bindings = statements.function(scene, row)
    options = dict(option for role in row.roles for option in role.options)
    defaults = tuple(
        (p.name, write_expression(p.default))
        for p in row.parameters
        if p.default is not None and not isinstance(p.default, Name | Items)  # an axis is no value
    )
    return Primitive(
        statement,
        bindings,
        tuple(role for group in row.roles for role in group.names),
        options.get("mechanism", ""),
        row.documentation,
        defaults,
        place(row.name_span),
    )


# ---------------------------------------------------------------- parameters


def _parameters(scene: Scene, spec: Spec) -> Iterator[ParameterRow]:
    for name, parameter in spec.parameters.items():
        letter = scene.symbol(name).name
        value = write_expression(parameter.expression) if parameter.value is None else describe_number(parameter.value)
        where = parameter.source if parameter.overridden else place(parameter.span)
        yield ParameterRow(name, letter if letter != name or letter in GREEK else "", value, where)
