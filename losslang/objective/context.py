"""What elaboration carries: the whole method (`Context`) and the names in sight (`Scope`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from losslang.diagnostics import NOWHERE, Label, Report, Span
from losslang.objective.axes import Axis, Type
from losslang.objective.graph import Application, Attribute, Builder, Node, State
from losslang.objective.networks import Network
from losslang.objective.parameters import ParameterValue
from losslang.objective.rules import Problem, Typed
from losslang.objective.schedules import Schedule
from losslang.objective.views import Views, ViewSet
from losslang.syntax.tree import Definition, Entry

__all__ = ["Context", "Library", "Scope", "Value", "static_value"]

Value: TypeAlias = Typed | ViewSet | tuple[Axis, ...]
"""What a name can stand for: a tensor, views (a loop name), or axes (a parameter such as axis=feature)."""

Library: TypeAlias = Mapping[str, Definition]

MAX_NODES = 200_000
MAX_PAIRS = 10_000


@dataclass(frozen=True)
class Grouping:
    """`local`: consecutive groups of `rows` rows, after a random permutation if `shuffle`."""

    rows: int
    shuffle: bool


@dataclass(frozen=True)
class Scope:
    """The names in sight; inside a definition only its own.

    In one of the library (`hidden`), places are those of the user's call that led here, `span`.
    """

    names: Mapping[str, Value] = field(default_factory=dict)
    mapped: frozenset[Axis] = frozenset()
    inside: tuple[str, ...] = ()
    hidden: bool = False
    span: Span = NOWHERE
    grouping: Grouping | None = None

    def bind(self, name: str, value: Value) -> Scope:
        """The scope with one more name."""
        return replace(self, names={**self.names, name: value})

    @property
    def loops(self) -> dict[str, ViewSet]:
        """The loop names in sight."""
        return {name: value for name, value in self.names.items() if isinstance(value, ViewSet)}


@dataclass
class Context:
    """One method being elaborated."""

    report: Report
    views: Views
    parameters: dict[str, ParameterValue]
    networks: dict[str, Network | None]
    network_entries: Mapping[str, Entry]
    define: Mapping[str, Entry]
    functions: Mapping[str, Definition]
    library: Library
    feature_sizes: Mapping[str, int]
    input_sizes: Mapping[str, int] = field(default_factory=dict)
    cap: int | None = None  # the largest feature size, for analysis on small arrays
    builder: Builder = field(default_factory=Builder)
    defined: dict[str, Typed | None] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)
    applications: list[Application] = field(default_factory=list)
    used: set[tuple[str, str]] = field(default_factory=set)
    inputs: dict[str, tuple[int | str, str, Span]] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()  # parameters reported as wrong: silent afterwards
    pairs: int = 0

    def make(
        self,
        op: str,
        inputs: tuple[Node, ...],
        attributes: tuple[tuple[str, Attribute], ...],
        type_: Type,
        span: Span,
        scope: Scope,
        trains: frozenset[str] | None = None,
    ) -> Typed:
        """A node and its place."""
        if len(self.builder.nodes) > MAX_NODES:
            raise Problem("E407", "this objective unrolls to more than 200,000 operations", help="use fewer views")
        if trains is None:
            trains = frozenset().union(*(node.trains for node in inputs))
        return Typed(self.builder.make(op, inputs, attributes, type_, trains, span, scope.inside), span)

    def problem(self, problem: Problem, span: Span) -> None:
        """Record a broken rule at the first of its labels, or at `span`; one without a code was recorded before."""
        if not problem.code:
            return
        labels = list(problem.labels)
        if labels:
            span, label = labels[0]
            rest = [Label(place, text) for place, text in labels[1:]]
            self.report.add(problem.code, problem.message, span, label=label, labels=rest, help=problem.help)
        else:
            self.report.add(problem.code, problem.message, span, help=problem.help)


_FOLD: dict[str, Callable[[float, float], object]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "power": lambda a, b: a**b,
}


def static_value(node: Node, parameters: Mapping[str, ParameterValue]) -> int | float | None:
    """The value of a constant scalar, None where it depends on data or changes from step to step."""
    if node.op == "constant":
        value = node["value"]
        assert isinstance(value, int | float)
        return value
    if node.op == "parameter":
        found = parameters.get(str(node["name"]))
        return None if found is None or isinstance(found.value, Schedule) else found.value
    if node.op == "negative":
        inner = static_value(node.inputs[0], parameters)
        return None if inner is None else -inner
    if node.op in _FOLD:
        left, right = (static_value(child, parameters) for child in node.inputs)
        if left is None or right is None:
            return None
        try:
            folded = _FOLD[node.op](left, right)
        except (ZeroDivisionError, OverflowError):
            return None
        return folded if isinstance(folded, int | float) else None
    return None
