"""Rewriting of the typed graph by rows of a table, each an identity with its algebra beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from losslang.diagnostics import Span
from losslang.objective.graph import Application, Attribute, Builder, Graph, Node, State, Term, walk
from losslang.objective.operations import OPERATIONS
from losslang.objective.rules import Bound, Typed

__all__ = ["Maker", "Overflow", "Rewritten", "Row", "rewrite"]

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
        row = OPERATIONS[op]
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
        from losslang.objective.axes import Type

        return self.builder.make("constant", (), (("value", value),), Type(), frozenset(), self.span, self.via)

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
    """The graph in its new form, and how often each row was used."""

    graph: Graph
    used: Counter[str]


def rewrite(graph: Graph, rows: Iterable[Row], *, cap: int = CAP) -> Rewritten:
    """Apply the rows wherever they fit, operands first, until none does.

    Raises Overflow after `cap` rewrites.
    """
    rows, maker, used, last = tuple(rows), Maker(), Counter[str](), list[str]()
    graph = _mapped(graph, _pass(graph, (), maker, used, last, cap))
    while True:
        before = used.total()
        graph = _mapped(graph, _pass(graph, rows, maker, used, last, cap))
        if used.total() == before:
            return Rewritten(graph, used)


def _pass(
    graph: Graph, rows: Sequence[Row], maker: Maker, used: Counter[str], last: list[str], cap: int
) -> dict[int, Node]:
    """One walk over the graph: the new node of every old one, by number."""
    new: dict[int, Node] = {}
    for node in walk(_roots(graph)):
        made = maker.again(node, [new[child.number] for child in node.inputs])
        for row in rows:
            maker.at = made
            found = row.rewrite(made, maker)
            if found is not None and found is not made:
                made = found
                used[row.name] += 1
                last.append(row.name)
                if used.total() > cap:
                    raise Overflow(last[-SHOWN:])
        new[node.number] = made
    return new


def _roots(graph: Graph) -> list[Node]:
    roots = [value for term in graph.terms for value in (term.value, term.raw, term.weight) if value is not None]
    roots += [*graph.definitions.values(), *(state.node for state in graph.states)]
    for application in graph.applications:
        roots += [application.result, *(value for _, value in application.arguments)]
    return roots


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
