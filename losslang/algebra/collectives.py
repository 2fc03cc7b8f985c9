"""The graph of many processes: the method's own, with sums over processes where the batch is reduced, and gathers.

One rule per operation says what becomes of it where an operand is shared (`losslang.algebra.layout`); an operation that has
no rule is computed on gathered rows, on every process alike, which is always right. The value and the gradient are those of
the whole batch on one process, also where processes hold different numbers of rows, or none.
"""

from __future__ import annotations

from collections.abc import Collection

from losslang.algebra.layout import EXCHANGES, Layout, Rule
from losslang.algebra.optimise import optimise
from losslang.algebra.rewrite import mapped, roots
from losslang.objective.axes import BATCH, Axis
from losslang.objective.boundary import is_embedding
from losslang.objective.graph import Graph, Node, walk
from losslang.objective.operations import OPERATIONS

__all__ = ["across_processes", "collectives", "optimised_across"]


def across_processes(graph: Graph) -> Graph:
    """The same mathematics on rows that several processes share."""
    return shared_graph(graph)[0]


OF_ONE = frozenset({"contrast", "choices", "cosines_of_views", "correlations"})
"""Passes whose operations want all rows in one place; without them similarities are those of own rows."""


def optimised_across(graph: Graph, without: Collection[str] = ()) -> tuple[Graph, set[int]]:
    """The graph of many processes, optimised, and the numbers of the nodes of which every process has its own rows."""
    return shared_graph(optimise(graph, {*without, *OF_ONE}).graph)


def shared_graph(graph: Graph) -> tuple[Graph, set[int]]:
    """The graph of many processes, and the numbers of the nodes of which every process has its own rows."""
    layout, new = Layout(), dict[int, Node]()
    for node in walk(roots(graph)):
        layout.maker.at = node
        operands = [new[child.number] for child in node.inputs]
        if is_embedding(node):
            made = layout.again(node, operands, shared=node.type.has(BATCH))
        elif any(map(layout.is_shared, operands)) or node.op == "apply":
            made = _rule(node)(layout, node, operands)
        else:
            made = layout.again(node, operands)
        new[node.number] = made
    return mapped(graph, new), layout.shared


def collectives(node: Node) -> int:
    """How often a node communicates in the forward pass; gradients come back the same way, as often at most."""
    if node.op == "sinkhorn_across":
        iterations = node["iterations"]
        assert isinstance(iterations, int)
        return 2 * iterations
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
        return _gathered
    if BATCH not in axes:
        return _rows
    return OVER_BATCH.get(node.op, _gathered)


# ---------------------------------------------------------------- rules


