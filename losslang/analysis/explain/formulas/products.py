"""`dot`: scalar products, sums of outer products, and matrices at work on vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from losslang.analysis.explain.formulas.reductions import Arguments, along, bind, without
from losslang.analysis.explain.notation.formula import (
    Apply,
    Big,
    Fence,
    Formula,
    Numeral,
    Power,
    Product,
    Symbol,
    negated,
    product,
    scripted,
)
from losslang.objective.axes import FEATURE, Axis
from losslang.syntax.tree import Call, Expression, Name

if TYPE_CHECKING:
    from losslang.analysis.explain.formulas.scene import Indices
    from losslang.analysis.explain.formulas.translate import Translator

__all__ = ["dot"]


def dot(writer: Translator, call: Call, arguments: Arguments, indices: Indices) -> Formula:
    """⟨x, y⟩ over features; over other axes a sum of products, of outer ones where features stay apart."""
    over = along(writer, arguments)
    pairs = writer.scene.axes_named(arguments["pairs"]) if "pairs" in arguments else ()
    x, y = arguments["x"], arguments["y"]
    if over != (FEATURE,):
        indices = _renamed(writer, call, (x, y), over, indices)
    chosen = _chosen(writer, x, y, over, indices)
    if chosen is not None:
        return chosen
    if over == (FEATURE,):
        matrix = _matrix_at_work(writer, x, y, indices)
        if matrix is not None:
            return matrix
        inside = without(indices, over)
        return Fence("dot", (writer.write(x, inside), writer.write(y, primed(inside, pairs))))
    return _sum_of_products(writer, (x, y), over, pairs, indices)


def _renamed(
    writer: Translator, call: Call, operands: tuple[Expression, ...], over: tuple[Axis, ...], indices: Indices
) -> Indices:
    """Where the copy of an axis that is summed over takes its name, the index of the result is that of the copy."""
    held = {axis for operand in operands for axis in writer.scene.axes(operand)}
    moved = [axis for axis in over if axis.primed() in held and axis in writer.scene.axes(call) and axis in indices]
    return {**without(indices, tuple(moved)), **{axis.primed(): indices[axis] for axis in moved}}


def primed(indices: Indices, pairs: tuple[Axis, ...]) -> dict[Axis, Formula]:
    """The indices of y: where axes are paired, those of its own copy."""
    mine = without(indices, pairs)
    return mine | {axis: indices[axis.primed()] for axis in pairs if axis.primed() in indices}


def _sum_of_products(
    writer: Translator,
    operands: tuple[Expression, Expression],
    over: tuple[Axis, ...],
    pairs: tuple[Axis, ...],
    indices: Indices,
) -> Formula:
    inside = bind(writer, over, indices)
    below = tuple(inside[axis] for axis in over)
    left = writer.write(operands[0], inside)
    right = writer.write(operands[1], primed(inside, pairs))
    outer = pairs and not any(axis in indices or axis.primed() in indices for axis in pairs)
    return Big("sum", below, Product((left, _transposed(right))) if outer else product(left, right))


def _transposed(formula: Formula) -> Formula:
    return Power(formula, Symbol("top"))


def _chosen(
    writer: Translator, x: Expression, y: Expression, over: tuple[Axis, ...], indices: Indices
) -> Formula | None:
    """The row of y that an `argmax` chooses: y with argmax below."""
    if isinstance(y, Call) and y.function == "argmax":
        x, y = y, x
    if not isinstance(x, Call) or x.function != "argmax" or len(over) != 1:
        return None
    inside = bind(writer, over, indices)
    largest = Big("argmax", (inside[over[0]],), writer.write(x.arguments[0], inside))
    below = {**without(indices, over), over[0]: largest}
    if isinstance(y, Name):
        return writer.write(y, below)
    return scripted(Apply("row", (writer.write(y, without(indices, over)),)), (largest,))


def _matrix_at_work(writer: Translator, x: Expression, y: Expression, indices: Indices) -> Formula | None:
    """A vector times a matrix [feature, feature']: the matrix, transposed, in front."""
    wide = [FEATURE.primed() in writer.scene.axes(side) for side in (x, y)]
    if wide.count(True) != 1:
        return None
    vector, matrix = (y, x) if wide[0] else (x, y)
    inside = without(indices, (FEATURE, FEATURE.primed()))
    front = _turned(writer.write(matrix, inside), matrix)
    return product(front, writer.write(vector, inside))


def _turned(formula: Formula, matrix: Expression) -> Formula:
    """The transposed matrix; roots are symmetric, and a transposed inverse Cholesky factor turns back."""
    if isinstance(matrix, Call) and matrix.function == "inverse_root" and isinstance(formula, Power):
        lower = formula.exponent == negated(Symbol("top"))
        return Power(formula.base, negated(Numeral("1"))) if lower else formula
    return _transposed(formula)
