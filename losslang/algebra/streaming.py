"""Rows that compute with similarities without holding the matrix of all of them."""

from __future__ import annotations

from losslang.algebra.masked import count_of, sides_of
from losslang.algebra.patterns import Affine, axes_of, kept_pairs, product_of, shifted
from losslang.algebra.rewrite import Maker, Row
from losslang.objective.axes import BATCH, VIEW, Axis
from losslang.objective.graph import Node
from losslang.objective.rules import Problem

__all__ = ["CHOICES", "STREAMS"]

_DROPPED = {
    (): "nothing",
    ((True,),): "self",
    ((True, True),): "self",
    ((False, True),): "views",
    ((False, True), (True, True)): "image",
}
"""Pairs of indices (of view and batch, equal or not) that a mask drops, in order -> what is dropped."""


def _logsumexp(node: Node, make: Maker) -> Node | None:
    if node.op != "logsumexp":
        return None
    found = product_of(node.inputs[0], make)
    mask = node.inputs[1] if len(node.inputs) > 1 else None
    return None if found is None else _streamed(found, mask, set(axes_of(node)), make)


def _streamed(found: Affine, mask: Node | None, over: set[Axis], make: Maker) -> Node | None:
    sides, pairs = sides_of(found), axes_of(found.core, "pairs")
    table = kept_pairs(mask, pairs)
    if sides is None or table is None or not set(sides[1]) <= over:
        return None
    dropped = _DROPPED.get(tuple(equal for equal, kept in table.items() if not kept))
    if dropped is None or (mask is not None and pairs not in {(BATCH,), (VIEW, BATCH)}):
        return None
    contracted = axes_of(found.core)
    result = make.call(
        "logsumexp_of_products", *found.core.inputs, found.scale, over=contracted, pairs=pairs, dropped=dropped
    )
    rest = tuple(axis for axis in sides[0] if axis in over)
    if rest:
        result = make.call("logsumexp", result, over=rest)
    return result if found.offset is None else make.call("add", result, found.offset)


def _mean_of_exponentials(node: Node, make: Maker) -> Node | None:
    inner = node.inputs[0] if node.op == "log" else None
    if inner is None or inner.op != "mean" or inner.inputs[0].op != "exp":
        return None
    exponent, mask = inner.inputs[0].inputs[0], inner.inputs[1] if len(inner.inputs) > 1 else None
    found, over = product_of(exponent, make), axes_of(inner)
    if found is None:
        return None
    total = _streamed(found, mask, set(over), make)
    count = count_of(found, mask, over, make)
    if total is None or count is None:
        return None
    return make.call("add", total, make.call("log", make.call("divide", make.constant(1), count)))


# ---------------------------------------------------------------- choices


def _chosen(node: Node, make: Maker) -> Node | None:
    if node.op != "dot" or axes_of(node, "pairs"):
        return None
    over = axes_of(node)
    for choice, y in (node.inputs, reversed(node.inputs)):
        if choice.op != "argmax" or axes_of(choice) != over or len(over) != 1:
            continue
        if not y.type.without(choice.type.axes).axes:  # entries, each chosen for itself, and no rows
            continue
        try:
            made = make.call("chosen_rows", choice.inputs[0], y, over=over)
        except Problem:
            continue
        return made if made.type == node.type else None
    return None


def _laid_out(query: Node, keys: Node, chosen: Node, axis: Axis, over: tuple[Axis, ...]) -> bool:
    """Whether keys are [..., axis, over], queries [..., rows, over] and what is chosen [..., axis, any], matched before that."""
    before = keys.type.without((axis, *over)).axes
    fits = keys.type.axes == (*before, axis, *over) and chosen.type.axes[:-1] == (*before, axis) and len(over) == 1
    rows = query.type.axes
    return fits and rows[-1:] == over and rows[: len(before)] == before and (not before or len(rows) == len(before) + 2)


def _nearest(node: Node, make: Maker) -> Node | None:
    if node.op != "chosen_rows":
        return None
    (axis,), (scores, chosen) = axes_of(node), node.inputs
    added = shifted(scores, make)
    found = product_of(scores, make) if added is None else Affine(added.product, added.scale)
    if found is None or found.offset is not None or found.hollow is not None or found.diagonal is not None:
        return None
    query, keys = found.core.inputs
    pairs, over = axes_of(found.core, "pairs"), axes_of(found.core)
    if pairs == (axis,):  # what is chosen are rows of the first, for every row of the second
        query, keys = keys, query
    elif pairs or query.type.has(axis) or added is not None:
        return None
    if not _laid_out(query, keys, chosen, axis, over):
        return None
    shift = make.constant(0) if added is None else added.shift
    operands = (query, keys, chosen, found.scale, shift)
    made = make.call("nearest_rows", *operands, over=over, keys_of=(axis,))
    return made if made.type == node.type else None


STREAMS = (
    Row("logsumexp_of_products", "log Σⱼ exp(s xᵢ·yⱼ + c) = c + the same of s xᵢ·yⱼ, tile by tile", _logsumexp),
    Row("mean_of_exponentials", "log mean exp u = log Σ exp u + log(1 / count)", _mean_of_exponentials),
)

CHOICES = (
    Row("chosen_rows", "Σⱼ [j is the largest] yⱼ = that yⱼ", _chosen),
    Row("nearest_rows", "the largest s xᵢ·yⱼ + c [i = j], some rows at a time", _nearest),
)
