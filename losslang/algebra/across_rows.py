"""What becomes of rows that processes share where they are taken one by one, gathered, counted, assigned or kept."""

from __future__ import annotations

from losslang.algebra.layout import Layout, Rule
from losslang.objective.axes import BATCH, Type
from losslang.objective.graph import Node

__all__ = ["OF_ROWS", "ROWS_OVER_BATCH", "by_rows", "on_all_rows"]


def by_rows(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Every row by itself."""
    return layout.again(node, layout.aligned(operands), shared=node.type.has(BATCH))


def on_all_rows(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """f(z) of the rows of all processes, on each of them."""
    return layout.again(node, map(layout.whole, operands))


def _alike(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Of an operand only its features, which are everywhere the same."""
    return layout.again(node, operands)


def _directions(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Drawn alike on every process, and as one process draws them."""
    seeded = any(key == "seed" for key, _ in node.attributes)
    attributes = node.attributes if seeded else (*node.attributes, ("seed", node.number))
    return layout.make(node.op, operands, node.type, attributes=attributes)


def _argmax(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """The largest entry of all, the first among equals in the order of the batch."""
    return _renamed(layout, node, "argmax_across", operands)


def _sinkhorn(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Sums over the samples are sums over processes; the rows of `also` lie everywhere and count once."""
    return _renamed(layout, node, "sinkhorn_across", layout.aligned(operands[:1]) + operands[1:])


def _renamed(layout: Layout, node: Node, op: str, operands: list[Node]) -> Node:
    """Another operation with the same options, on own rows."""
    return layout.make(op, operands, node.type, shared=True, attributes=node.attributes, trains=node.trains)


def _of_all(op: str) -> Rule:
    """Of as many rows as all processes hold."""
    return lambda layout, node, operands: layout.make(op, operands, node.type, attributes=node.attributes)


def _size(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """The rows of all processes."""
    return layout.count(operands[0], node.axes("axes"))


def _same(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Row i of the batch, not of the process, meets column i."""
    if node["of"] != BATCH:
        return layout.again(node, operands)
    return layout.make("own_same", operands, node.type, shared=True, attributes=node.attributes)


def _network(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """A network sees own rows, so that what it counts of a batch is counted once."""
    own = [layout.own(operands[0])]
    return layout.again(node, own, shared=layout.is_shared(own[0]))


def _running(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """What comes in is everywhere the same already."""
    return _kept(layout, node, layout.again(node, operands))


def _queue(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """The rows of all processes come in, in the order of the batch, so that the queue is everywhere the same."""
    return _kept(layout, node, layout.again(node, [layout.whole(layout.call("stopgrad", operands[0]))]))


def _memory(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Own rows are read, and the rows of all processes written, each where its image has a row."""
    own, of = layout.call("stopgrad", operands[0]), [d for d in node.type.dims if d.axis == BATCH]
    images = layout.make("image_numbers", (), Type.of(of, "image"), shared=True)
    rows = [layout.whole(own), layout.whole(images)]
    return _kept(layout, node, layout.make("memory_across", rows, node.type, attributes=node.attributes))


def _kept(layout: Layout, node: Node, write: Node) -> Node:
    """What is read before the step moves it on waits for nothing that comes in."""
    if dict(node.attributes).get("read", "before") == "after":
        return write
    layout.writes[node.number] = write
    attributes = (("name", node["name"]), ("of", node.op))
    return layout.make("kept_state", (), node.type, shared=node.op == "memory", attributes=attributes)


ROWS_OVER_BATCH: dict[str, Rule] = {
    "argmax": _argmax,
    "sinkhorn": _sinkhorn,
    "normal_quantiles": _of_all("quantiles_across"),
    "ordinals": _of_all("ordinals_across"),
}
"""Where they work over the batch."""

OF_ROWS: dict[str, Rule] = {
    "size": _size,
    "same": _same,
    "apply": _network,
    "queue": _queue,
    "memory": _memory,
    "centroids": _alike,
    "running": _running,
    "random_directions": _directions,
    "select": by_rows,
    "take": by_rows,
    "stack": by_rows,
    "total": by_rows,
    "group": on_all_rows,
}
"""Whatever they work over."""
