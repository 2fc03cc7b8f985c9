"""What a method's loss costs each of many processes: operations, bytes, what it sends, and the choices of what is sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from losslang.algebra.alike import with_gradient
from losslang.algebra.collectives import collectives, optimised_across
from losslang.algebra.cost import BYTES, Cost, Sizes, bytes_text, cost_of_node, nodes_that_cost, with_widths
from losslang.algebra.schedule import kinds_of, stages
from losslang.algebra.ways import (
    Way,
    rows_are_cheaper,
    ways_of_cross_squares,
    ways_of_logdet,
    ways_of_squares,
    ways_of_trace,
)
from losslang.objective.axes import BATCH
from losslang.objective.graph import Graph, Node
from losslang.objective.spec import Spec

__all__ = ["Choice", "CostOfMany", "cost_of_many", "text_of_many"]


@dataclass(frozen=True)
class Choice:
    """A function of products of rows: what it costs by sums of products and by gathered rows, and the numbers then held."""

    node: Node
    sums: Way
    rows: Way
    held: float

    @property
    def by_rows(self) -> bool:
        """Whether rows are gathered."""
        return rows_are_cheaper(self.sums, self.rows, BYTES)

    @property
    def way(self) -> Way:
        """The cheaper one."""
        return self.rows if self.by_rows else self.sums


@dataclass(frozen=True)
class CostOfMany:
    """Of one process in one step. `exchanges` and `back` count collectives, forward and backward, the numbers of rows included.

    `sent` is in bytes, forward and backward, by rings.
    """

    cost: Cost
    exchanges: int
    back: int
    sent: float
    choices: tuple[Choice, ...]


def cost_of_many(spec: Spec, sizes: Sizes) -> CostOfMany:
    """The cost of one of `sizes.world` processes that share the batch evenly."""
    graph, shared, alike = optimised_across(spec.graph)
    heard = with_gradient(graph) - alike
    cost, sent, choices = Cost(), 0.0, list[Choice]()
    given = {node.number for node in graph.nodes() if node.op == "apply"}
    sizes = with_widths(sizes, graph, given)
    for node in nodes_that_cost(graph, given):
        choice = _choice(node, sizes)
        if choice is not None:
            choices.append(choice)
            cost += Cost(choice.way.operations, BYTES * choice.held)
            sent += BYTES * choice.way.sent
            continue
        if node.op not in MOVES:
            cost += _cost(node, shared, sizes)
        sent += sizes.width(node) * _sent(node, sizes, back=node.number in heard)
    by_rows = {choice.node.number for choice in choices if choice.by_rows}
    return CostOfMany(cost, *_exchanges(graph, alike, by_rows), sent, tuple(choices))


def _exchanges(graph: Graph, alike: frozenset[int], by_rows: Collection[int]) -> tuple[int, int]:
    """The collectives, forward and backward."""
    nodes = graph.nodes()
    kinds = kinds_of(nodes)
    batches = [batch.exchanged for stage in stages(nodes, kinds) for batch in stage.batches]
    twice = sum(batch[0].op == "logdet_of_products_across" and batch[0].number in by_rows for batch in batches)
    others = [node for node in nodes if node.number not in kinds and collectives(node)]
    reached = with_gradient(graph)
    heard = [[n for n in batch if n.number in reached - alike and n.op not in SILENT] for batch in batches]
    back = sum(map(bool, heard)) + sum(node.number in reached for node in others)
    forward = [collectives(each) for each in (*(batch[0] for batch in batches), *others)]
    return 1 + sum(forward) + twice, back


SILENT = {"largest_across", "squared_products_across"}
"""Nodes for whose gradient nothing is sent."""


MOVES = {
    "across",
    "log_sum_across",
    "gathered",
    "columns",
    "own_rows",
    "rows_of_all",
    "own_same",
    "kept_state",
    "image_numbers",
}
"""Nodes that compute nothing."""


def _cost(node: Node, shared: Collection[int], sizes: Sizes) -> Cost:
    """The cost of a node for one process: of its own rows, if it works on any."""
    if not any(value.number in shared for value in (node, *node.inputs)):
        return cost_of_node(node, sizes)
    found = cost_of_node(node, replace(sizes, own=True))
    partial = node.type.has(BATCH) and node.number not in shared  # own rows multiplied over, and all rows left
    return Cost(sizes.world * found.operations, sizes.world * found.bytes) if partial else found


# ---------------------------------------------------------------- choices


def _trace(node: Node) -> Callable[[int, int, int], tuple[Way, Way]]:
    order = node["order"]
    assert isinstance(order, int)
    return lambda n, k, world: ways_of_trace(n, k, world, order)


WAYS: Mapping[str, Callable[[Node], Callable[[int, int, int], tuple[Way, Way]]]] = {
    "squared_products_across": lambda node: ways_of_squares if _alone(node) else ways_of_cross_squares,
    "logdet_of_products_across": lambda _node: ways_of_logdet,
    "trace_of_log_across": _trace,
}


def _alone(node: Node) -> bool:
    return node.inputs[0] is node.inputs[1]


def _choice(node: Node, sizes: Sizes) -> Choice | None:
    if node.op not in WAYS:
        return None
    of, over, pairs = node.inputs[0].type, node.axes(), node.axes("pairs")
    rows, columns = (over, pairs) if BATCH in over else (pairs, over)
    n, k = sizes.of(of, rows), sizes.of(of, columns)
    times = sizes.of(of) / (n * k)
    both = WAYS[node.op](node)(round(n), round(k), sizes.world)
    sums, gathered = (Way(times * way.operations, times * way.sent) for way in both)
    by_rows = rows_are_cheaper(sums, gathered, BYTES)
    return Choice(node, sums, gathered, times * (n * k + n * n / sizes.world if by_rows else k * k))


# ---------------------------------------------------------------- what is sent


def _sent(node: Node, sizes: Sizes, *, back: bool) -> float:
    """Numbers that a process sends. A gather of b sends b (W - 1) / W, a sum twice that; so does a gradient that comes back."""
    if not collectives(node):
        return 0.0
    share = (sizes.world - 1) / sizes.world * (2 if back else 1)
    if node.op == "logdet_by_probes_across":  # a sum of products with every probe, a step of Lanczos each
        return share * collectives(node) * 2 * sizes.of(node.inputs[1].type)
    times = collectives(node) * (1 if node.op in {"gathered", "columns"} else 2)
    return share * times * sizes.of(node.type)


# ---------------------------------------------------------------- as people read it


def text_of_many(spec: Spec, sizes: Sizes) -> str:
    """The lines of `losslang explain --cost --world W`: what is chosen, and what the other way would cost."""
    found = cost_of_many(spec, sizes)
    each = f"{found.cost.operations:.2e} operations, {bytes_text(found.cost.bytes)} written"
    often = f"{_times(found.exchanges)} forward and {_times(found.back)} back"
    first = f"  {sizes.world} processes exchange values {often};"
    lines = [f"{first} each does {each}, and sends {bytes_text(found.sent)}"]
    told = [_choice_text(choice) for choice in found.choices]
    lines += [
        f"    {line}" + (f" ({told.count(line)} times)" if told.count(line) > 1 else "") for line in dict.fromkeys(told)
    ]
    return "\n".join(lines) + "\n"


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")


def _choice_text(choice: Choice) -> str:
    names = ("gathered rows", "sums of products")
    chosen, other = names if choice.by_rows else names[::-1]
    left = choice.sums if choice.by_rows else choice.rows
    what = choice.node.op.removesuffix("_across")
    return f"{what}: {chosen}, {_way_text(choice.way)}; {other} would be {_way_text(left)}"


def _way_text(way: Way) -> str:
    return f"{way.operations:.2e} operations and {bytes_text(BYTES * way.sent)} sent"