def _rows(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Every row by itself."""
    return layout.again(node, layout.aligned(operands), shared=node.type.has(BATCH))


def _gathered(layout: Layout, node: Node, operands: list[Node]) -> Node:
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


def _mean(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Σ over processes of Σ own rows, divided by n: never the mean of means, which is wrong where rows are uneven."""
    x, *where = layout.aligned(operands)
    if where:
        return layout.call("divide", _summed(layout, x, node, *where), _entries(layout, x, node, *where))
    others = tuple(axis for axis in node.axes() if axis != BATCH)
    inner = layout.call("mean", x, over=others) if others else x
    return layout.call("divide", _summed(layout, inner, node), layout.count(x, [BATCH]))


def _sum(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Σ over processes of Σ own rows."""
    return _summed(layout, layout.aligned(operands)[0], node, *layout.aligned(operands)[1:])


def _summed(layout: Layout, x: Node, node: Node, *where: Node) -> Node:
    over = tuple(axis for axis in node.axes() if where or x.type.has(axis))
    return layout.across(layout.call("sum", x, *where, over=over))


def _entries(layout: Layout, x: Node, node: Node, where: Node) -> Node:
    """The number of true entries along the axes of a reduction."""
    of = layout.call("sum", x, where, over=node.axes()).type
    return layout.across(layout.make("entries", (x, where), of, attributes=(("over", node.axes()),)))


def _var(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Two passes: the mean, then Σ (x - mean)² / (n - ddof)."""
    x, *where = layout.aligned(operands)
    mean = _mean(layout, node, [x, *where])
    centered = layout.call("subtract", x, mean)
    count = _entries(layout, x, node, *where) if where else layout.count(x, node.axes())
    ddof = node["ddof"]
    assert isinstance(ddof, int | float)
    divisor = layout.call("subtract", count, layout.number(ddof)) if ddof else count
    squares = layout.call("power", centered, layout.number(2))
    return layout.call("divide", _summed(layout, squares, node, *where), divisor)


def _std(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """√(variance + eps)."""
    variance, eps = _var(layout, node, operands), node["eps"]
    assert isinstance(eps, int | float)
    return layout.call("sqrt", layout.call("add", variance, layout.number(eps)) if eps else variance)


def _norm(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """|x| = c √(Σ (x / c)²), with c the largest entry, so that squares stay in range."""
    x, *where = layout.aligned(operands)
    kept = layout.call("multiply", x, *where) if where else x
    top = layout.largest(layout.call("abs", kept), node.axes())
    scale = layout.call("add", top, layout.call("equal", top, layout.number(0)))
    squares = layout.call("power", layout.call("divide", kept, scale), layout.number(2))
    return layout.call("multiply", scale, layout.call("sqrt", _summed(layout, squares, node)))


def _normalize(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """x / max(|x|, eps)."""
    (x,), eps = operands, node["eps"]
    assert isinstance(eps, int | float)
    return layout.call("divide", x, layout.call("maximum", _norm(layout, node, operands), layout.number(eps)))


def _kept(layout: Layout, operands: list[Node]) -> Node:
    """x where the mask is true, and minus infinity elsewhere."""
    x, *where = layout.aligned(operands)
    if not where:
        return x
    return layout.make("kept", (x, *where), layout.call("add", x, *where).type, shared=True)


def _max(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """The largest entry of all; the gradient is shared among equals, whichever processes hold them."""
    x = _kept(layout, operands)
    hit = layout.call("equal", x, layout.largest(x, node.axes()))
    return layout.call("divide", _summed(layout, x, node, hit), _entries(layout, x, node, hit))


_LOWEST = -1e38
"""Stands for minus infinity, which minus itself would be no number."""


def _logsumexp(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """log Σ exp(x - m) + m with m the largest entry of all."""
    return _log_sum(layout, node, _kept(layout, operands))


def _log_sum(layout: Layout, node: Node, x: Node) -> Node:
    top = layout.call("maximum", layout.largest(x, node.axes()), layout.number(_LOWEST))
    powers = layout.call("exp", layout.call("subtract", x, top))
    return layout.call("add", layout.call("log", _summed(layout, powers, node)), top)


def _log_softmax(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """x - log Σ exp(x)."""
    x = _kept(layout, operands)
    return layout.call("subtract", x, _log_sum(layout, node, x))


def _softmax(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """exp of log_softmax."""
    return layout.call("exp", _log_softmax(layout, node, operands))


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


def _argmax(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """The largest entry of all, the first among equals in the order of the batch."""
    return layout.make("argmax_across", operands, node.type, shared=True, attributes=node.attributes)


def _logdet_by_probes(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Every product with the matrix is a sum over processes; probes are everywhere the same."""
    x, *others = operands
    if BATCH not in node.axes() or not layout.is_shared(x):
        return _gathered(layout, node, operands)
    return layout.make("logdet_by_probes_across", (x, *others), node.type, attributes=node.attributes)


def _sinkhorn(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Sums over the samples are sums over processes; the rows of `also` lie everywhere and count once."""
    return _renamed(layout, node, "sinkhorn_across", layout.aligned(operands[:1]) + operands[1:])


def _renamed(layout: Layout, node: Node, op: str, operands: list[Node]) -> Node:
    """Another operation with the same options, on own rows."""
    return layout.make(op, operands, node.type, shared=True, attributes=node.attributes)


def _quantiles(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Of as many rows as all processes hold."""
    return layout.make("quantiles_across", operands, node.type, attributes=node.attributes)


# ---------------------------------------------------------------- what the optimiser writes


def _products(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """A function of xᵀy over the batch, or of x yᵀ: by sums or by rows, whichever is cheaper (`losslang.algebra.ways`)."""
    axes = {*node.axes(), *node.axes("pairs")}
    x, *others = layout.aligned(operands)
    if BATCH not in axes:
        return _rows(layout, node, operands)
    if node.op == "squared_products" and BATCH not in node.axes() and x is not others[0]:
        return _squared_similarities(layout, node, [x, *others])
    return layout.make(f"{node.op}_across", (x, *others), node.type, attributes=node.attributes)


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
        return layout.make(f"{node.op}_across", operands, node.type, shared=True, attributes=node.attributes)
    if layout.is_shared(x) and node["dropped"] == "nothing":
        return layout.again(node, (x, y, scale), shared=True)
    return _gathered(layout, node, operands)


def _squared_length(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Σ over processes of Σ x² of own rows."""
    return layout.across(layout.again(node, operands))


def _standardized(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """(x - mean) / deviation."""
    centered = layout.call("subtract", operands[0], _mean(layout, node, operands))
    return layout.call("divide", centered, _std(layout, node, operands))


def _waves(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Sums over own rows; they belong to one process until they are asked for."""
    return layout.again(node, operands, shared=True)


def _of_waves(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Σ over processes of what each has of its own rows; of sums row by row, the row's own."""
    if node.type.has(BATCH):
        return _rows(layout, node, operands)
    return layout.across(layout.again(node, operands))


# ---------------------------------------------------------------- what the elaborator knows


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


def _queue(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """The rows of all processes come in, in the order of the batch, so that the queue is everywhere the same."""
    return layout.again(node, [layout.whole(layout.call("stopgrad", operands[0]))])


def _memory(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Own rows are read, and the rows of all processes written."""
    return _renamed(layout, node, "memory_across", operands)


OVER_BATCH: dict[str, Rule] = {
    "mean": _mean,
    "sum": _sum,
    "var": _var,
    "std": _std,
    "norm": _norm,
    "max": _max,
    "logsumexp": _logsumexp,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "normalize": _normalize,
    "argmax": _argmax,
    "sinkhorn": _sinkhorn,
    "normal_quantiles": _quantiles,
    "squared_length": _squared_length,
    "standardized": _standardized,
}
"""Operations that work over the batch. The others (`roll`, `sort`, `first`, functions of [batch, batch']) need all rows."""

RULES: dict[str, Rule] = {
    "dot": _dot,
    "size": _size,
    "same": _same,
    "apply": _network,
    "queue": _queue,
    "memory": _memory,
    "centroids": _alike,
    "running": _alike,
    "random_directions": _directions,
    "logdet_by_probes": _logdet_by_probes,
    "select": _rows,
    "take": _rows,
    "stack": _rows,
    "total": _rows,
    "group": _gathered,
    "squared_products": _products,
    "logdet_of_products": _products,
    "trace_of_log": _products,
    "logsumexp_of_products": _streamed,
    "waves": _waves,
    "cosines_of": _of_waves,
    "sines_of": _of_waves,
}
"""Operations with a rule of their own, whatever they work over."""
