"""The typed graph: every value of a method once, as a core operation applied to other values."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from losslang.diagnostics import Span
from losslang.objective.axes import Axis, Type
from losslang.objective.schedules import Schedule

__all__ = ["Application", "Attribute", "Builder", "Graph", "Node", "State", "Term", "walk", "walk_to"]

Attribute: TypeAlias = int | float | str | bool | Axis | tuple[Axis, ...] | tuple[float, ...] | Schedule | None


@dataclass(frozen=True, eq=False)
class Node:
    """A value: a core operation (`op`, a row of the table of operations), its operands and static options.

    `trains` names the networks that the gradient of this value reaches. `via` names the definitions that were inlined
    around it, outermost first; `span` is the place in the user's file.
    """

    op: str
    inputs: tuple[Node, ...]
    attributes: tuple[tuple[str, Attribute], ...]
    type: Type
    trains: frozenset[str]
    span: Span = field(repr=False)
    via: tuple[str, ...] = ()
    number: int = 0

    def __getitem__(self, name: str) -> Attribute:
        """A static option. Raises KeyError."""
        for key, value in self.attributes:
            if key == name:
                return value
        raise KeyError(name)

    def axes(self, name: str = "over") -> tuple[Axis, ...]:
        """An option that lists axes."""
        value = self[name]
        if isinstance(value, Axis):
            return (value,)
        assert isinstance(value, tuple)
        return tuple(axis for axis in value if isinstance(axis, Axis))


@dataclass
class Builder:
    """Makes nodes; equal operations on equal operands are one node, so a network applied twice is evaluated once."""

    nodes: dict[tuple[object, ...], Node] = field(default_factory=dict)

    def make(
        self,
        op: str,
        inputs: Iterable[Node],
        attributes: Iterable[tuple[str, Attribute]],
        type_: Type,
        trains: frozenset[str],
        span: Span,
        via: tuple[str, ...] = (),
    ) -> Node:
        """The node of this operation, made on first use."""
        inputs, attributes = tuple(inputs), tuple(attributes)
        key = (op, tuple(node.number for node in inputs), attributes, type_)
        if key not in self.nodes:
            self.nodes[key] = Node(op, inputs, attributes, type_, trains, span, via, len(self.nodes))
        return self.nodes[key]


@dataclass(frozen=True)
class Term:
    """A summand of the loss; `weight` is its leading scalar factor and `raw` what it multiplies, if it has one."""

    name: str
    value: Node
    span: Span
    weight: Node | None = None
    raw: Node | None = None


@dataclass(frozen=True)
class State:
    """A value that lives across steps: a running statistic or a queue, under the name of its definition."""

    name: str
    node: Node


@dataclass(frozen=True)
class Application:
    """A definition at work: its name, the values it was given, what it gave, and its declared roles.

    `mapped` are the axes for each of whose entries it is computed: its reductions leave them.
    """

    name: str
    arguments: tuple[tuple[str, Node], ...]
    result: Node
    roles: tuple[str, ...]
    options: tuple[tuple[str, str], ...]
    span: Span
    depth: int
    mapped: frozenset[Axis]


@dataclass(frozen=True)
class Graph:
    """The meaning of a method: its terms, whose sum is the loss, and its named values."""

    terms: tuple[Term, ...]
    definitions: dict[str, Node]
    states: tuple[State, ...]
    applications: tuple[Application, ...]

    def nodes(self) -> list[Node]:
        """Every value the loss or a state needs, operands first."""
        roots = [term.value for term in self.terms]
        roots += [term.raw for term in self.terms if term.raw is not None]
        roots += [state.node for state in self.states]
        return list(walk(roots))

    @property
    def results(self) -> list[Node]:
        """The values of the terms, and what the states become."""
        return [*(term.value for term in self.terms), *(state.node for state in self.states)]

    def down_to(self, given: Container[int]) -> list[Node]:
        """The nodes that the results are made of, operands first, without what lies under given ones (by number)."""
        return walk_to(self.results, given)


def walk(roots: Iterable[Node]) -> Iterator[Node]:
    """Every node under `roots` once, operands before what uses them (without recursion)."""
    seen: set[int] = set()
    for root in roots:
        stack: list[tuple[Node, bool]] = [(root, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                yield node
            elif node.number not in seen:
                seen.add(node.number)
                stack.append((node, True))
                stack.extend((child, False) for child in reversed(node.inputs) if child.number not in seen)


def walk_to(roots: Iterable[Node], given: Container[int]) -> list[Node]:
    """The nodes under `roots`, operands first, without what lies under given ones (by number)."""
    roots = list(roots)
    keep: set[int] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node.number not in keep:
            keep.add(node.number)
            if node.number not in given:
                stack.extend(node.inputs)
    return [node for node in walk(roots) if node.number in keep]
