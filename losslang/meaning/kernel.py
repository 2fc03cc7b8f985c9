"""What kernels share: how operands of several layouts meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from losslang.meaning.arrays import Array, places, spread
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
    """The operand and mask of a reduction, both of one shape, and the positions of the axes it is over."""
    if len(operands) == 1:
        return operands[0], None, places(node.inputs[0].type, node.axes())
    types = [child.type for child in node.inputs]
    to = tuple(sorted({*types[0].axes, *types[1].axes}, key=lambda axis: axis.place))
    x, mask = (spread(a, of, to) for a, of in zip(operands, types, strict=True))
    x, mask = np.broadcast_arrays(x, mask.astype(bool))
    return x, mask, tuple(to.index(axis) for axis in node.axes())
