"""Products of rows that processes share, and of rows with directions: by sums over the processes, or with the rows of all."""

from __future__ import annotations

from losslang.algebra.across_rows import by_rows, on_all_rows
from losslang.algebra.layout import Layout, Rule
from losslang.objective.axes import BATCH, Axis
from losslang.objective.graph import Node

__all__ = ["PRODUCTS"]


def _dot(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Rows with rows: one side gathered. Over the batch: a sum over processes."""
    x, y = operands
    pairs = node.axes("pairs") if any(key == "pairs" for key, _ in node.attributes) else ()
    if BATCH in pairs:
        return layout.again(node, (x, layout.whole(y)), shared=layout.is_shared(x))
    both = layout.aligned(operands)
    if BATCH in node.axes():
        return layout.across(layout.again(node, both))
    return layout.again(node, both, shared=node.type.has(BATCH))


def _logdet_by_probes(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Every product with the matrix is a sum over processes; probes are everywhere the same."""
    x, *others = operands
    if BATCH not in node.axes() or not layout.is_shared(x):
        return on_all_rows(layout, node, operands)
    return layout.make("logdet_by_probes_across", (x, *others), node.type, attributes=node.attributes)


def _products(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """A function of xᵀy over the batch, or of x yᵀ: by sums or by rows, whichever is cheaper (`losslang.algebra.ways`)."""
    axes = {*node.axes(), *node.axes("pairs")}
    x, *others = layout.aligned(operands)
    if BATCH not in axes:
        return by_rows(layout, node, operands)
    if node.op == "squared_products" and BATCH not in node.axes() and x is not others[0]:
        return _squared_similarities(layout, node, [x, *others])
    found = layout.make(f"{node.op}_across", (x, *others), node.type, attributes=node.attributes)
    return layout.across(found) if node.op == "squared_products" else found


def _squared_similarities(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Σ (scale · x yᵀ)² over [batch, batch'], of own rows of x with all of y; hollow: less that of equal rows."""
    x, y, scale = operands
    pairs = node.axes("pairs")
    both = tuple(axis for pair in pairs for axis in (pair, pair.primed()))
    products = layout.call("dot", x, layout.whole(y), over=node.axes(), pairs=pairs)
    total = layout.across(_sum_of_squares(layout, products, scale, both))
    if not node["hollow"]:
        return total
    equal = layout.call("dot", x, y, over=node.axes())
    return layout.call("subtract", total, layout.across(_sum_of_squares(layout, equal, scale, pairs)))


def _sum_of_squares(layout: Layout, x: Node, scale: Node, over: tuple[Axis, ...]) -> Node:
    squares = layout.call("power", layout.call("multiply", x, scale), layout.number(2))
    return layout.call("sum", squares, over=over)


def _streamed(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Own rows with the rows of all, tile by tile; with what all have, own rows by themselves."""
    x, y, scale = operands
    if layout.is_shared(x) and layout.is_shared(y):
        both = (x, layout.columns(y), scale)
        return layout.make(f"{node.op}_across", both, node.type, shared=True, attributes=node.attributes)
    if layout.is_shared(x) and node["dropped"] == "nothing":
        return layout.again(node, (x, y, scale), shared=True)
    return on_all_rows(layout, node, operands)


def _waves(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Sums over own rows; they belong to one process until they are asked for."""
    return layout.again(node, operands, shared=True)


def _of_waves(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Σ over processes of what each has of its own rows; of sums row by row, the row's own."""
    if node.type.has(BATCH):
        return by_rows(layout, node, operands)
    return layout.across(layout.again(node, operands))


PRODUCTS: dict[str, Rule] = {
    "dot": _dot,
    "logdet_by_probes": _logdet_by_probes,
    "squared_products": _products,
    "logdet_of_products": _products,
    "trace_of_log": _products,
    "logsumexp_of_products": _streamed,
    "waves": _waves,
    "cosines_of": _of_waves,
    "sines_of": _of_waves,
}
"""Whatever they work over."""
