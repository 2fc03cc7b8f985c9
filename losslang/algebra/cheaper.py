"""Rows that let a sum of squares, a log-det or a trace be computed on the smaller side, or without its matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from losslang.algebra.patterns import Affine, axes_of, product_of, shifted, squared
from losslang.algebra.rewrite import Maker, Row
from losslang.objective.axes import Axis
from losslang.objective.graph import Node

__all__ = ["DIAGONALS", "SIDES", "STANDARDS", "Rewrite", "log_dets", "sums_of_squares", "traces_of_log"]

Rewrite: TypeAlias = Callable[[Node, Maker], Node | None]

Form: TypeAlias = Callable[..., Node | None]
"""The new form of what was found: called as the methods `call` of a maker is, with the maker first."""


def _plain_product(dot: Node) -> bool:
    """Whether both operands have the same axes, so that every axis is multiplied over, paired, or shared."""
    x, y = dot.inputs
    return x.type.axes == y.type.axes


def _both(pairs: tuple[Axis, ...]) -> set[Axis]:
    return {*pairs, *(axis.primed() for axis in pairs)}


def _fused(op: str) -> Form:
    """One fused operation."""
    return lambda make, *operands, **options: make.call(op, *operands, **options)


def _squares(found: Affine, make: Maker, form: Form) -> Node | None:
    """Σ (scale · product)² over the axes of its matrix."""
    pairs = axes_of(found.core, "pairs")
    fits = found.offset is None and found.diagonal is None and pairs and _plain_product(found.core)
    if not fits or (found.hollow is not None and pairs != (found.hollow,)):
        return None
    over, hollow = axes_of(found.core), found.hollow is not None
    return form(make, *found.core.inputs, found.scale, over=over, pairs=pairs, hollow=hollow)


def sums_of_squares(form: Form) -> Rewrite:
    """Sums and means of the squares of a product's entries, in another form."""
    return lambda node, make: _sum_of_squares(node, make, form)


def _sum_of_squares(node: Node, make: Maker, form: Form) -> Node | None:
    if node.op not in {"sum", "mean"} or len(node.inputs) != 1:
        return None
    root = squared(node.inputs[0])
    found = product_of(root, make) if root is not None else None
    if found is None:
        return None
    pairs, over = axes_of(found.core, "pairs"), axes_of(node)
    if not _both(pairs) <= set(over):
        return None
    total = _squares(found, make, form)
    if total is None:
        return None
    rest = tuple(axis for axis in over if axis not in _both(pairs))
    if rest:
        total = make.call(node.op, total, over=rest)
    if node.op == "mean":
        for axis in pairs:
            size = make.size(found.core.inputs[0], axis)
            total = make.call("divide", total, make.call("multiply", size, size))
    return total


def _length(node: Node, make: Maker) -> Node | None:
    if node.op != "norm" or len(node.inputs) != 1:
        return None
    found = product_of(node.inputs[0], make)
    if found is None or set(axes_of(node)) != _both(axes_of(found.core, "pairs")):
        return None
    total = _squares(found, make, _fused("squared_products"))
    return None if total is None else make.call("sqrt", total)


def log_dets(form: Form) -> Rewrite:
    """log det(I + s XᵀX), in another form."""
    return lambda node, make: _logdet(node, make, form)


def _logdet(node: Node, make: Maker, form: Form) -> Node | None:
    if node.op != "logdet":
        return None
    found = shifted(node.inputs[0], make)
    if found is None or axes_of(node) != (found.axis,) or found.shift.op != "constant" or found.shift["value"] != 1:
        return None
    x, y = found.product.inputs
    if x is not y:
        return None
    return form(make, x, found.scale, over=axes_of(found.product), pairs=(found.axis,))


def traces_of_log(form: Form) -> Rewrite:
    """tr f(c I + s XᵀY) of the Taylor polynomial f of the logarithm, in another form."""
    return lambda node, make: _trace_of_log(node, make, form)


def _trace_of_log(node: Node, make: Maker, form: Form) -> Node | None:
    if node.op != "sum" or len(node.inputs) != 1:
        return None
    inner = node.inputs[0]
    if inner.op != "multiply":
        return None
    for log, one in (inner.inputs, reversed(inner.inputs)):
        if log.op != "matrix_log" or one.op != "same":
            continue
        (axis,) = axes_of(log)
        found = shifted(log.inputs[0], make)
        fits = found is not None and found.axis == axis == one["axis"] and _plain_product(found.product)
        if found is None or not fits or set(axes_of(node)) != _both((axis,)):
            return None
        operands = (*found.product.inputs, found.scale, found.shift)
        over = axes_of(found.product)
        return form(make, *operands, over=over, pairs=(axis,), order=log["order"])
    return None


def _diagonal(node: Node, make: Maker) -> Node | None:
    if node.op != "sum" or len(node.inputs) != 1:
        return None
    found = product_of(node.inputs[0], make)
    if found is None or found.diagonal is None or found.offset is not None:
        return None
    axis, over = found.diagonal, set(axes_of(node))
    if axes_of(found.core, "pairs") != (axis,) or not _plain_product(found.core) or axis.primed() not in over:
        return None
    left = over - {axis.primed()}
    products = make.call("dot", *found.core.inputs, over=(*axes_of(found.core), *sorted(left, key=lambda a: a.place)))
    return make.call("multiply", found.scale, products)


def _standardized(node: Node, make: Maker) -> Node | None:
    if node.op != "divide" or node.inputs[0].op != "subtract" or node.inputs[1].op != "std":
        return None
    (x, mean), std = node.inputs[0].inputs, node.inputs[1]
    if mean.op != "mean" or mean.inputs != (x,) or std.inputs != (x,) or axes_of(mean) != axes_of(std):
        return None
    return make.call("standardized", x, over=axes_of(std), ddof=std["ddof"], eps=std["eps"])


def _squared_length(node: Node, make: Maker) -> Node | None:
    if node.op not in {"sum", "mean"} or len(node.inputs) != 1:
        return None
    root, over = squared(node.inputs[0]), axes_of(node)
    if root is None or root.type.kind != "real" or set(over) != set(root.type.axes) or not over:
        return None
    if product_of(root, make) is not None:
        return None
    total = make.call("squared_length", root, over=over)
    for axis in over if node.op == "mean" else ():
        total = make.call("divide", total, make.size(root, axis))
    return total


STANDARDS = (
    Row("squared_length", "Σ x² = ‖x‖²", _squared_length),
    Row("standardized", "(x - mean) / deviation in one walk there and one back", _standardized),
)

SIDES = (
    Row(
        "sum_of_squares",
        "‖XᵀY‖² = ⟨XXᵀ, YYᵀ⟩; diagonals are sums over columns",
        sums_of_squares(_fused("squared_products")),
    ),
    Row("length", "‖XᵀY‖ = √⟨XXᵀ, YYᵀ⟩", _length),
    Row("log_det", "log det(I + s XᵀX) = log det(I + s XXᵀ) (Sylvester)", log_dets(_fused("logdet_of_products"))),
    Row(
        "trace_of_log",
        "tr f(c I + s XᵀY) = tr f(c I + s YXᵀ) + (d - n) f(c), for a polynomial f",
        traces_of_log(_fused("trace_of_log")),
    ),
)

DIAGONALS = (Row("diagonal_of_product", "(XᵀY)ᵢᵢ = Σₖ XₖᵢYₖᵢ", _diagonal),)
