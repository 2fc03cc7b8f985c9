"""A value whatever its spelling: as a product of powers, as a sum, and without constants."""

from __future__ import annotations

from collections.abc import Iterator

from losslang.objective.graph import Node

__all__ = ["core", "factors", "squared", "summands"]

Powers = dict[int, tuple[Node, float]]


def factors(node: Node) -> list[tuple[Node, float]]:
    """The value as a product of powers, each base once, but for its sign: x·x and x² are [(x, 2)], x/y is [(x, 1), (y, -1)]."""
    found: Powers = {}
    _multiply(node, 1.0, found)
    return [(base, power) for base, power in found.values() if power]


def _multiply(node: Node, power: float, found: Powers) -> None:
    match node.op:
        case "multiply":
            for child in node.inputs:
                _multiply(child, power, found)
        case "divide":
            _multiply(node.inputs[0], power, found)
            _multiply(node.inputs[1], -power, found)
        case "negative":
            _multiply(node.inputs[0], power, found)
        case "power" if (exponent := _number(node.inputs[1])) is not None:
            _multiply(node.inputs[0], power * exponent, found)
        case "power":  # by a parameter: some power
            _multiply(node.inputs[0], 2 * power, found)
        case _:
            before = found[node.number][1] if node.number in found else 0.0
            found[node.number] = node, before + power


def squared(node: Node) -> Iterator[Node]:
    """The bases of a product that stand in it with a power of two or more."""
    if node.op in {"multiply", "divide", "power"}:
        yield from (base for base, power in factors(node) if power >= 2)


def summands(node: Node, sign: int = 1) -> Iterator[tuple[Node, int]]:
    """The value as a sum, with signs: x - y + 1 gives (x, 1), (y, -1) and (1, 1)."""
    match node.op:
        case "add" | "total":
            for child in node.inputs:
                yield from summands(child, sign)
        case "subtract":
            yield from summands(node.inputs[0], sign)
            yield from summands(node.inputs[1], -sign)
        case "negative":
            yield from summands(node.inputs[0], -sign)
        case _:
            yield node, sign


def core(node: Node) -> Node:
    """What is left of a value without the constants that are added to it or multiply it."""
    while True:
        moving = [child for child in node.inputs if not _constant(child)]
        only = node.op in {"add", "subtract", "multiply", "negative"} and len(moving) == 1
        if not only and not (node.op == "divide" and _constant(node.inputs[1])):
            return node
        node = moving[0] if moving else node.inputs[0]


def _constant(node: Node) -> bool:
    return node.op in {"constant", "parameter"} or (node.op == "negative" and _constant(node.inputs[0]))


def _number(node: Node) -> float | None:
    """The number that a constant is."""
    if node.op == "negative":
        inner = _number(node.inputs[0])
        return None if inner is None else -inner
    value = dict(node.attributes).get("value") if node.op == "constant" else None
    return float(value) if isinstance(value, int | float) else None
