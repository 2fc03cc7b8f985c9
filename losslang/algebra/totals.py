"""A row for sums over views of the same function of each: one function of all of them, and their sum."""

from __future__ import annotations

from dataclasses import dataclass

from losslang.algebra.rewrite import Maker, Row
from losslang.objective.axes import FEATURE, VIEW
from losslang.objective.graph import Attribute, Node

__all__ = ["TOTALS"]

_ONE = {"mean", "sum", "negative", "relu", "exp", "log", "abs"}
_TWO = {"add", "subtract", "multiply", "divide"}
"""Operations that compute the same for every view; of two operands one is a number without gradient."""


@dataclass(frozen=True)
class Step:
    """One operation on the way from a view to a summand; `place` of the operand that comes from the view."""

    op: str
    attributes: tuple[tuple[str, Attribute], ...]
    place: int
    number: Node | None

    def taken(self, value: Node, make: Maker) -> Node:
        """The same operation on all views."""
        operands = [value] if self.number is None else [self.number]
        if self.number is not None:
            operands.insert(self.place, value)
        return make.call(self.op, *operands, **dict(self.attributes))


def _total(node: Node, make: Maker) -> Node | None:
    if node.op != "total":
        return None
    paths = [_path(part) for part in node.inputs]
    first = paths[0]
    if first is None or any(path is None or path[1:] != first[1:] for path in paths):
        return None
    whole, dim = first[1], first[1].type.find(VIEW)
    if (
        dim is None
        or whole.type.has(FEATURE)
        or sorted(path[0] for path in paths if path) != list(range(len(dim.labels)))
    ):
        return None
    value = whole
    for step in first[2]:
        value = step.taken(value, make)
    return make.call("sum", value, over=(VIEW,)) if value.type.axes == (VIEW,) else None


def _path(node: Node) -> tuple[int, Node, tuple[Step, ...]] | None:
    """The view that a summand is made of, of which value, and the operations from there on."""
    steps: list[Step] = []
    while node.op != "select":
        if node.op in _ONE and len(node.inputs) == 1:
            steps.append(Step(node.op, node.attributes, 0, None))
            (node,) = node.inputs
            continue
        numbers = [n for n, child in enumerate(node.inputs) if not child.type.dims and not child.trains]
        if node.op not in _TWO or len(numbers) != 1:
            return None
        place = 1 - numbers[0]
        steps.append(Step(node.op, node.attributes, place, node.inputs[numbers[0]]))
        node = node.inputs[place]
    view = node["view"]
    assert isinstance(view, int)
    return view, node.inputs[0], tuple(reversed(steps))


TOTALS = (Row("total_of_views", "Σᵥ f(xᵥ) = Σ over views of f(x)", _total),)
