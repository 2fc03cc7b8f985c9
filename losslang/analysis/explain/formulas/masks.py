"""Masks as conditions on indices: `where=not same(batch)` is j ≠ i below a sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from losslang.analysis.explain.notation.formula import Formula, Group, Relation, Symbol
from losslang.objective.axes import Axis
from losslang.syntax.tree import Binary, Call, Expression, Name, Unary

if TYPE_CHECKING:
    from losslang.analysis.explain.formulas.scene import Indices
    from losslang.analysis.explain.formulas.translate import Translator

__all__ = ["conditions", "mask_axes", "offdiagonal"]

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def conditions(
    writer: Translator, mask: Expression, indices: Indices, first: frozenset[Axis] = frozenset()
) -> tuple[Formula, ...]:
    """The conditions of a mask, all of which must hold; an index of `first` stands to the left of its like."""
    mask = _named(writer, mask)
    match mask:
        case Binary(operator="and"):
            return conditions(writer, mask.left, indices, first) + conditions(writer, mask.right, indices, first)
        case Unary(operator="not"):
            return _negation(writer, mask.operand, indices, first)
        case Call(function="same"):
            left, right = _sides(writer, mask, indices, first)
            return (Relation("==", left, right),)
        case Binary(operator="or"):
            either = [conditions(writer, side, indices, first) for side in (mask.left, mask.right)]
            return (Relation("or", *(_joined(side) for side in either)),)
        case Binary():
            return (Relation(mask.operator, writer.write(mask.left, indices), writer.write(mask.right, indices)),)
        case _:
            return (writer.write(mask, indices),)


def _negation(writer: Translator, mask: Expression, indices: Indices, first: frozenset[Axis]) -> tuple[Formula, ...]:
    mask = _named(writer, mask)
    if isinstance(mask, Unary):
        return conditions(writer, mask.operand, indices, first)
    inner = conditions(writer, mask, indices, first)
    if len(inner) == 1 and isinstance(inner[0], Relation) and inner[0].sign in _OPPOSITE:
        return (Relation(_OPPOSITE[inner[0].sign], inner[0].left, inner[0].right),)
    relations = [relation for relation in inner if isinstance(relation, Relation)]
    if len(relations) == len(inner) and all(relation.sign == "==" for relation in relations):
        left, right = Group(tuple(r.left for r in relations)), Group(tuple(r.right for r in relations))
        return (Relation("!=", left, right),)
    return (Relation("not", Symbol(""), _joined(inner)),)


def _joined(parts: tuple[Formula, ...]) -> Formula:
    return parts[0] if len(parts) == 1 else Group(parts)


def _sides(writer: Translator, same: Call, indices: Indices, first: frozenset[Axis]) -> tuple[Formula, Formula]:
    (axis,) = writer.scene.axes_named(same.arguments[0])
    sides = [axis.primed(), axis] if axis.primed() in first and axis not in first else [axis, axis.primed()]
    left, right = (indices.get(side, Symbol("any")) for side in sides)
    return left, right


def _named(writer: Translator, mask: Expression) -> Expression:
    """The mask that a name of a definition stands for."""
    while isinstance(mask, Name) and mask.id in writer.scene.masks:
        mask = writer.scene.masks[mask.id]
    return mask


def mask_axes(writer: Translator, mask: Expression) -> set[Axis]:
    """The axes whose indices the conditions of a mask show."""
    return set(writer.scene.axes(mask))


def offdiagonal(expression: Expression) -> tuple[Expression, tuple[Expression, ...]]:
    """An expression that is zero on a diagonal: without that factor, and the masks where it is not."""
    match expression:
        case Call(function="offdiag"):
            matrix, *rest = expression.arguments
            axis = next(iter([*rest, *(keyword.value for keyword in expression.keywords)]), Name("feature"))
            return matrix, (Unary("not", Call("same", (axis,))),)
        case Binary(operator="^"):
            base, masks = offdiagonal(expression.left)
            return (Binary("^", base, expression.right), masks) if masks else (expression, ())
        case Binary(operator="*"):
            left, one = offdiagonal(expression.left)
            right, two = offdiagonal(expression.right)
            return (Binary("*", left, right), one + two) if one or two else (expression, ())
        case _:
            return expression, ()
