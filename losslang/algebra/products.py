"""A row for products whose diagonal and squares are both asked for: they are computed together."""

from __future__ import annotations

from typing import TypeAlias

from losslang.algebra.patterns import axes_of
from losslang.algebra.rewrite import Maker, Row, roots
from losslang.objective.graph import Graph, Node, walk

__all__ = ["SIZES", "correlations_together"]

Product: TypeAlias = tuple[Node, Node, Node]
"""Two operands, and the scale of their product."""


def correlations_together(graph: Graph) -> Row:
    """The row for a graph that the other rows have rewritten: which products it fits is read off before."""
    nodes = list(walk(roots(graph)))
    squares = {_numbers(found): node for node in nodes if (found := _squared(node)) is not None}
    diagonals = {_numbers(found): node for node in nodes if (found := _multiplied(node)) is not None}
    both = squares.keys() & diagonals.keys()
    pairs = {found[key].number: axes_of(squares[key], "pairs") for found in (squares, diagonals) for key in both}

    def together(node: Node, make: Maker) -> Node | None:
        if make.at is None or make.at.number not in pairs:
            return None
        squared = _squared(node)
        found = squared or _multiplied(node)
        if found is None:
            return None
        x, _, scale = found
        standard, axes = _standardized(x), pairs[make.at.number]
        whole, _ = _viewed(x)
        assert standard is not None
        options = {"ddof": standard["ddof"], "eps": standard["eps"]}
        matrix = make.call("correlations", whole, scale, over=standard.axes(), pairs=axes, **options)
        return make.call("squares_of" if squared else "diagonal_of", matrix, pairs=axes)

    return Row("correlations", "the diagonal of C = X̂ᵀŶ and the squares beside it, of one product", together)


def _numbers(found: Product) -> tuple[int, ...]:
    return tuple(node.number for node in found)


def _squared(node: Node) -> Product | None:
    """The operands of a sum of squares beside the diagonal, of standardised values."""
    if node.op != "squared_products" or not node["hollow"]:
        return None
    x, y, scale = node.inputs
    return (x, y, scale) if _alike(x, y, node) and len(axes_of(node, "pairs")) == 1 else None


def _multiplied(node: Node) -> Product | None:
    """The operands of the diagonal of a scaled product, of standardised values."""
    if node.op != "multiply" or node.inputs[1].op != "dot" or axes_of(node.inputs[1], "pairs"):
        return None
    scale, product = node.inputs
    x, y = product.inputs
    return (x, y, scale) if _alike(x, y, product) else None


def _alike(x: Node, y: Node, product: Node) -> bool:
    """Whether both operands are the views of one value, standardised in the same way over the axis that a product runs over."""
    one, two = _standardized(x), _standardized(y)
    if one is None or two is None or one.attributes != two.attributes:
        return False
    (whole, view), (other, another) = _viewed(x), _viewed(y)
    both = whole is other and {view, another} == {0, 1} and len(whole.type.dims[0].labels) == 2
    return both and len(whole.type.axes) == 3 and one.axes() == axes_of(product) and len(one.axes()) == 1


def _standardized(node: Node) -> Node | None:
    """The standardised value that a node is, or is a view of."""
    found = node.inputs[0] if node.op == "select" else node
    return found if found.op == "standardized" else None


def _viewed(node: Node) -> tuple[Node, int]:
    """The value that a standardised one is a view of, and which; -1 where it is none."""
    view = -1
    while node.op in {"select", "standardized"}:
        if node.op == "select":
            view = int(str(node["view"]))
        (node,) = node.inputs
    return node, view


def _size(node: Node, make: Maker) -> Node | None:
    """The number of rows of a view, or of standardised values, is that of what they are made of."""
    (value,) = node.inputs
    if value.op not in {"select", "standardized"} or not all(
        value.inputs[0].type.has(axis) for axis in node.axes("axes")
    ):
        return None
    return make.again(node, value.inputs)


SIZES = (Row("size", "a view has as many rows as all views", _size, frozenset({"size"})),)
