"""The meaning of operations that assign and order samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from losslang.meaning.arrays import Array, places
from losslang.meaning.kernel import Kernel
from losslang.meaning.reductions import logsumexp_over
from losslang.objective.axes import BATCH
from losslang.objective.graph import Node

__all__ = ["ASSIGNMENT"]


def _roll(node: Node, operands: Sequence[Array]) -> Array:
    (axis,) = places(node.type, node.axes())
    shift = node["shift"]
    assert isinstance(shift, int)
    return np.roll(operands[0], shift, axis=axis)


def _sort(node: Node, operands: Sequence[Array]) -> Array:
    (axis,) = places(node.type, node.axes())
    return np.sort(operands[0], axis=axis)


def _sinkhorn(node: Node, operands: Sequence[Array]) -> Array:
    x, epsilon = operands[0], float(operands[1])
    samples = node.type.position(BATCH)
    prototypes = len(node.type.axes) - 1
    logits = x / epsilon
    earlier = operands[2].shape[samples] if len(operands) > 2 else 0
    if earlier:
        logits = np.concatenate([operands[2] / epsilon, logits], axis=samples)
    iterations = node["iterations"]
    assert isinstance(iterations, int)
    for _ in range(iterations):
        logits = logits - logsumexp_over(logits, places(node.type, node.axes()))
        logits = logits - logsumexp_over(logits, (prototypes,))
    return np.take(np.exp(logits), range(earlier, logits.shape[samples]), axis=samples)


def _argmax(node: Node, operands: Sequence[Array]) -> Array:
    (axis,) = places(node.type, node.axes())
    best = np.expand_dims(np.argmax(operands[0], axis=axis), axis)
    one_hot = np.zeros_like(operands[0])
    np.put_along_axis(one_hot, best, 1.0, axis=axis)
    return one_hot


def _normal_quantiles(node: Node, operands: Sequence[Array]) -> Array:
    from statistics import NormalDist  # takes several milliseconds to import, and few methods sort

    (axis,) = places(node.inputs[0].type, node.axes())
    n = operands[0].shape[axis]
    return np.array([NormalDist().inv_cdf(i / (n + 1)) for i in range(1, n + 1)])


def _ordinals(node: Node, operands: Sequence[Array]) -> Array:
    (axis,) = places(node.inputs[0].type, node.axes())
    return np.arange(1.0, operands[0].shape[axis] + 1)


ASSIGNMENT: Final[dict[str, Kernel]] = {
    "roll": _roll,
    "sort": _sort,
    "sinkhorn": _sinkhorn,
    "argmax": _argmax,
    "normal_quantiles": _normal_quantiles,
    "ordinals": _ordinals,
}
