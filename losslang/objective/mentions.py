"""Which names an expression mentions."""

from __future__ import annotations

from collections.abc import Iterator

from losslang.syntax.tree import Call, Expression, Name
from losslang.syntax.walk import walk

__all__ = ["names_in"]


def names_in(expression: Expression) -> Iterator[str]:
    """Every name in an expression, functions and option words included."""
    for part, _ in walk(expression):
        match part:
            case Name():
                yield part.id
            case Call():
                yield part.function
