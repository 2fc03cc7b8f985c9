"""Sums of products of rows over masked pairs, without the matrix of all products."""

from __future__ import annotations

from typing import TypeAlias

from losslang.algebra.patterns import Affine, affine, axes_of, kept_pairs
from losslang.algebra.rewrite import Maker, Row
from losslang.objective.axes import Axis
from losslang.objective.graph import Node

__all__ = ["MASKED", "Terms", "count_of", "sides_of", "sum_of_kept"]

Terms: TypeAlias = list[tuple[tuple[bool, ...], int]]
"""A mask of pairs as a sum: over the subsets of axes whose indices are equal, each so many times."""


def sides_of(found: Affine) -> tuple[tuple[Axis, ...], tuple[Axis, ...]] | None:
    """The axes of rows and columns of a product of every row with every column; None where some are matched."""
    x, y = (child.type.axes for child in found.core.inputs)
    over, pairs = axes_of(found.core), axes_of(found.core, "pairs")
    rows = tuple(axis for axis in x if axis not in over)
    columns = tuple(axis.primed() if axis in pairs else axis for axis in y if axis not in over)
    if found.hollow is not None or found.diagonal is not None or set(rows) & set(columns) or not columns:
        return None
    return rows, columns


def _masked(node: Node, make: Maker) -> Node | None:
    if node.op not in {"sum", "mean"}:
        return None
    found = affine(node.inputs[0], make)
    pairs, over = axes_of(found.core, "pairs") if found.core.op == "dot" else (), axes_of(node)
    mask = node.inputs[1] if len(node.inputs) > 1 else None
    if not pairs or sides_of(found) is None or not {axis.primed() for axis in pairs} <= set(over):
        return None
    x, y = found.core.inputs
    if x.type.axes != y.type.axes or (found.offset is not None and node.op == "sum"):
        return None
    terms = _terms(mask, pairs)
    return None if terms is None else sum_of_kept(node.op, found, terms, over, make)


def sum_of_kept(op: str, found: Affine, terms: Terms, over: tuple[Axis, ...], make: Maker) -> Node:
    """The sum or the mean of those products of rows of x with rows of y that are kept."""
    x, y = found.core.inputs
    pairs = axes_of(found.core, "pairs")
    partners, count = _partners(y, terms, pairs, make), _count(x, terms, pairs, over, make)
    left = tuple(axis for axis in over if axis in pairs)
    alone = tuple(axis for axis in left if not partners.type.has(axis))
    x = make.call("sum", x, over=alone) if alone else x
    over = (*axes_of(found.core), *(axis for axis in left if axis not in alone))
    result = make.call("multiply", found.scale, make.call("dot", x, partners, over=over))
    if op == "sum":
        return result
    result = make.call("divide", result, count)
    return result if found.offset is None else make.call("add", result, found.offset)


def _partners(y: Node, terms: Terms, pairs: tuple[Axis, ...], make: Maker) -> Node:
    """For every row the sum of the rows that are kept with it."""
    result: Node | None = None
    for equal, times in terms:
        gone = tuple(axis for axis, same in zip(pairs, equal, strict=True) if not same)
        part = make.call("sum", y, over=gone) if gone else y
        if result is not None and times == -1:
            result = make.call("subtract", result, part)
            continue
        part = part if times == 1 else make.call("multiply", make.constant(times), part)
        result = part if result is None else make.call("add", result, part)
    assert result is not None
    return result


def count_of(found: Affine, mask: Node | None, over: tuple[Axis, ...], make: Maker) -> Node | None:
    """How many pairs a mask keeps; None where it depends on more than which indices are equal."""
    pairs = axes_of(found.core, "pairs")
    terms = _terms(mask, pairs)
    return _count(found.core.inputs[0], terms, pairs, over, make) if terms is not None and pairs else None


def _count(x: Node, terms: Terms, pairs: tuple[Axis, ...], over: tuple[Axis, ...], make: Maker) -> Node:
    total: Node | None = None
    for equal, times in terms:
        part = make.constant(times)
        for axis, same in zip(pairs, equal, strict=True):
            part = part if same else make.call("multiply", part, make.size(x, axis))
        total = part if total is None else make.call("add", total, part)
    assert total is not None
    for axis in pairs:
        if axis in over:
            total = make.call("multiply", total, make.size(x, axis))
    return total


def _terms(mask: Node | None, pairs: tuple[Axis, ...]) -> Terms | None:
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


MASKED = (Row("sum_of_products", "Σⱼ mᵢⱼ xᵢ·yⱼ = xᵢ · Σⱼ mᵢⱼ yⱼ", _masked),)
