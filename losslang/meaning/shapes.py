"""The meaning of operations that choose, stack and count entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from losslang.meaning.arrays import Array, places, spread
from losslang.meaning.kernel import Kernel
from losslang.objective.axes import VIEW, Axis
from losslang.objective.graph import Node

__all__ = ["SHAPES", "group_rows"]


def _first(node: Node, operands: Sequence[Array]) -> Array:
    (axis,) = places(node.type, node.axes())
    count = node["count"]
    assert isinstance(count, int)
    return np.take(operands[0], range(count), axis=axis)


def _linspace(node: Node, _operands: Sequence[Array]) -> Array:
    start, stop, count = node["start"], node["stop"], node["count"]
    assert isinstance(start, int | float)
    assert isinstance(stop, int | float)
    assert isinstance(count, int)
    return np.linspace(start, stop, count)


def _same(node: Node, operands: Sequence[Array]) -> Array:
    of = node["of"]
    assert isinstance(of, Axis)
    return np.eye(operands[0].shape[node.inputs[0].type.position(of)], dtype=bool)


def _size(node: Node, operands: Sequence[Array]) -> Array:
    of = node.inputs[0].type
    return np.asarray(float(np.prod([operands[0].shape[of.position(axis)] for axis in node.axes("axes")])))


def _select(node: Node, operands: Sequence[Array]) -> Array:
    return np.take(operands[0], node["view"], axis=node.inputs[0].type.position(VIEW))  # type: ignore[arg-type]


def _take(node: Node, operands: Sequence[Array]) -> Array:
    return np.take(operands[0], node["views"], axis=node.type.position(VIEW))  # type: ignore[arg-type]


def _stack(node: Node, operands: Sequence[Array]) -> Array:
    to = [axis for axis in node.type.axes if axis.name != "item"]
    return np.stack(
        np.broadcast_arrays(*(spread(a, child.type, to) for a, child in zip(operands, node.inputs, strict=True)))
    )


def group_rows(x: Array, axis: int, rows: int, order: Sequence[int] | None) -> Array:
    """[…, batch, …] to [group, …, rows, …]: consecutive groups, an incomplete last one dropped."""
    n = x.shape[axis]
    rows = min(rows, n)
    kept = np.arange(n) if order is None else np.asarray(order)
    groups = [np.take(x, kept[i * rows : (i + 1) * rows], axis=axis) for i in range(n // rows)]
    return np.stack(groups)


SHAPES: Final[dict[str, Kernel]] = {
    "first": _first,
    "linspace": _linspace,
    "same": _same,
    "size": _size,
    "select": _select,
    "take": _take,
    "stack": _stack,
}
