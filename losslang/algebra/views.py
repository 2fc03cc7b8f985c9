"""A row that normalises all views at once, where every one of them is normalised anyway."""

from __future__ import annotations

from collections import defaultdict

from losslang.algebra.patterns import axes_of
from losslang.algebra.rewrite import Maker, Row, roots
from losslang.objective.axes import VIEW
from losslang.objective.graph import Graph, Node, walk

__all__ = ["views_together"]


def views_together(graph: Graph) -> Row:
    """The row for a graph: which values have all of their views normalised is read off before."""
    views: dict[tuple[object, ...], set[object]] = defaultdict(set)
    for node in walk(roots(graph)):
        if node.op == "normalize" and node.inputs[0].op == "select":
            views[_key(node)].add(node.inputs[0]["view"])

    def together(node: Node, make: Maker) -> Node | None:
        if node.op != "normalize" or node.inputs[0].op != "select":
            return None
        chosen = node.inputs[0]
        (value,) = chosen.inputs
        dim = value.type.find(VIEW)
        if dim is None or len(views[_key(node)]) < len(dim.labels):
            return None
        unit = make.call("normalize", value, over=axes_of(node), eps=node["eps"])
        return make.again(chosen, [unit])

    return Row("views_together", "the unit rows of a view are those of all views, chosen", together)


def _key(node: Node) -> tuple[object, ...]:
    """A normalised value by what rewriting keeps: its place, operation and type, and the options."""
    (value,) = node.inputs[0].inputs
    return value.span, value.op, value.attributes, value.type, node.attributes
