"""Which local names of an emitted objective are let go before its end: large values that nothing needs any more.

A local name keeps its value until the function returns. That matters where the value is large, the way back does not keep it,
and large values are still to be made.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from losslang.backend.operands import is_large
from losslang.objective.graph import Node

__all__ = ["with_ends"]

_PARTS = {"select", "take", "stopgrad", "first"}
"""Operations whose result is their operand, or a part of its memory."""

_LET_GO = _PARTS | {
    "add",
    "subtract",
    "total",
    "negative",
    "mean",
    "sum",
    "size",
    "roll",
    "sort",
    "stack",
    "running",
    "nearest_rows",
}
"""Operations whose gradient needs no operand."""


def with_ends(
    lines: Sequence[str], named: Mapping[str, Node], users: Mapping[int, Sequence[Node]], heavy: Iterable[int]
) -> list[str]:
    """The lines, and after the last use of a large value a line that lets go of all its names.

    Arguments:
        lines: what is computed, and the output.
        named: the values by name; those that no line assigns are the caller's.
        users: what is made of a value, by its number.
        heavy: the lines in which large values are made or used.
    """
    targets = (line.partition(" = ")[0] for line in lines if " = " in line)
    assigned = {word for target in targets for word in re.findall(r"\w+", target)}
    own = {name: node for name, node in named.items() if name in assigned}
    here, groups = {node.number for node in own.values()}, defaultdict[int, list[str]](list)
    for name, node in own.items():
        if is_large(_whole(node).type) and _whole(node).number in here:
            groups[_whole(node).number].append(name)
    wholes = {_whole(node).number: _whole(node) for node in own.values()}
    last, ends = max(heavy, default=0), defaultdict[int, list[str]](list)
    for number, names in groups.items():
        end = max(_last_use(lines, name) for name in names)
        if end < last and not _kept(wholes[number], users):
            ends[end] += names
    found = []
    for place, line in enumerate(lines):
        found += [line, *([f"del {', '.join(ends[place])}"] if place in ends else [])]
    return found


def _whole(node: Node) -> Node:
    """The value that a node is part of."""
    while node.op in _PARTS:
        (node,) = node.inputs
    return node


def _last_use(lines: Sequence[str], name: str) -> int:
    """The last line that mentions a name."""
    return max(place for place, line in enumerate(lines) if re.search(rf"\b{name}\b", line.partition("  # ")[0]))


def _kept(node: Node, users: Mapping[int, Sequence[Node]]) -> bool:
    """Whether the way back may need a value or a part of it."""
    return any(
        _kept(user, users) if user.op in _PARTS else bool(user.trains) and not _lets_go(user, node)
        for user in users.get(node.number, [])
    )


def _lets_go(user: Node, operand: Node) -> bool:
    """Whether the gradient of an operation does not need this operand."""
    if user.op in {"multiply", "divide"}:
        one, other = user.inputs
        return not (other if one is operand else one).trains and (user.op == "multiply" or one is operand)
    return user.op in _LET_GO
