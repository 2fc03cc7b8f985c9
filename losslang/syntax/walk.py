"""Walking over expressions without recursion, and changing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from losslang.syntax.tree import Binary, Call, Expression, Index, Items, Unary

__all__ = ["children", "rewritten", "walk"]


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


def rewritten(expression: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """An expression with a change made at every place, from the inside out."""

    def inside(part: Expression) -> Expression:
        return rewritten(part, change)

    match expression:
        case Unary():
            expression = replace(expression, operand=inside(expression.operand))
        case Binary():
            expression = replace(expression, left=inside(expression.left), right=inside(expression.right))
        case Index():
            expression = replace(expression, value=inside(expression.value), index=inside(expression.index))
        case Items():
            expression = replace(expression, items=tuple(inside(item) for item in expression.items))
        case Call():
            expression = replace(
                expression,
                arguments=tuple(inside(part) for part in expression.arguments),
                keywords=tuple(replace(keyword, value=inside(keyword.value)) for keyword in expression.keywords),
                loops=tuple(replace(loop, domain=inside(loop.domain)) for loop in expression.loops),
                condition=None if expression.condition is None else inside(expression.condition),
            )
    return change(expression)
