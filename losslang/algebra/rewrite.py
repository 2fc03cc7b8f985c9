"""Rewriting of the typed graph by rows of a table, each an identity with its algebra beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from losslang.diagnostics import Span
from losslang.objective.axes import Axis, Type
from losslang.objective.fused import FUSED
from losslang.objective.graph import Application, Attribute, Builder, Graph, Node, State, Term, walk
from losslang.objective.operations import OPERATIONS
from losslang.objective.rules import Bound, Typed

__all__ = ["Maker", "Operand", "Overflow", "Rewritten", "Row", "mapped", "rewrite", "roots"]

CAP = 10_000
"""Rewrites of one graph after which it is taken not to end."""

SHOWN = 8  # of the last rewrites, where they do not end


class Overflow(Exception):
    """The rows undo each other; names the last ones used."""

    def __init__(self, last: Sequence[str]) -> None:
        self.last = tuple(last)
        super().__init__(f"the rewriting does not end; the last rows were {', '.join(self.last)}")


@dataclass(frozen=True)
class Row:
    """One identity: `rewrite` gives the equal value of a node, or None where the row does not fit.

    `ops` are the operations whose nodes it is tried on; every one where it is empty.
    """

    name: str
    algebra: str
    rewrite: Callable[[Node, Maker], Node | None]
    ops: frozenset[str] = frozenset()


@dataclass
class Maker:
    """Makes the nodes of the rewritten graph, typed by the rules of the operations; they keep the place of `at`.

    Every node that it gives is in its final form: the rows were applied to it until none fitted. `at` is the node of the old
    graph that is being rewritten, and `key` what equal values have in common and sums and products are sorted by.
    """

    rows: Sequence[Row] = ()
    cap: int = CAP
    key: Callable[[Node], str] = field(default=lambda node: f"{node.number:09}")
    builder: Builder = field(default_factory=Builder)
    at: Node | None = None
    used: Counter[str] = field(default_factory=Counter)
    last: list[str] = field(default_factory=list)
    made_by: dict[int, str] = field(default_factory=dict)
    final: dict[int, Node] = field(default_factory=dict)
    by_op: dict[str, tuple[Row, ...]] = field(default_factory=dict)
    open: dict[int, bool] = field(default_factory=dict)

    def call(self, op: str, *operands: Node, **options: Attribute) -> Node:
        """A core operation on values in the order of its parameters. Raises Problem where the types do not fit."""
        row = OPERATIONS.get(op) or FUSED[op]
        names = [p.name for p in row.parameters if p.kind in {"value", "mask"}]
        bound = Bound(op, {n: Typed(v, self.span) for n, v in zip(names, operands, strict=False)})
        for parameter in row.parameters:
            if parameter.kind not in {"value", "mask"}:
                default: Attribute = parameter.default  # type: ignore[assignment]
                bound.options[parameter.name] = options.get(parameter.name, default)
        type_ = row.rule(bound)
        attributes = tuple((key, value) for key, value in bound.options.items() if value is not None)
        cut = not row.gradient or type_.kind == "mask"
        trains = bound.values[row.through].node.trains if row.through else None
        return self.make(op, operands, attributes, type_, frozenset() if cut else trains)

    def constant(self, value: float) -> Node:
        """A number."""
        return self.make("constant", (), (("value", value),), Type())

    def size(self, node: Node, axis: Axis) -> Node:
        """The number of entries along an axis of a value."""
        dim = node.type.find(axis)
        assert dim is not None
        if dim.known is not None:
            return self.constant(dim.known)
        return self.make("size", (node,), (("axes", (axis,)),), Type(), frozenset())

    def again(self, node: Node, inputs: Iterable[Node]) -> Node:
        """The same operation on other operands of the same types."""
        made = (node.op, inputs, node.attributes, node.type, node.trains, node.span, node.via)
        return self._finished(self.builder.make(*made))

    def make(
        self,
        op: str,
        inputs: Iterable[Node],
        attributes: tuple[tuple[str, Attribute], ...],
        type_: Type,
        trains: frozenset[str] | None = None,
    ) -> Node:
        """A node of a known type; it trains what its operands train, if not told otherwise."""
        inputs = tuple(inputs)
        if trains is None:
            trains = frozenset[str]().union(*(node.trains for node in inputs))
        return self._finished(self.builder.make(op, inputs, attributes, type_, trains, self.span, self.via))

    def place(self, nodes: Iterable[Node]) -> None:
        """Give the nodes of the old graph, operands first, their places, before a row makes the same ones elsewhere."""
        new: dict[int, Node] = {}
        for node in nodes:
            inputs = [new[child.number] for child in node.inputs]
            made = (node.op, inputs, node.attributes, node.type, node.trains, node.span, node.via)
            new[node.number] = self.builder.make(*made)

    def _finished(self, node: Node) -> Node:
        """The node after every row that fits; a node that is being rewritten stands for itself."""
        if node.number in self.open:
            self.open[node.number] = True
            return node
        if node.number not in self.final:
            self.open[node.number] = False
            self.final[node.number] = self._rewritten(node)
            del self.open[node.number]
        return self.final[node.number]

    def _rewritten(self, node: Node) -> Node:
        for row in self._rows(node.op):
            before = len(self.builder.nodes)
            found = row.rewrite(node, self)
            if found is not None and found is not node:
                self._count(row)
                for number in range(before, len(self.builder.nodes)):
                    self.made_by.setdefault(number, row.name)
                if self.open[node.number]:  # the row led back to what it started from
                    raise Overflow(self.last[-SHOWN:])
                return found
            self.open[node.number] = False
        return node

    def _rows(self, op: str) -> tuple[Row, ...]:
        if op not in self.by_op:
            self.by_op[op] = tuple(row for row in self.rows if not row.ops or op in row.ops)
        return self.by_op[op]

    def _count(self, row: Row) -> None:
        self.used[row.name] += 1
        self.last.append(row.name)
        if self.used.total() > self.cap:
            raise Overflow(self.last[-SHOWN:])

    @property
    def span(self) -> Span:
        """The place that new nodes carry."""
        assert self.at is not None
        return self.at.span

    @property
    def via(self) -> tuple[str, ...]:
        """The definitions that new nodes are said to come from."""
        return self.at.via if self.at is not None else ()


@dataclass(frozen=True)
class Rewritten:
    """The graph in its new form, how often each row was used, and the row that made a node, by the node's number."""

    graph: Graph
    used: Counter[str]
    made_by: dict[int, str] = field(default_factory=dict)


