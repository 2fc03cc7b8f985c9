"""Walking over expressions without recursion."""

from __future__ import annotations

from collections.abc import Iterator

from losslang.syntax.tree import Binary, Call, Expression, Index, Items, Unary

__all__ = ["children", "walk"]


def children(expression: Expression) -> tuple[Expression, ...]:
    """The expressions directly inside one, in the order they are written."""
    match expression:
        case Unary():
            return (expression.operand,)
        case Binary():
            return (expression.left, expression.right)
        case Index():
            return (expression.value, expression.index)
        case Items():
            return expression.items
        case Call():
            parts = (*expression.arguments, *(each.value for each in expression.keywords))
            parts += tuple(each.domain for each in expression.loops)
            return parts if expression.condition is None else (*parts, expression.condition)
        case _:
            return ()


def walk(expression: Expression) -> Iterator[tuple[Expression, int]]:
    """An expression and all in it, each with its depth (1 for the whole), in the order they are written."""
    waiting = [(expression, 1)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting += [(child, depth + 1) for child in reversed(children(node))]
