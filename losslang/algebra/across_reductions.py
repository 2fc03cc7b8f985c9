"""Reductions over rows that processes share: sums over the processes, and the largest entry of all."""

from __future__ import annotations

from losslang.algebra.layout import Layout, Rule
from losslang.objective.axes import BATCH
from losslang.objective.graph import Node

__all__ = ["REDUCTIONS"]


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


def _logsumexp(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """log Σ over processes of exp of the log-sum-exp of own entries."""
    return _log_sum(layout, node, _kept(layout, operands))


def _log_sum(layout: Layout, node: Node, x: Node) -> Node:
    own = layout.call("logsumexp", x, over=tuple(axis for axis in node.axes() if x.type.has(axis)))
    return layout.make("log_sum_across", (own,), own.type)


def _log_softmax(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """x - log Σ exp(x)."""
    x = _kept(layout, operands)
    return layout.call("subtract", x, _log_sum(layout, node, x))


def _softmax(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """exp of log_softmax."""
    return layout.call("exp", _log_softmax(layout, node, operands))


def _squared_length(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """Σ over processes of Σ x² of own rows."""
    return layout.across(layout.again(node, operands))


def _standardized(layout: Layout, node: Node, operands: list[Node]) -> Node:
    """(x - mean) / deviation."""
    centered = layout.call("subtract", operands[0], _mean(layout, node, operands))
    return layout.call("divide", centered, _std(layout, node, operands))


REDUCTIONS: dict[str, Rule] = {
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
    "squared_length": _squared_length,
    "standardized": _standardized,
}
"""Where they work over the batch."""
