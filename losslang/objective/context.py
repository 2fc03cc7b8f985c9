"""What elaboration carries: the whole method (`Context`) and the names in sight (`Scope`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from losslang.diagnostics import NOWHERE, Label, Report, Span
from losslang.objective.axes import Axis, Type
from losslang.objective.budget import Budget
from losslang.objective.graph import Application, Attribute, Builder, Node, State
from losslang.objective.networks import Network
from losslang.objective.parameters import ParameterValue, compute
from losslang.objective.rules import Problem, Typed
from losslang.objective.schedules import Schedule
from losslang.objective.views import Views, ViewSet
from losslang.syntax.tree import Definition, Entry

__all__ = ["FOLDED", "Context", "Library", "Scope", "Value", "is_infinite", "static_value"]

Value: TypeAlias = Typed | ViewSet | tuple[Axis, ...]
"""What a name can stand for: a tensor, views (a loop name), or axes (a parameter such as axis=feature)."""

Library: TypeAlias = Mapping[str, Definition]


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
    constants: dict[int, int | float | None] = field(default_factory=dict)
    budget: Budget = field(init=False)

    def __post_init__(self) -> None:
        self.budget = Budget(self.report)

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
        if trains is None:
            trains = frozenset().union(*(node.trains for node in inputs))
        node = self.builder.make(op, inputs, attributes, type_, trains, span, scope.inside)
        self.budget.note(node)
        return Typed(node, span)

    def constant(self, node: Node) -> int | float | None:
        """The value of a constant scalar, None where it depends on data or changes from step to step."""
        return static_value(node, self.parameters, self.constants)

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


FOLDED = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "^"}
"""The operations of constants that are computed at once, and their signs."""


def static_value(
    node: Node, parameters: Mapping[str, ParameterValue], values: dict[int, int | float | None] | None = None
) -> int | float | None:
    """The value of a constant scalar, None where it depends on data or changes from step to step.

    `values` remembers those found before, by number of node.
    """
    values = {} if values is None else values
    stack = [node]
    while stack:
        top = stack[-1]
        waiting = [child for child in top.inputs if child.number not in values] if top.op in _STATIC else []
        if waiting:
            stack += waiting
            continue
        values[top.number] = _folded(stack.pop(), values, parameters)
    return values[node.number]


FUNCTIONS: dict[str, Callable[..., float]] = {
    "negative": lambda x: -x,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "abs": abs,
    "relu": lambda x: max(x, 0),
    "tanh": math.tanh,
    "sin": math.sin,
    "cos": math.cos,
    "maximum": max,
    "minimum": min,
}
"""The functions of constants that are computed at once."""

_STATIC = {*FOLDED, *FUNCTIONS}


def _folded(
    node: Node, values: Mapping[int, int | float | None], parameters: Mapping[str, ParameterValue]
) -> int | float | None:
    """The value of a node whose operands have one."""
    if node.op == "constant":
        value = node["value"]
        assert isinstance(value, int | float)
        return value
    if node.op == "parameter":
        found = parameters.get(str(node["name"]))
        return None if found is None or isinstance(found.value, Schedule) else found.value
    operands = [value for child in node.inputs if (value := values.get(child.number)) is not None]
    if node.op not in _STATIC or len(operands) < len(node.inputs):
        return None
    if node.op in FOLDED:
        return compute(FOLDED[node.op], *operands)
    try:
        return FUNCTIONS[node.op](*operands)
    except (ValueError, OverflowError):
        return None


def is_infinite(node: Node, context: Context) -> bool:
    """Whether a value is a constant that divides by zero, or is too large or no number."""
    known = node.op in _STATIC and all(context.constant(child) is not None for child in node.inputs)
    return known and context.constant(node) is None
