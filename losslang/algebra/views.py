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
        chosen = _view(node)
        if chosen is not None:
            views[_key(node, chosen)].add(chosen["view"])

    def together(node: Node, make: Maker) -> Node | None:
        chosen = _view(node)
        if chosen is None:
            return None
        (value,), operand = chosen.inputs, node.inputs[0]
        dim = value.type.find(VIEW)
        if dim is None or len(views[_key(node, chosen)]) < len(dim.labels):
            return None
        unit = make.call("normalize", value, over=axes_of(node), eps=node["eps"])
        view = make.again(chosen, [unit])
        return view if operand is chosen else make.again(operand, [view])

    return Row("views_together", "the unit rows of a view are those of all views, chosen", together)


def _view(node: Node) -> Node | None:
    """The choice of a view that a node normalises, behind a stopped gradient or not."""
    if node.op != "normalize":
        return None
    operand = node.inputs[0]
    chosen = operand.inputs[0] if operand.op == "stopgrad" else operand
    return chosen if chosen.op == "select" else None


def _key(node: Node, chosen: Node) -> tuple[object, ...]:
    """A normalised value by what rewriting keeps: its place, operation and type, and the options."""
    (value,) = chosen.inputs
    return value.span, value.op, value.attributes, value.type, node.attributes
