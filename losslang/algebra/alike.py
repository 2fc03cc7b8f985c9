"""Values of which every process has the same gradient, so that nothing need be sent for it.

Every process computes the whole loss. A value that is the same everywhere, and from there on meets only such values, gets the
same gradient everywhere: the sum of that over the processes is their number times it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from losslang.objective.graph import Graph, Node

__all__ = ["gradient_is_alike", "with_gradient"]

BROUGHT = {
    "across",
    "log_sum_across",
    "largest_across",
    "gathered",
    "logdet_of_products_across",
    "logdet_by_probes_across",
    "trace_of_log_across",
}
"""Operations whose value is everywhere the same, though their operands are not."""

OF_SIZES = {"size", "rows_of_all", "random_directions", "quantiles_across", "ordinals_across", "centroids"}
"""Operations that see of an operand only what is everywhere the same."""


def gradient_is_alike(graph: Graph, shared: Collection[int]) -> frozenset[int]:
    """The numbers of the nodes; `shared` are those of which every process has its own rows."""
    nodes = graph.nodes()
    own = set(_own(nodes, shared))
    heard, differs = with_gradient(graph), set[int]()
    for node in reversed(nodes):
        if node.number in heard and (node.number in own or node.number in differs or node.op in BROUGHT):
            differs.update(child.number for child in node.inputs)
    return frozenset(node.number for node in nodes) - own - differs


def with_gradient(graph: Graph) -> frozenset[int]:
    """The numbers of the nodes that a gradient reaches."""
    ends = [value for term in graph.terms for value in (term.value, term.raw) if value is not None]
    found = {value.number for value in ends if value.trains}
    for node in reversed(graph.nodes()):
        if node.number in found:
            found.update(child.number for child in node.inputs if child.trains)
    return frozenset(found)


def _own(nodes: Collection[Node], shared: Collection[int]) -> Iterator[int]:
    """Of which every process has another value."""
    own = set[int]()
    for node in nodes:
        partial = any(child.number in own for child in node.inputs) and node.op not in BROUGHT | OF_SIZES
        if node.number in shared or partial:
            own.add(node.number)
            yield node.number
