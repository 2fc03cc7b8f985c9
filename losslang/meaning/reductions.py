"""The meaning of reductions, and of what normalises by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from losslang.meaning.arrays import Array, places
from losslang.meaning.kernel import Kernel, masked
from losslang.objective.graph import Node

__all__ = ["REDUCTIONS", "logsumexp_over"]


def _mean(node: Node, operands: Sequence[Array]) -> Array:
    x, mask, over = masked(node, operands)
    if mask is None:
        return x.mean(axis=over)
    with np.errstate(invalid="ignore"):  # the mean of nothing is no number, as torch's is
        return np.where(mask, x, 0.0).sum(axis=over) / mask.sum(axis=over)


def _sum(node: Node, operands: Sequence[Array]) -> Array:
    x, mask, over = masked(node, operands)
    return (x if mask is None else np.where(mask, x, 0.0)).sum(axis=over)


def _var(node: Node, operands: Sequence[Array]) -> Array:
    x, mask, over = masked(node, operands)
    weight = np.ones_like(x) if mask is None else mask.astype(float)
    count = weight.sum(axis=over, keepdims=True)
    mean = (x * weight).sum(axis=over, keepdims=True) / count
    ddof = node["ddof"]
    assert isinstance(ddof, int | float)
    squares = ((x - mean) ** 2 * weight).sum(axis=over, keepdims=True)
    return np.squeeze(squares / (count - ddof), axis=over)


def _std(node: Node, operands: Sequence[Array]) -> Array:
    eps = node["eps"]
    assert isinstance(eps, int | float)
    return np.sqrt(_var(node, operands) + eps)


def _norm(node: Node, operands: Sequence[Array]) -> Array:
    x, mask, over = masked(node, operands)
    x = x if mask is None else np.where(mask, x, 0.0)
    return np.sqrt((x**2).sum(axis=over))


def _max(node: Node, operands: Sequence[Array]) -> Array:
    x, mask, over = masked(node, operands)
    return (x if mask is None else np.where(mask, x, -np.inf)).max(axis=over)


def logsumexp_over(x: Array, over: tuple[int, ...]) -> Array:
    """log Σ exp over some axes, which stay with length 1; minus infinity where all entries are."""
    top = np.maximum(x.max(axis=over, keepdims=True), -1e300)
    return np.log(np.exp(x - top).sum(axis=over, keepdims=True)) + top


def _logsumexp(node: Node, operands: Sequence[Array]) -> Array:
    x, mask, over = masked(node, operands)
    x = x if mask is None else np.where(mask, x, -np.inf)
    return np.squeeze(logsumexp_over(x, over), axis=over)


def _log_softmax(node: Node, operands: Sequence[Array]) -> Array:
    x, mask, over = masked(node, operands)
    x = x if mask is None else np.where(mask, x, -np.inf)
    return x - logsumexp_over(x, over)


def _softmax(node: Node, operands: Sequence[Array]) -> Array:
    return np.exp(_log_softmax(node, operands))


def _integrate(node: Node, operands: Sequence[Array]) -> Array:
    (axis,) = places(node.inputs[0].type, node.axes())
    step = node["step"]
    assert isinstance(step, int | float)
    return np.asarray(np.trapezoid(operands[0], dx=step, axis=axis), float)


def _normalize(node: Node, operands: Sequence[Array]) -> Array:
    x, _, over = masked(node, operands)
    eps = node["eps"]
    assert isinstance(eps, int | float)
    return x / np.maximum(np.sqrt((x**2).sum(axis=over, keepdims=True)), eps)


REDUCTIONS: Final[dict[str, Kernel]] = {
    "mean": _mean,
    "sum": _sum,
    "var": _var,
    "std": _std,
    "norm": _norm,
    "max": _max,
    "logsumexp": _logsumexp,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "integrate": _integrate,
    "normalize": _normalize,
}
