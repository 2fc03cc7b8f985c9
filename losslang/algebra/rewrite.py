"""Rewriting of the typed graph by rows of a table, each an identity with its algebra beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from losslang.diagnostics import Span
from losslang.objective.axes import Axis, Type
from losslang.objective.fused import FUSED
from losslang.objective.graph import Application, Attribute, Builder, Graph, Node, State, Term, walk
from losslang.objective.operations import OPERATIONS
from losslang.objective.rules import Bound, Typed

__all__ = ["Maker", "Overflow", "Rewritten", "Row", "rewrite", "roots"]

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
    """One identity: `rewrite` gives the equal value of a node, or None where the row does not fit."""

    name: str
    algebra: str
    rewrite: Callable[[Node, Maker], Node | None]


@dataclass
class Maker:
    """Makes the nodes of the rewritten graph, typed by the rules of the operations; they keep the place of `at`."""

    builder: Builder = field(default_factory=Builder)
    at: Node | None = None

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
        trains = frozenset[str]() if cut else frozenset[str]().union(*(node.trains for node in operands))
        return self.builder.make(op, operands, attributes, type_, trains, self.span, self.via)

    def constant(self, value: float) -> Node:
        """A number."""
        return self.builder.make("constant", (), (("value", value),), Type(), frozenset(), self.span, self.via)

    def size(self, node: Node, axis: Axis) -> Node:
        """The number of entries along an axis of a value."""
        dim = node.type.find(axis)
        assert dim is not None
        if dim.known is not None:
            return self.constant(dim.known)
        return self.builder.make("size", (node,), (("axes", (axis,)),), Type(), frozenset(), self.span, self.via)

    def again(self, node: Node, inputs: Iterable[Node]) -> Node:
        """The same operation on other operands of the same types."""
        made = (node.op, inputs, node.attributes, node.type, node.trains, node.span, node.via)
        return self.builder.make(*made)

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


def rewrite(graph: Graph, rows: Iterable[Row], *, cap: int = CAP) -> Rewritten:
    """Apply the rows wherever they fit, operands first, until none does.

    Raises Overflow after `cap` rewrites.
    """
    rows, walk_ = tuple(rows), _Walk(cap)
    graph = _mapped(graph, walk_.over(graph, ()))
    while True:
        before = walk_.used.total()
        graph = _mapped(graph, walk_.over(graph, rows))
        if walk_.used.total() == before:
            return Rewritten(graph, walk_.used, walk_.made_by)


@dataclass
class _Walk:
    """Walks over a graph with one builder, and what they did."""

    cap: int
    maker: Maker = field(default_factory=Maker)
    used: Counter[str] = field(default_factory=Counter)
    last: list[str] = field(default_factory=list)
    made_by: dict[int, str] = field(default_factory=dict)

    def over(self, graph: Graph, rows: Sequence[Row]) -> dict[int, Node]:
        """One walk: the new node of every old one, by number."""
        new: dict[int, Node] = {}
        for node in walk(roots(graph)):
            made = self.maker.again(node, [new[child.number] for child in node.inputs])
            if node.number in self.made_by:
                self.made_by.setdefault(made.number, self.made_by[node.number])
            for row in rows:
                made = self.apply(row, made)
            new[node.number] = made
        return new

    def apply(self, row: Row, node: Node) -> Node:
        """What a row makes of a node: the node itself where it does not fit."""
        self.maker.at, before = node, len(self.maker.builder.nodes)
        found = row.rewrite(node, self.maker)
        if found is None or found is node:
            return node
        self.made_by.update(dict.fromkeys(range(before, len(self.maker.builder.nodes)), row.name))
        self.used[row.name] += 1
        self.last.append(row.name)
        if self.used.total() > self.cap:
            raise Overflow(self.last[-SHOWN:])
        return found


def roots(graph: Graph) -> list[Node]:
    """Every value that something holds on to: terms, definitions, states, and what definitions were given."""
    found = [value for term in graph.terms for value in (term.value, term.raw, term.weight) if value is not None]
    found += [*graph.definitions.values(), *(state.node for state in graph.states)]
    for application in graph.applications:
        found += [application.result, *(value for _, value in application.arguments)]
    return found


def _mapped(graph: Graph, new: dict[int, Node]) -> Graph:
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