Operand: TypeAlias = Callable[[Node, Node, Maker], Node]
"""What stands for an operand: made of the old operand, its new form and the maker."""


def rewrite(
    graph: Graph,
    rows: Iterable[Row],
    *,
    cap: int = CAP,
    key: Callable[[Node], str] | None = None,
    operand: Operand = lambda _old, new, _make: new,
    before: Rewritten | None = None,
) -> Rewritten:
    """Apply the rows wherever they fit, operands first, until none does; `before` is the rewriting that gave the graph.

    Raises Overflow after `cap` rewrites, or where a row leads back to what it started from.
    """
    maker = Maker(tuple(rows), cap) if key is None else Maker(tuple(rows), cap, key)
    nodes, new = list(walk(roots(graph))), dict[int, Node]()
    maker.place(nodes)
    earlier = {} if before is None else before.made_by
    maker.used.update({} if before is None else before.used)
    try:
        for node in nodes:
            maker.at = node
            inputs = [operand(child, new[child.number], maker) for child in node.inputs]
            new[node.number] = maker.again(node, inputs)
            if node.number in earlier:
                maker.made_by.setdefault(new[node.number].number, earlier[node.number])
    except RecursionError:
        raise Overflow(maker.last[-SHOWN:]) from None
    return Rewritten(mapped(graph, new), maker.used, maker.made_by)


def roots(graph: Graph) -> list[Node]:
    """Every value that something holds on to: terms, definitions, states, and what definitions were given."""
    found = [value for term in graph.terms for value in (term.value, term.raw, term.weight) if value is not None]
    found += [*graph.definitions.values(), *(state.node for state in graph.states)]
    for application in graph.applications:
        found += [application.result, *(value for _, value in application.arguments)]
    return found


def mapped(graph: Graph, new: dict[int, Node]) -> Graph:
    """The graph with every value replaced by its new one, by number."""

    def at(node: Node | None) -> Node | None:
        return None if node is None else new[node.number]

    def term(old: Term) -> Term:
        return replace(old, value=new[old.value.number], weight=at(old.weight), raw=at(old.raw))

    def application(old: Application) -> Application:
        arguments = tuple((name, new[value.number]) for name, value in old.arguments)
        return replace(old, arguments=arguments, result=new[old.result.number])

    return Graph(
        tuple(term(old) for old in graph.terms),
        {name: new[node.number] for name, node in graph.definitions.items()},
        tuple(State(state.name, new[state.node.number]) for state in graph.states),
        tuple(application(old) for old in graph.applications),
    )
