"""The graph of many processes: the method's own, with sums over processes where the batch is reduced, and gathers.

One rule per operation says what becomes of it where an operand is shared (`losslang.algebra.layout`); an operation that has
no rule is computed on gathered rows, on every process alike, which is always right. The value and the gradient are those of
the whole batch on one process, also where processes hold different numbers of rows, or none.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

from losslang.algebra.across_products import PRODUCTS
from losslang.algebra.across_reductions import REDUCTIONS
from losslang.algebra.across_rows import OF_ROWS, ROWS_OVER_BATCH, by_rows, on_all_rows
from losslang.algebra.alike import gradient_is_alike
from losslang.algebra.layout import EXCHANGES, Layout, Rule
from losslang.algebra.optimise import optimise
from losslang.algebra.rewrite import mapped, roots
from losslang.objective.axes import BATCH, Axis
from losslang.objective.boundary import is_embedding
from losslang.objective.graph import Graph, Node, State, walk
from losslang.objective.operations import OPERATIONS

__all__ = ["SharedGraph", "across_processes", "collectives", "optimised_across"]


class SharedGraph(NamedTuple):
    """The graph of many processes, and numbers of its nodes.

    `shared`: every process has its own rows; `alike`: every process has the same gradient.
    """

    graph: Graph
    shared: set[int]
    alike: frozenset[int]


def across_processes(graph: Graph) -> SharedGraph:
    """The same mathematics on rows that several processes share."""
    layout, new = Layout(), dict[int, Node]()
    for node in walk(roots(graph)):
        layout.maker.at = node
        operands = [new[child.number] for child in node.inputs]
        if is_embedding(node):
            made = layout.again(node, operands, shared=node.type.has(BATCH))
        elif any(map(layout.is_shared, operands)) or node.op in EVERYWHERE:
            made = _rule(node)(layout, node, operands)
        else:
            made = layout.again(node, operands)
        new[node.number] = made
    found = mapped(graph, new)
    states = zip(graph.states, found.states, strict=True)
    moved = tuple(State(now.name, layout.writes.get(old.node.number, now.node)) for old, now in states)
    found = replace(found, states=moved)
    return SharedGraph(found, layout.shared, gradient_is_alike(found, layout.shared))


EVERYWHERE = {"apply", "running", "queue", "memory"}
"""Operations that have a rule also where no operand is shared."""

OF_ONE = frozenset(
    {
        "contrast",
        "choices",
        "cosines_of_views",
        "cosines_of_pairs",
        "correlations",
        "cross_entropies",
        "product_with_running",
    }
)
"""Passes whose operations want all rows in one place; without them similarities are those of own rows."""


def optimised_across(graph: Graph, without: Collection[str] = ()) -> SharedGraph:
    """The graph of many processes, optimised."""
    return across_processes(optimise(graph, {*without, *OF_ONE}).graph)


def collectives(node: Node) -> int:
    """How often a node communicates in the forward pass; gradients come back the same way, as often at most."""
    if node.op == "sinkhorn_across":
        iterations = node["iterations"]
        assert isinstance(iterations, int)
        return iterations
    if node.op == "logdet_by_probes_across":
        steps = node["steps"]
        assert isinstance(steps, int)
        return steps
    return EXCHANGES.get(node.op, 0)


def _rule(node: Node) -> Rule:
    row = OPERATIONS.get(node.op)
    axes = {axis for key, value in node.attributes if isinstance(value, Axis | tuple) for axis in node.axes(key)}
    if node.op in RULES:
        return RULES[node.op]
    if row is None and node.op not in OVER_BATCH:
        return on_all_rows
    if BATCH not in axes:
        return by_rows
    return OVER_BATCH.get(node.op, on_all_rows)


OVER_BATCH: dict[str, Rule] = {**REDUCTIONS, **ROWS_OVER_BATCH}
"""Operations that work over the batch. The others (`roll`, `sort`, `first`, functions of [batch, batch']) need all rows."""

RULES: dict[str, Rule] = {**PRODUCTS, **OF_ROWS}
"""Operations with a rule of their own, whatever they work over."""
