"""Rows that compute with similarities without holding the matrix of all of them."""

from __future__ import annotations

from losslang.algebra.patterns import Affine, affine, axes_of, kept_pairs, product_of
from losslang.algebra.rewrite import Maker, Row
from losslang.objective.axes import BATCH, VIEW, Axis
from losslang.objective.graph import Node
from losslang.objective.rules import Problem

__all__ = ["CHOICES", "MASKED", "STREAMS"]

_DROPPED = {
    (): "nothing",
    ((True,),): "self",
    ((True, True),): "self",
    ((False, True),): "views",
    ((False, True), (True, True)): "image",
}
"""Pairs of indices (of view and batch, equal or not) that a mask drops, in order -> what is dropped."""


def _sides(found: Affine) -> tuple[tuple[Axis, ...], tuple[Axis, ...]] | None:
    """The axes of rows and columns of a product of every row with every column; None where some are matched."""
    x, y = (child.type.axes for child in found.core.inputs)
    over, pairs = axes_of(found.core), axes_of(found.core, "pairs")
    rows = tuple(axis for axis in x if axis not in over)
    columns = tuple(axis.primed() if axis in pairs else axis for axis in y if axis not in over)
    if found.hollow is not None or found.diagonal is not None or set(rows) & set(columns) or not columns:
        return None
    return rows, columns


def _logsumexp(node: Node, make: Maker) -> Node | None:
    if node.op != "logsumexp":
        return None
    found = product_of(node.inputs[0], make)
    mask = node.inputs[1] if len(node.inputs) > 1 else None
    return None if found is None else _streamed(found, mask, set(axes_of(node)), make)


def _streamed(found: Affine, mask: Node | None, over: set[Axis], make: Maker) -> Node | None:
    sides, pairs = _sides(found), axes_of(found.core, "pairs")
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
    count = _count(found, mask, over, make)
    if total is None or count is None:
        return None
    return make.call("add", total, make.call("log", make.call("divide", make.constant(1), count)))


# ---------------------------------------------------------------- masked sums of products


def _masked(node: Node, make: Maker) -> Node | None:
    if node.op not in {"sum", "mean"}:
        return None
    found = affine(node.inputs[0], make)
    pairs, over = axes_of(found.core, "pairs") if found.core.op == "dot" else (), axes_of(node)
    mask = node.inputs[1] if len(node.inputs) > 1 else None
    if not pairs or _sides(found) is None or not {axis.primed() for axis in pairs} <= set(over):
        return None
    x, y = found.core.inputs
    if x.type.axes != y.type.axes or (found.offset is not None and node.op == "sum"):
        return None
    partners = _partners(y, mask, pairs, make)
    count = _count(found, mask, over, make)
    if partners is None or count is None:
        return None
    left = tuple(axis for axis in over if axis in pairs)
    alone = tuple(axis for axis in left if not partners.type.has(axis))
    x = make.call("sum", x, over=alone) if alone else x
    over = (*axes_of(found.core), *(axis for axis in left if axis not in alone))
    result = make.call("multiply", found.scale, make.call("dot", x, partners, over=over))
    if node.op == "sum":
        return result
    result = make.call("divide", result, count)
    return result if found.offset is None else make.call("add", result, found.offset)


def _partners(y: Node, mask: Node | None, pairs: tuple[Axis, ...], make: Maker) -> Node | None:
    """For every row the sum of the rows that its mask keeps."""
    terms = _terms(mask, pairs)
    if terms is None:
        return None
    result: Node | None = None
    for equal, times in terms:
        gone = tuple(axis for axis, same in zip(pairs, equal, strict=True) if not same)
        part = make.call("sum", y, over=gone) if gone else y
        if result is not None and times == -1:
            result = make.call("subtract", result, part)
            continue
        part = part if times == 1 else make.call("multiply", make.constant(times), part)
        result = part if result is None else make.call("add", result, part)
    return result


def _count(found: Affine, mask: Node | None, over: tuple[Axis, ...], make: Maker) -> Node | None:
    """How many pairs a mask keeps."""
    x, pairs = found.core.inputs[0], axes_of(found.core, "pairs")
    terms = _terms(mask, pairs)
    if terms is None or not pairs:
        return None
    total: Node | None = None
    for equal, times in terms:
        part = make.constant(times)
        for axis, same in zip(pairs, equal, strict=True):
            part = part if same else make.call("multiply", part, make.size(x, axis))
        total = part if total is None else make.call("add", total, part)
    for axis in pairs:
        if axis in over and total is not None:
            total = make.call("multiply", total, make.size(x, axis))
    return total


def _terms(mask: Node | None, pairs: tuple[Axis, ...]) -> list[tuple[tuple[bool, ...], int]] | None:
    """A mask as a sum over subsets of axes whose indices are equal, by inclusion and exclusion."""
    table = kept_pairs(mask, pairs)
    if table is None:
        return None
    terms = []
    for equal in table:
        below = [other for other in table if all(a <= b for a, b in zip(other, equal, strict=True))]
        times = sum((-1) ** (sum(equal) - sum(other)) * table[other] for other in below)
        if times:
            terms.append((equal, times))
    return terms or None


# ---------------------------------------------------------------- choices


def _chosen(node: Node, make: Maker) -> Node | None:
    if node.op != "dot" or axes_of(node, "pairs"):
        return None
    over = axes_of(node)
    for choice, y in (node.inputs, reversed(node.inputs)):
        if choice.op != "argmax" or axes_of(choice) != over or len(over) != 1:
            continue
        try:
            made = make.call("chosen_rows", choice.inputs[0], y, over=over)
        except Problem:
            continue
        return made if made.type == node.type else None
    return None


STREAMS = (
    Row("logsumexp_of_products", "log Σⱼ exp(s xᵢ·yⱼ + c) = c + the same of s xᵢ·yⱼ, tile by tile", _logsumexp),
    Row("mean_of_exponentials", "log mean exp u = log Σ exp u + log(1 / count)", _mean_of_exponentials),
)

MASKED = (Row("sum_of_products", "Σⱼ mᵢⱼ xᵢ·yⱼ = xᵢ · Σⱼ mᵢⱼ yⱼ", _masked),)

CHOICES = (Row("chosen_rows", "Σⱼ [j is the largest] yⱼ = that yⱼ", _chosen),)
