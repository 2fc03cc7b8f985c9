"""Expression -> text: as few brackets as the tree allows, one spacing, long ones broken inside brackets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from losslang.syntax.texts import quoted
from losslang.syntax.tree import Binary, Call, Expression, Index, Items, Name, Number, Text, Unary

__all__ = ["INDENT", "WIDTH", "expression_lines", "write_expression"]

WIDTH: Final = 110
"""Columns a line may have before it is broken."""

INDENT: Final = "    "

# How tightly each form binds; an operand that binds less tightly than its place needs stands in brackets.
OR, AND, NOT, COMPARE, SUM, PRODUCT, SIGN, POWER, VALUE = range(1, 10)
ANY: Final = OR

# Operator -> how tightly it binds, and what its left and right operand need.
_BINARY: Final = {
    "or": (OR, OR, AND),
    "and": (AND, AND, NOT),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), (COMPARE, SUM, SUM)),
    **dict.fromkeys("+-", (SUM, SUM, PRODUCT)),
    **dict.fromkeys("*/", (PRODUCT, PRODUCT, SIGN)),
    "^": (POWER, VALUE, SIGN),
}


def write_expression(expression: Expression) -> str:
    """An expression on one line."""
    return _text(expression, ANY)


def expression_lines(expression: Expression, lead: int, room: int = WIDTH) -> list[str]:
    """An expression on as many lines as it needs where `lead` columns of the first are taken; breaks are in brackets."""
    return _lines(expression, ANY, lead, room, inside=False)


def _tightness(expression: Expression) -> int:
    match expression:
        case Binary():
            return _BINARY[expression.operator][0]
        case Unary():
            return SIGN if expression.operator == "-" else NOT
        case _:
            return VALUE


def _text(expression: Expression, need: int) -> str:
    if _tightness(expression) < need:
        return f"({_text(expression, ANY)})"
    match expression:
        case Number():
            return expression.text
        case Text():
            return quoted(expression.value)
        case Name():
            return expression.id + "'" * expression.primes
        case Unary():
            return _sign(expression) + _text(expression.operand, _tightness(expression))
        case Binary():
            _, left, right = _BINARY[expression.operator]
            return _text(expression.left, left) + _spaced(expression.operator) + _text(expression.right, right)
        case Index():
            return f"{_text(expression.value, VALUE)}[{_text(expression.index, ANY)}]"
        case Items():
            return f"[{', '.join(_text(item, ANY) for item in expression.items)}]"
        case Call():
            return f"{expression.function}({_inside(expression)})"


def _sign(expression: Unary) -> str:
    return "-" if expression.operator == "-" else "not "


def _spaced(operator: str) -> str:
    return "^" if operator == "^" else f" {operator} "


def _inside(call: Call) -> str:
    """What stands between the brackets of a call."""
    if call.loops:
        return f"{_text(call.arguments[0], ANY)} {_loops(call)}"
    named = [f"{keyword.name}={_text(keyword.value, ANY)}" for keyword in call.keywords]
    return ", ".join([*(_text(argument, ANY) for argument in call.arguments), *named])


def _loops(call: Call) -> str:
    parts = [f"for {loop.name} in {_text(loop.domain, SUM)}" for loop in call.loops]
    if call.condition is not None:
        parts.append(f"if {_text(call.condition, ANY)}")
    return " ".join(parts)


# ---------------------------------------------------------------- long ones


def _lines(expression: Expression, need: int, lead: int, room: int, *, inside: bool) -> list[str]:
    """Lines of an expression; `inside` says that brackets are open already, so that it may break anywhere."""
    flat = _text(expression, need)
    if lead + len(flat) <= room:
        return [flat]
    if _tightness(expression) < need:
        return _bracketed("(", [_lines(expression, ANY, 0, room - len(INDENT), inside=True)], ")")
    match expression:
        case Call() if expression.loops or expression.arguments or expression.keywords:
            return _bracketed(f"{expression.function}(", _parts(expression, room - len(INDENT)), ")")
        case Items() if expression.items:
            items = [_lines(item, ANY, 0, room - len(INDENT) - 1, inside=True) for item in expression.items]
            return _bracketed("[", _with_commas(items), "]")
        case Unary():
            sign = _sign(expression)
            lines = _lines(expression.operand, _tightness(expression), lead + len(sign), room, inside=inside)
            return [sign + lines[0], *lines[1:]]
        case Index():
            lines = _lines(expression.value, VALUE, lead, room, inside=inside)
            return [*lines[:-1], f"{lines[-1]}[{_text(expression.index, ANY)}]"]
        case Binary():
            return _operands(expression, lead, room, inside=inside)
        case _:
            return [flat]


def _bracketed(opening: str, parts: Sequence[Sequence[str]], closing: str) -> list[str]:
    return [opening, *(INDENT + line for part in parts for line in part), closing]


def _with_commas(parts: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[*part[:-1], part[-1] + ","] for part in parts[:-1]] + [list(parts[-1])]


def _parts(call: Call, room: int) -> list[list[str]]:
    """The arguments of a call, or its body and its loops, each on lines of its own."""
    if call.loops:
        return [_lines(call.arguments[0], ANY, 0, room, inside=True), [_loops(call)]]
    parts = [_lines(argument, ANY, 0, room - 1, inside=True) for argument in call.arguments]
    for keyword in call.keywords:
        lines = _lines(keyword.value, ANY, len(keyword.name) + 1, room - 1, inside=True)
        parts.append([f"{keyword.name}={lines[0]}", *lines[1:]])
    return _with_commas(parts)


def _chain(expression: Binary) -> list[tuple[str, Expression, int]]:
    """`a + b - c` as its operands, each with the operator before it and what its place needs."""
    tightness, left, right = _BINARY[expression.operator]
    if left > tightness:  # `^` and comparisons are not chained
        return [("", expression.left, left), (expression.operator, expression.right, right)]
    rest: list[tuple[str, Expression, int]] = []
    node: Expression = expression
    while isinstance(node, Binary) and _BINARY[node.operator][0] == tightness:
        rest.append((node.operator, node.right, right))
        node = node.left
    return [("", node, left), *reversed(rest)]


def _operands(expression: Binary, lead: int, room: int, *, inside: bool) -> list[str]:
    """Breaks the longest operand if the rest is short; otherwise gives every operand a line."""
    chain = _chain(expression)
    flat = [_text(operand, need) for _, operand, need in chain]
    longest = max(range(len(chain)), key=lambda at: len(flat[at]))
    before = "".join(_operator(chain[at][0]) + flat[at] for at in range(longest)) + _operator(chain[longest][0])
    after = "".join(_operator(chain[at][0]) + flat[at] for at in range(longest + 1, len(chain)))
    if lead + len(before) <= room // 2 and len(after) <= room // 2:
        _, operand, need = chain[longest]
        lines = _lines(operand, need, lead + len(before) + (len(after) if longest == 0 else 0), room, inside=False)
        if len(lines) > 1:
            return [before + lines[0], *lines[1:-1], lines[-1] + after]
    if not inside:
        return _bracketed("(", [_lines(expression, ANY, 0, room - len(INDENT), inside=True)], ")")
    return _one_line_each(chain, room)


def _operator(operator: str) -> str:
    return _spaced(operator) if operator else ""


def _one_line_each(chain: Sequence[tuple[str, Expression, int]], room: int) -> list[str]:
    lines: list[str] = []
    for operator, operand, need in chain:
        sign = f"{operator} " if operator else ""
        part = _lines(operand, need, len(sign), room, inside=False)
        lines += [sign + part[0], *part[1:]]
    return lines
