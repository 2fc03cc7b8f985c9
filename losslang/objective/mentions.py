"""Which names an expression mentions."""

from __future__ import annotations

from collections.abc import Iterator

from losslang.syntax.tree import Binary, Call, Expression, Index, Items, Name, Unary

__all__ = ["names_in"]


def names_in(expression: Expression) -> Iterator[str]:
    """Every name in an expression, functions and option words included."""
    match expression:
        case Name():
            yield expression.id
        case Unary():
            yield from names_in(expression.operand)
        case Binary():
            yield from names_in(expression.left)
            yield from names_in(expression.right)
        case Index():
            yield from names_in(expression.value)
            yield from names_in(expression.index)
        case Items():
            for item in expression.items:
                yield from names_in(item)
        case Call():
            yield expression.function
            parts = [*expression.arguments, *(k.value for k in expression.keywords)]
            parts += [loop.domain for loop in expression.loops]
            parts += [expression.condition] if expression.condition else []
            for part in parts:
                yield from names_in(part)
