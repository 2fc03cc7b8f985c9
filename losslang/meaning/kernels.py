"""The meaning of every core operation, in float64 numpy: one row per operation.

A row takes the node, the arrays of its operands in the layout of their types, and gives the array in the layout of the
node's type. These rows define what is right; every other form is compared with them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np

from losslang.meaning.arrays import Array, contract, matrix_last, places, spread
from losslang.objective.axes import BATCH, VIEW, Axis
from losslang.objective.graph import Node

__all__ = ["KERNELS", "Kernel"]

Kernel = Callable[[Node, Sequence[Array]], Array]


def _elementwise(function: Callable[..., Array]) -> Kernel:
    def kernel(node: Node, operands: Sequence[Array]) -> Array:
        to = node.type.axes
        return function(*(spread(a, child.type, to) for a, child in zip(operands, node.inputs, strict=True)))

    return kernel


def _masked(node: Node, operands: Sequence[Array]) -> tuple[Array, Array | None, tuple[int, ...]]:
    """The operand and mask of a reduction in one layout, and the positions of the axes it is over."""
    axes = set(node.inputs[0].type.axes)
    if len(operands) > 1:
        axes |= set(node.inputs[1].type.axes)
    to = sorted(axes, key=lambda axis: axis.place)
    x = spread(operands[0], node.inputs[0].type, to)
    over = tuple(to.index(axis) for axis in node.axes())
    if len(operands) == 1:
        return x, None, over
    mask = spread(operands[1], node.inputs[1].type, to).astype(bool)
    x, mask = np.broadcast_arrays(x, mask)
    return x, mask, over


def _mean(node: Node, operands: Sequence[Array]) -> Array:
    x, mask, over = _masked(node, operands)
    if mask is None:
        return x.mean(axis=over)
    return np.where(mask, x, 0.0).sum(axis=over) / mask.sum(axis=over)


def _sum(node: Node, operands: Sequence[Array]) -> Array:
    x, mask, over = _masked(node, operands)
    return (x if mask is None else np.where(mask, x, 0.0)).sum(axis=over)


def _var(node: Node, operands: Sequence[Array]) -> Array:
    x, mask, over = _masked(node, operands)
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
    x, mask, over = _masked(node, operands)
    x = x if mask is None else np.where(mask, x, 0.0)
    return np.sqrt((x**2).sum(axis=over))


def _max(node: Node, operands: Sequence[Array]) -> Array:
    x, mask, over = _masked(node, operands)
    return (x if mask is None else np.where(mask, x, -np.inf)).max(axis=over)


def _logsumexp_over(x: Array, over: tuple[int, ...]) -> Array:
    top = np.maximum(x.max(axis=over, keepdims=True), -1e300)
    return np.log(np.exp(x - top).sum(axis=over, keepdims=True)) + top


def _logsumexp(node: Node, operands: Sequence[Array]) -> Array:
    x, mask, over = _masked(node, operands)
    x = x if mask is None else np.where(mask, x, -np.inf)
    return np.squeeze(_logsumexp_over(x, over), axis=over)


def _log_softmax(node: Node, operands: Sequence[Array]) -> Array:
    x, mask, over = _masked(node, operands)
    x = x if mask is None else np.where(mask, x, -np.inf)
    return x - _logsumexp_over(x, over)


def _softmax(node: Node, operands: Sequence[Array]) -> Array:
    return np.exp(_log_softmax(node, operands))


def _integrate(node: Node, operands: Sequence[Array]) -> Array:
    (axis,) = places(node.inputs[0].type, node.axes())
    step = node["step"]
    assert isinstance(step, int | float)
    return np.asarray(np.trapezoid(operands[0], dx=step, axis=axis), float)


def _normalize(node: Node, operands: Sequence[Array]) -> Array:
    x, _, over = _masked(node, operands)
    eps = node["eps"]
    assert isinstance(eps, int | float)
    return x / np.maximum(np.sqrt((x**2).sum(axis=over, keepdims=True)), eps)


def _dot(node: Node, operands: Sequence[Array]) -> Array:
    pairs = node.axes("pairs") if any(key == "pairs" for key, _ in node.attributes) else ()
    x, y = node.inputs
    return np.einsum(contract(x.type, y.type, node.axes(), pairs, node.type), *operands, optimize=True)


def _first(node: Node, operands: Sequence[Array]) -> Array:
    (axis,) = places(node.type, node.axes())
    count = node["count"]
    assert isinstance(count, int)
    return np.take(operands[0], range(count), axis=axis)


def _roll(node: Node, operands: Sequence[Array]) -> Array:
    (axis,) = places(node.type, node.axes())
    shift = node["shift"]
    assert isinstance(shift, int)
    return np.roll(operands[0], shift, axis=axis)


def _sort(node: Node, operands: Sequence[Array]) -> Array:
    (axis,) = places(node.type, node.axes())
    return np.sort(operands[0], axis=axis)


def _linspace(node: Node, _operands: Sequence[Array]) -> Array:
    start, stop, count = node["start"], node["stop"], node["count"]
    assert isinstance(start, int | float)
    assert isinstance(stop, int | float)
    assert isinstance(count, int)
    return np.linspace(start, stop, count)


# ---------------------------------------------------------------- matrices


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
    rows = np.moveaxis(operands[0], places(node.inputs[0].type, node.axes()), (-2, -1))
    return np.linalg.svd(rows, compute_uv=False).sum(axis=-1)


def _eigenvalues(node: Node, operands: Sequence[Array]) -> Array:
    (axis,) = node.axes()
    values = np.linalg.eigvalsh(matrix_last(operands[0], node.inputs[0].type, axis))
    return np.asarray(values, float)  # rank is the last axis


# ---------------------------------------------------------------- assignment, views, groups


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
        logits = logits - _logsumexp_over(logits, places(node.type, node.axes()))
        logits = logits - _logsumexp_over(logits, (prototypes,))
    return np.take(np.exp(logits), range(earlier, logits.shape[samples]), axis=samples)


def _argmax(node: Node, operands: Sequence[Array]) -> Array:
    (axis,) = places(node.type, node.axes())
    best = np.expand_dims(np.argmax(operands[0], axis=axis), axis)
    one_hot = np.zeros_like(operands[0])
    np.put_along_axis(one_hot, best, 1.0, axis=axis)
    return one_hot


def _normal_quantiles(node: Node, operands: Sequence[Array]) -> Array:
    (axis,) = places(node.inputs[0].type, node.axes())
    n = operands[0].shape[axis]
    return np.array([NormalDist().inv_cdf(i / (n + 1)) for i in range(1, n + 1)])


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


def _total(*operands: Array) -> Array:
    return sum(operands[1:], operands[0])


def group_rows(x: Array, axis: int, rows: int, order: Sequence[int] | None) -> Array:
    """[…, batch, …] to [group, …, rows, …]: consecutive groups, an incomplete last one dropped."""
    n = x.shape[axis]
    rows = min(rows, n)
    kept = np.arange(n) if order is None else np.asarray(order)
    groups = [np.take(x, kept[i * rows : (i + 1) * rows], axis=axis) for i in range(n // rows)]
    return np.stack(groups)


def _numbers(node: Node, option: str) -> tuple[float, ...]:
    values = node[option]
    assert isinstance(values, tuple)
    return tuple(value for value in values if isinstance(value, int | float))


def _combination(node: Node, operands: Sequence[Array]) -> Array:
    """Σ scale·value + offset, of the canonical form."""
    offset = node["offset"]
    assert isinstance(offset, int | float)
    scaled = [scale * x for scale, x in zip(_numbers(node, "scales"), operands, strict=True)]
    return _elementwise(_total)(node, scaled) + offset


def _monomial(node: Node, operands: Sequence[Array]) -> Array:
    """Π base^power, of the canonical form."""
    raised = [x**power for x, power in zip(operands, _numbers(node, "powers"), strict=True)]
    return _elementwise(lambda *x: math.prod(x[1:], start=x[0]))(node, raised)


KERNELS: dict[str, Kernel] = {
    "add": _elementwise(np.add),
    "subtract": _elementwise(lambda x, y: np.subtract(x, y, dtype=float)),
    "multiply": _elementwise(lambda x, y: np.multiply(x, y, dtype=float)),
    "divide": _elementwise(np.divide),
    "power": _elementwise(np.power),
    "negative": _elementwise(np.negative),
    "equal": _elementwise(np.equal),
    "not_equal": _elementwise(np.not_equal),
    "less": _elementwise(np.less),
    "less_equal": _elementwise(np.less_equal),
    "greater": _elementwise(np.greater),
    "greater_equal": _elementwise(np.greater_equal),
    "both": _elementwise(np.logical_and),
    "either": _elementwise(np.logical_or),
    "negate": _elementwise(np.logical_not),
    "exp": _elementwise(np.exp),
    "log": _elementwise(np.log),
    "sqrt": _elementwise(np.sqrt),
    "abs": _elementwise(np.abs),
    "relu": _elementwise(lambda x: np.maximum(x, 0.0)),
    "tanh": _elementwise(np.tanh),
    "sigmoid": _elementwise(lambda x: 1 / (1 + np.exp(-x))),
    "softplus": _elementwise(lambda x: np.logaddexp(x, 0.0)),
    "sin": _elementwise(np.sin),
    "cos": _elementwise(np.cos),
    "maximum": _elementwise(np.maximum),
    "minimum": _elementwise(np.minimum),
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
    "dot": _dot,
    "first": _first,
    "roll": _roll,
    "sort": _sort,
    "linspace": _linspace,
    "logdet": _on_matrix(_logdet),
    "matrix_log": _matrix_log,
    "inverse_root": _inverse_root,
    "nuclear_norm": _nuclear_norm,
    "eigenvalues": _eigenvalues,
    "stopgrad": lambda _node, operands: operands[0],
    "sinkhorn": _sinkhorn,
    "argmax": _argmax,
    "normal_quantiles": _normal_quantiles,
    "same": _same,
    "size": _size,
    "select": _select,
    "take": _take,
    "stack": _stack,
    "total": _elementwise(_total),
    "combination": _combination,
    "monomial": _monomial,
}
