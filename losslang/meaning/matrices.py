"""The meaning of operations on matrices."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Final

import numpy as np

from losslang.meaning.arrays import Array, contract, matrix_last, places
from losslang.meaning.kernel import Kernel
from losslang.objective.graph import Node

__all__ = ["MATRICES"]


def _dot(node: Node, operands: Sequence[Array]) -> Array:
    return _product(node)(*operands)


@lru_cache(maxsize=1024)
def _product(node: Node) -> Callable[[Array, Array], Array]:
    """How the operands of a `dot` are multiplied: one matrix product where no axis is kept by both, else as einsum plans it.

    Kept for each node: forces evaluate one graph many times.
    """
    pairs = node.axes("pairs") if any(key == "pairs" for key, _ in node.attributes) else ()
    x, y = node.inputs
    how = contract(x.type, y.type, node.axes(), pairs, node.type)
    left, right, result = re.split(",|->", how)
    shared = set(left) & set(right)
    if shared & set(result):
        return partial(np.einsum, how, optimize=set(left) != set(right))
    over = [left.index(letter) for letter in shared], [right.index(letter) for letter in shared]
    made = [letter for letter in left + right if letter not in shared]
    order = [made.index(letter) for letter in result]
    return lambda x, y: np.transpose(np.tensordot(x, y, over), order)


def _on_matrix(function: Callable[[Array], Array]) -> Kernel:
    def kernel(node: Node, operands: Sequence[Array]) -> Array:
        (axis,) = node.axes()
        result = function(matrix_last(operands[0], node.inputs[0].type, axis))
        if not node.type.has(axis):
            return result
        return np.moveaxis(result, (-2, -1), places(node.type, [axis, axis.primed()]))

    return kernel


def _logdet(matrix: Array) -> Array:
    return np.linalg.slogdet(matrix)[1]


def _matrix_log(node: Node, operands: Sequence[Array]) -> Array:
    order = node["order"]
    assert isinstance(order, int)

    def series(matrix: Array) -> Array:
        x = matrix - np.eye(matrix.shape[-1])
        power, total = x, x
        for k in range(2, order + 1):
            power = power @ x
            total = total + (-1) ** (k + 1) * power / k
        return total

    return _on_matrix(series)(node, operands)


def _inverse_root(node: Node, operands: Sequence[Array]) -> Array:
    def symmetric(matrix: Array) -> Array:
        values, vectors = np.linalg.eigh(matrix)
        values = np.maximum(values, float(node["floor"]))  # type: ignore[arg-type]
        return (vectors / np.sqrt(values)[..., None, :]) @ np.swapaxes(vectors, -1, -2)

    def cholesky(matrix: Array) -> Array:
        return np.swapaxes(np.linalg.inv(np.linalg.cholesky(matrix)), -1, -2)

    return _on_matrix(cholesky if node["method"] == "cholesky" else symmetric)(node, operands)


def _nuclear_norm(node: Node, operands: Sequence[Array]) -> Array:
    rows = [np.moveaxis(x, places(node.inputs[0].type, node.axes()), (-2, -1)) for x in operands]
    return np.linalg.svd(np.concatenate(rows, axis=-2), compute_uv=False).sum(axis=-1)


def _eigenvalues(node: Node, operands: Sequence[Array]) -> Array:
    (axis,) = node.axes()
    values = np.linalg.eigvalsh(matrix_last(operands[0], node.inputs[0].type, axis))
    return np.asarray(values, float)  # rank is the last axis


MATRICES: Final[dict[str, Kernel]] = {
    "dot": _dot,
    "logdet": _on_matrix(_logdet),
    "matrix_log": _matrix_log,
    "inverse_root": _inverse_root,
    "nuclear_norm": _nuclear_norm,
    "eigenvalues": _eigenvalues,
}
