"""What kernels share: how operands of several layouts meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from losslang.meaning.arrays import Array, spread
from losslang.objective.graph import Node

__all__ = ["Kernel", "elementwise", "masked"]

Kernel: TypeAlias = Callable[[Node, Sequence[Array]], Array]
"""From a node and the arrays of its operands, each in the layout of its type, to the array in the layout of the node's."""


def elementwise(function: Callable[..., Array]) -> Kernel:
    """The kernel that takes a function of arrays, entry by entry."""

    def kernel(node: Node, operands: Sequence[Array]) -> Array:
        to = node.type.axes
        return function(*(spread(a, child.type, to) for a, child in zip(operands, node.inputs, strict=True)))

    return kernel


def masked(node: Node, operands: Sequence[Array]) -> tuple[Array, Array | None, tuple[int, ...]]:
    """The operand and mask of a reduction in one layout, and the positions of the axes it is over."""
    axes = set(node.inputs[0].type.axes)
    if len(operands) > 1:
        axes |= set(node.inputs[1].type.axes)
    to = tuple(sorted(axes, key=lambda axis: axis.place))
    x = spread(operands[0], node.inputs[0].type, to)
    over = tuple(to.index(axis) for axis in node.axes())
    if len(operands) == 1:
        return x, None, over
    mask = spread(operands[1], node.inputs[1].type, to).astype(bool)
    x, mask = np.broadcast_arrays(x, mask)
    return x, mask, over
