"""The meaning of fused operations, each by its definition in full matrices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from losslang.meaning.arrays import Array
from losslang.objective.axes import BATCH, VIEW, Axis, Type
from losslang.objective.graph import Node

__all__ = ["FUSED_KERNELS", "products_of_columns"]


def _flat(array: Array, of: Type, rows: Sequence[Axis], columns: Sequence[Axis]) -> Array:
    """[…, rows, columns]: several axes as one."""
    others = [axis for axis in of.axes if axis not in {*rows, *columns}]
    order = [of.position(axis) for axis in (*others, *rows, *columns)]
    shape = [array.shape[of.position(axis)] for axis in others]
    count = int(np.prod([array.shape[of.position(axis)] for axis in rows]))
    return array.transpose(order).reshape([*shape, count, -1])


def _operands(node: Node, arrays: Sequence[Array]) -> tuple[Array, Array]:
    over, pairs = node.axes(), node.axes("pairs")
    x, y = (_flat(a, n.type, over, pairs) for a, n in zip(arrays[:2], node.inputs[:2], strict=True))
    return x, y


def _squared_products(node: Node, arrays: Sequence[Array]) -> Array:
    x, y = _operands(node, arrays)
    matrix = arrays[2] * np.swapaxes(x, -1, -2) @ y
    if node["hollow"]:
        matrix = matrix * (1 - np.eye(matrix.shape[-1]))
    return (matrix**2).sum(axis=(-2, -1))


def _logdet_of_products(node: Node, arrays: Sequence[Array]) -> Array:
    x = _flat(arrays[0], node.inputs[0].type, node.axes(), node.axes("pairs"))
    matrix = np.eye(x.shape[-1]) + arrays[1] * np.swapaxes(x, -1, -2) @ x
    return np.linalg.slogdet(matrix)[1]


def _trace_of_log(node: Node, arrays: Sequence[Array]) -> Array:
    x, y = _operands(node, arrays)
    eye = np.eye(x.shape[-1])
    step = arrays[3] * eye + arrays[2] * np.swapaxes(x, -1, -2) @ y - eye
    order = node["order"]
    assert isinstance(order, int)
    powers = [np.linalg.matrix_power(step, n) for n in range(1, order + 1)]
    series = sum((-1) ** n / (n + 1) * power for n, power in enumerate(powers))
    return np.trace(series, axis1=-2, axis2=-1)


def _products(node: Node, arrays: Sequence[Array]) -> tuple[Array, Array]:
    """Of every row of x with every row of y; then with minus infinity where they are dropped."""
    over, types = node.axes(), [child.type for child in node.inputs[:2]]
    kept = [[axis for axis in of.axes if axis not in over] for of in types]
    x, y = (_flat(a, of, rows, over) for a, of, rows in zip(arrays[:2], types, kept, strict=True))
    products = arrays[2] * x @ y.T
    if node["dropped"] == "nothing":
        return products, products
    return products, np.where(_dropped(str(node["dropped"]), arrays[1], types[1]), -np.inf, products)


def _logsumexp(products: Array) -> Array:
    top = np.maximum(products.max(axis=1, keepdims=True), -1e300)
    values: Array = np.log(np.exp(products - top).sum(axis=1)) + top[:, 0]
    return values


def _logsumexp_of_products(node: Node, arrays: Sequence[Array]) -> Array:
    (products, kept), of = _products(node, arrays), node.inputs[0].type
    values = _logsumexp(kept)
    if node["attracted"] != "nothing":
        pulled = _dropped(str(node["attracted"]), arrays[1], node.inputs[1].type)
        values = values - np.where(pulled, products, 0).sum(axis=1)
    return values.reshape([arrays[0].shape[of.position(axis)] for axis in of.axes if axis not in node.axes()])


def _contrast_of_products(node: Node, arrays: Sequence[Array]) -> Array:
    units, eps = node["units"], node["eps"]
    if units:
        assert isinstance(units, tuple)
        assert isinstance(eps, float)
        bare = replace(node, attributes=tuple((k, () if k == "units" else v) for k, v in node.attributes))
        places = [child.type.position(node.axes()[0]) if n in units else None for n, child in enumerate(node.inputs)]
        return _contrast_of_products(bare, [_over_length(*one, eps) for one in zip(arrays, places, strict=True)])
    ones, others = node["ones"], node["others"]
    if ones:
        whole = replace(node, attributes=tuple((k, () if k in {"ones", "others"} else v) for k, v in node.attributes))
        inputs = [replace(child, type=child.type.without([VIEW])) for child in node.inputs[:2]]
        one = replace(whole, inputs=(*inputs, node.inputs[2]))
        assert isinstance(ones, tuple)
        assert isinstance(others, tuple)
        views = [(int(str(u)), int(str(v))) for u, v in zip(ones, others, strict=True)]
        parts = [_contrast_of_products(one, [arrays[0][u], arrays[1][v], arrays[2]]) for u, v in views]
        return np.asarray(sum(parts))
    products, kept = _products(node, arrays)
    attracted = str(node["attracted"])
    if attracted == "nothing":
        return np.asarray(_logsumexp(kept).mean())
    if attracted == "beside":
        own = (arrays[2] * arrays[0] * arrays[3]).sum(axis=node.inputs[0].type.position(node.axes()[0])).reshape(-1, 1)
        return np.asarray((_logsumexp(np.concatenate([kept, own], axis=1)) - own[:, 0]).mean())
    pulled = _dropped(attracted, arrays[1], node.inputs[1].type)
    return np.asarray(_logsumexp(kept).mean() - products[pulled].mean())


def _over_length(array: Array, place: int | None, eps: float) -> Array:
    """Rows over max(length, eps), which run along the axis at a place; without one, the value itself."""
    return array if place is None else array / np.maximum(np.linalg.norm(array, axis=place, keepdims=True), eps)


def _dropped(what: str, array: Array, of: Type) -> Array:
    """[(view batch), (view' batch')]: whether a pair of rows is dropped."""
    batch = array.shape[of.position(BATCH)]
    views = array.shape[of.position(VIEW)] if of.has(VIEW) else 1
    image = np.tile(np.arange(batch), views)
    same_image, same_row = image[:, None] == image, np.eye(len(image), dtype=bool)
    return {"self": same_row, "views": same_image & ~same_row, "image": same_image}[what]


def _logdet_by_probes(node: Node, arrays: Sequence[Array]) -> Array:
    x = _flat(arrays[0], node.inputs[0].type, node.axes(), node.axes("pairs"))
    probes = arrays[1]
    values, vectors = np.linalg.eigh(np.eye(x.shape[-1]) + arrays[2] * np.swapaxes(x, -1, -2) @ x)
    shares = (probes @ vectors) ** 2
    return x.shape[-1] * (shares * np.log(values)[..., None, :]).sum(-1).mean(-1)


def _deflated_probes(_node: Node, arrays: Sequence[Array]) -> Array:
    sketch, rest = arrays
    basis = np.swapaxes(np.linalg.qr(np.swapaxes(sketch, -1, -2))[0], -1, -2)
    left = rest - rest @ np.swapaxes(basis, -1, -2) @ basis
    return np.concatenate([basis, left], axis=-2)


def _standardized(node: Node, arrays: Sequence[Array]) -> Array:
    (x,), over = arrays, tuple(node.type.position(axis) for axis in node.axes())
    ddof, eps = node["ddof"], node["eps"]
    assert isinstance(ddof, int | float)
    assert isinstance(eps, int | float)
    centered = x - x.mean(axis=over, keepdims=True)
    count = np.prod([x.shape[place] for place in over])
    return centered / np.sqrt((centered**2).sum(axis=over, keepdims=True) / (count - ddof) + eps)


def _correlations(node: Node, arrays: Sequence[Array]) -> Array:
    x, y = _flat(arrays[0], node.inputs[0].type, node.axes(), node.axes("pairs"))
    ddof, eps = node["ddof"], node["eps"]
    assert isinstance(ddof, int | float)
    assert isinstance(eps, int | float)

    def standard(rows: Array) -> Array:
        centered = rows - rows.mean(axis=-2, keepdims=True)
        return centered / np.sqrt((centered**2).sum(axis=-2, keepdims=True) / (rows.shape[-2] - ddof) + eps)

    return arrays[1] * np.swapaxes(standard(x), -1, -2) @ standard(y)


def _squares_of(_node: Node, arrays: Sequence[Array]) -> Array:
    (x,) = arrays
    return (x**2).sum(axis=(-2, -1)) - (np.diagonal(x, axis1=-2, axis2=-1) ** 2).sum(axis=-1)


def _chosen_rows(node: Node, arrays: Sequence[Array]) -> Array:
    (axis,), (scores, y) = node.axes(), node.inputs
    best = np.argmax(arrays[0], axis=scores.type.position(axis))
    rows = _flat(arrays[1], y.type, [axis], [a for a in y.type.axes if a != axis and not scores.type.has(a)])
    return rows[best] if rows.ndim == 2 else np.take_along_axis(rows, best[..., None], axis=-2)


def _cosines_of_views(node: Node, arrays: Sequence[Array]) -> Array:
    eps, others = node["eps"], node["others"]
    assert isinstance(eps, float)
    assert isinstance(others, tuple)
    x, y = (_over_length(array, -1, eps) for array in arrays)
    value: Array = (x * y[[int(str(view)) for view in others]]).sum(axis=-1)
    return value


def _cosines_of_pairs(node: Node, arrays: Sequence[Array]) -> Array:
    eps, options = node["eps"], [node[name] for name in ("ones", "others", "shifts")]
    assert isinstance(eps, float)
    x, y = (_over_length(array, -1, eps) for array in arrays)
    numbers = [[int(str(n)) for n in option] for option in options if isinstance(option, tuple)]
    pairs = zip(*numbers, strict=True)
    return np.stack([(x[one] * np.roll(y[other], shift, axis=-2)).sum(axis=-1) for one, other, shift in pairs])


def _cross_entropies(node: Node, arrays: Sequence[Array]) -> Array:
    q, x, scale = arrays
    ones, others = node["ones"], node["others"]
    assert isinstance(ones, tuple)
    assert isinstance(others, tuple)
    if ones:
        q, x = (array[[int(str(view)) for view in views]] for array, views in ((q, ones), (x, others)))
    shifted = scale * x - (scale * x).max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return np.asarray(max(len(ones), 1) * -(q * log_p).sum(axis=-1).mean())


def _nearest_rows(node: Node, arrays: Sequence[Array]) -> Array:
    query, keys, chosen, scale, diagonal = arrays
    products = scale * query @ np.swapaxes(keys, -1, -2)
    products = products + diagonal * np.eye(*products.shape[-2:])
    best = products.argmax(axis=-1)
    return chosen[best] if keys.ndim == 2 else np.take_along_axis(chosen, best[..., None], axis=-2)


def _product_with_running(node: Node, arrays: Sequence[Array]) -> Array:
    x, own_scale, state, y, scale, momentum = arrays
    c = momentum * state + (1 - momentum) * scale * products_of_columns(y, node.inputs[2])
    return np.asarray((own_scale * products_of_columns(x, node) * c).sum())


def products_of_columns(x: Array, node: Node) -> Array:
    """xᵀx [k, k'] over the axes that a node names, of its first operand."""
    rows = _flat(x, node.inputs[0].type, node.axes(), node.axes("pairs"))
    value: Array = rows.T @ rows
    return value


def _whitened(node: Node, arrays: Sequence[Array]) -> Array:
    x, scale, shift = arrays
    factor = np.linalg.cholesky(shift * np.eye(x.shape[-1]) + scale * np.swapaxes(x, -1, -2) @ x)
    return np.swapaxes(np.linalg.solve(factor, np.swapaxes(x, -1, -2)), -1, -2)


def _waves(node: Node, arrays: Sequence[Array]) -> Array:
    """Both, one after the other along a last axis."""
    x, over = arrays[0], tuple(node.inputs[0].type.position(axis) for axis in node.axes())
    angles = x[..., None] * arrays[1]
    return np.stack([np.cos(angles).sum(axis=over), np.sin(angles).sum(axis=over)], axis=-1)


FUSED_KERNELS: Mapping[str, Callable[[Node, Sequence[Array]], Array]] = {
    "squared_products": _squared_products,
    "logdet_of_products": _logdet_of_products,
    "trace_of_log": _trace_of_log,
    "logsumexp_of_products": _logsumexp_of_products,
    "logdet_by_probes": _logdet_by_probes,
    "deflated_probes": _deflated_probes,
    "contrast_of_products": _contrast_of_products,
    "cosines_of_views": _cosines_of_views,
    "cosines_of_pairs": _cosines_of_pairs,
    "cross_entropies": _cross_entropies,
    "nearest_rows": _nearest_rows,
    "squared_length": lambda _node, arrays: np.asarray((arrays[0] ** 2).sum()),
    "standardized": _standardized,
    "correlations": _correlations,
    "diagonal_of": lambda _node, arrays: np.diagonal(arrays[0], axis1=-2, axis2=-1),
    "squares_of": _squares_of,
    "product_with_running": _product_with_running,
    "whitened": _whitened,
    "waves": _waves,
    "cosines_of": lambda _node, arrays: arrays[0][..., 0],
    "sines_of": lambda _node, arrays: arrays[0][..., 1],
    "chosen_rows": _chosen_rows,
}
