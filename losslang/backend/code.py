"""Pieces of Python source with their binding strength, so that parentheses stand only where they are needed."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ATOM", "POWER", "PRODUCT", "SIGN", "SUM", "Code", "call", "method", "sign"]

COMPARISON, SUM, PRODUCT, SIGN, POWER, ATOM = range(6)


@dataclass(frozen=True)
class Code:
    """Source text, how tightly it binds, and whether it is a Python number rather than a tensor.

    `own` is a large tensor that nothing else refers to and the way back does not keep: it can be written into.
    """

    text: str
    strength: int = ATOM
    scalar: bool = False
    own: bool = False

    def within(self, strength: int) -> str:
        """The text as an operand of something that binds this tightly."""
        return self.text if self.strength >= strength else f"({self.text})"

    @property
    def atom(self) -> str:
        """The text as something that takes a method call."""
        number = self.scalar and self.text.replace(".", "").isdigit()
        return f"({self.text})" if number else self.within(ATOM)


def call(function: str, *arguments: str, scalar: bool = False) -> Code:
    """`function(arguments)`."""
    return Code(f"{function}({', '.join(arguments)})", ATOM, scalar)


def method(value: Code, name: str, *arguments: str) -> Code:
    """`value.name(arguments)`."""
    return Code(f"{value.atom}.{name}({', '.join(arguments)})")


_SIGNS = {
    "+": (SUM, SUM, SUM),
    "-": (SUM, SUM, PRODUCT),
    "*": (PRODUCT, PRODUCT, SIGN),
    "/": (PRODUCT, PRODUCT, SIGN),
    "**": (POWER, ATOM, SIGN),
    "==": (COMPARISON, SUM, SUM),
    "!=": (COMPARISON, SUM, SUM),
    "<": (COMPARISON, SUM, SUM),
    "<=": (COMPARISON, SUM, SUM),
    ">": (COMPARISON, SUM, SUM),
    ">=": (COMPARISON, SUM, SUM),
}


def sign(operator: str, left: Code, right: Code) -> Code:
    """`left operator right`."""
    strength, on_left, on_right = _SIGNS[operator]
    text = f"{left.within(on_left)} {operator} {right.within(on_right)}"
    return Code(text, strength, left.scalar and right.scalar)
