"""A row for contrast of unit rows: it divides by their lengths itself, and no unit rows are kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from losslang.algebra.patterns import axes_of
from losslang.algebra.rewrite import Maker, Row
from losslang.objective.graph import Attribute, Graph, Node

__all__ = ["units_in_contrast"]

NAME = "contrast_of_products"


def units_in_contrast(graph: Graph) -> Row:
    """The row for a graph that the other rows have rewritten: which unit rows serve contrasts alone is read off before."""
    users: dict[int, list[Node]] = defaultdict(list)
    for node in graph.nodes():
        for child in node.inputs:
            users[child.number].append(node)
    places = {
        node.number: tuple(n for n, child in enumerate(node.inputs) if _serves(_unit(child), users))
        for node in graph.nodes()
        if node.op == NAME
    }

    def inside(node: Node, make: Maker) -> Node | None:
        found = places.get(make.at.number, ()) if make.at is not None else ()
        if node.op != NAME or node["units"] or not found:
            return None
        eps = _unit(node.inputs[found[0]])["eps"]
        units = tuple(n for n in found if _unit(node.inputs[n])["eps"] == eps)
        options: dict[str, Attribute] = {"units": units, "eps": eps}
        attributes = tuple((key, options.get(key, value)) for key, value in node.attributes)
        inputs = [_before(child, make) if n in units else child for n, child in enumerate(node.inputs)]
        if any(inputs[n] is child for n in units for other, child in enumerate(inputs) if other not in units):
            return None  # rows with unit rows of themselves: contrast takes one operand for one value
        return make.again(replace(node, attributes=attributes), inputs)

    return Row(
        "units_in_contrast", "contrast of x / |x|: its gradient is that of unit rows, less its part along them", inside
    )


def _unit(node: Node) -> Node:
    """The unit rows that a value is, if it is, behind a stopped gradient or not."""
    return node.inputs[0] if node.op == "stopgrad" else node


def _before(node: Node, make: Maker) -> Node:
    """What is divided by its lengths, behind a stopped gradient or not."""
    (rows,) = _unit(node).inputs
    return make.again(node, [rows]) if node.op == "stopgrad" else rows


def _serves(node: Node, users: Mapping[int, Sequence[Node]]) -> bool:
    """Whether a value is unit rows along what contrasts multiply over, and nothing else uses it."""
    if node.op != "normalize":
        return False
    of_stopped = [user for stop in users[node.number] if stop.op == "stopgrad" for user in users[stop.number]]
    direct = [user for user in users[node.number] if user.op != "stopgrad"]
    return all(user.op == NAME and axes_of(user) == axes_of(node) for user in (*direct, *of_stopped))
