"""Arrays with named axes: how an array of one type is laid out for another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from losslang.objective.axes import Axis, Type

__all__ = ["Array", "contract", "matrix_last", "places", "spread"]

Array = npt.NDArray[np.float64]


def spread(array: Array, of: Type, to: Sequence[Axis]) -> Array:
    """The array in the layout `to`, with axes of length 1 where that has axes that `of` lacks: [batch] as [1, batch, 1]."""
    if of.axes == to:
        return array
    return array.reshape([array.shape[of.position(axis)] if of.has(axis) else 1 for axis in to])


def places(of: Type, axes: Sequence[Axis]) -> tuple[int, ...]:
    """Positions of axes in the layout of a type."""
    return tuple(of.position(axis) for axis in axes)


def matrix_last(array: Array, of: Type, axis: Axis) -> Array:
    """The array with [axis, axis'] as its last two axes."""
    return np.moveaxis(array, (of.position(axis), of.position(axis.primed())), (-2, -1))


def contract(x: Type, y: Type, over: Sequence[Axis], pairs: Sequence[Axis], out: Type) -> str:
    """The einsum of a `dot`: letters for the axes of x, y (paired ones primed) and the result."""
    letters: dict[Axis, str] = {}

    def letter(axis: Axis) -> str:
        return letters.setdefault(axis, chr(ord("a") + len(letters)))

    left = "".join(letter(axis) for axis in x.axes)
    right = "".join(letter(axis.primed() if axis in pairs else axis) for axis in y.axes)
    # a matrix applied to a vector leaves a', which the result calls a again
    result = "".join(letter(axis.primed() if axis in over else axis) for axis in out.axes)
    return f"{left},{right}->{result}"
