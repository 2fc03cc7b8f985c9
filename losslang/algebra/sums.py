"""Identities of sums over axes: what does not vary along an axis leaves, what is independent falls apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from losslang.algebra.polynomial import Factor, combine, factors, joined, length, multiply, parts, power
from losslang.algebra.rewrite import Maker, Row
from losslang.objective.axes import VIEW, Axis, Dim
from losslang.objective.graph import Node

__all__ = ["SUMS", "dims_of", "sum_over"]

MANY_VIEWS = 64
"""More views than these are summed as an axis, not one by one."""


def dims_of(node: Node, make: Maker, option: str = "over") -> list[Dim]:
    """The axes a reduction removes, with their sizes; its operand may have lost some, so the old graph is asked too."""
    found = []
    for axis in node.axes(option):
        known = [value.type.find(axis) for value in (*node.inputs, *(make.at.inputs if make.at else ()))]
        found.append(next(dim for dim in known if dim is not None))
    return found


def sum_over(make: Maker, x: Node, dims: Iterable[Dim]) -> Node:
    """Σ x over axes; along an axis that x does not have it is n·x."""
    dims = list(dims)
    lacking = [length(make, dim) for dim in dims if not x.type.has(dim.axis)]
    axes = tuple(sorted((dim.axis for dim in dims if x.type.has(dim.axis)), key=lambda axis: axis.place))
    summed = make.make("sum", (x,), (("over", axes),), x.type.without(axes).real()) if axes else x
    return multiply(make, [(n, 1) for n in lacking] + [(summed, 1)]) if lacking else summed


def _masked(node: Node, make: Maker) -> Node | None:
    if len(node.inputs) == 1:
        return None
    return sum_over(make, multiply(make, [(value, 1) for value in node.inputs]), dims_of(node, make))


def _mean(node: Node, make: Maker) -> Node:
    dims = dims_of(node, make)
    if len(node.inputs) == 1:
        counts = [(length(make, dim), -1.0) for dim in dims]
        return multiply(make, [(sum_over(make, node.inputs[0], dims), 1), *counts])
    x, mask = node.inputs
    total = sum_over(make, multiply(make, [(x, 1), (mask, 1)]), dims)
    return multiply(make, [(total, 1), (sum_over(make, mask, dims), -1)])


def _lost(node: Node, make: Maker) -> Node | None:
    x = node.inputs[0]
    if all(x.type.has(axis) for axis in node.axes()):
        return None
    return sum_over(make, x, dims_of(node, make))


def _linear(node: Node, make: Maker) -> Node | None:
    x, dims = node.inputs[0], dims_of(node, make)
    if x.op != "combination":
        return None
    inner, offset = parts(x)
    summands = [(scale, sum_over(make, body, dims)) for scale, body in inner]
    if offset:
        summands.append((offset, sum_over(make, make.constant(1.0), dims)))
    return combine(make, summands)


def _views(node: Node, make: Maker) -> Node | None:
    x, dims = node.inputs[0], dims_of(node, make)
    view = next((dim for dim in dims if dim.axis == VIEW), None)
    if view is None or view.known is None or view.known > MANY_VIEWS or x.type.has(VIEW.primed()):
        return None
    rest = [dim for dim in dims if dim is not view]
    return combine(make, [(1, sum_over(make, chosen(make, x, place), rest)) for place in range(view.known)])


def chosen(make: Maker, x: Node, place: int) -> Node:
    """One view of a value."""
    if not x.type.has(VIEW):
        return x
    return make.make("select", (x,), (("view", place),), x.type.without([VIEW]), None if x.trains else frozenset())


def _products(node: Node, make: Maker) -> Node | None:
    """Inner sums joined to the outer one, then every factor taken out of the sums over axes that it does not have."""
    dims = {dim.axis: dim for dim in dims_of(node, make)}
    return _summed(make, _flat(factors(node.inputs[0]), dims), dims)


def _flat(found: list[Factor], dims: dict[Axis, Dim]) -> list[Factor]:
    """The factors without inner sums, whose axes join `dims`, where no other factor has them."""
    for at, (base, exponent) in enumerate(found):
        others = [*found[:at], *found[at + 1 :]]
        taken = any(o.type.has(axis) for o, _ in others for axis in base.axes()) if base.op == "sum" else True
        if not taken and exponent == 1 and not any(axis in dims for axis in base.axes()):
            inner = base.inputs[0]
            dims |= {dim.axis: dim for dim in inner.type.dims if dim.axis in base.axes()}
            return _flat([*others, *factors(inner)], dims)
    return found


def _summed(make: Maker, found: Sequence[Factor], dims: Mapping[Axis, Dim]) -> Node:
    """Σ Π base^power with every sum as far inside as it goes: the later axis first."""
    made: list[Factor] = []
    for group in _connected(found, set(dims)):
        axes = [axis for axis in dims if any(base.type.has(axis) for base, _ in group)]
        made.append((_inward(make, group, {axis: dims[axis] for axis in axes}), 1.0))
    return multiply(make, made)


def _inward(make: Maker, group: Sequence[Factor], dims: Mapping[Axis, Dim]) -> Node:
    for axis in sorted(dims, key=lambda axis: axis.place, reverse=True):
        inside = [f for f in group if f[0].type.has(axis)]
        outside = [f for f in group if not f[0].type.has(axis)]
        if outside:
            own = {a: dim for a, dim in dims.items() if not any(base.type.has(a) for base, _ in outside)}
            value = multiply(make, [*outside, (_summed(make, inside, own), 1.0)])
            return sum_over(make, value, [dim for a, dim in dims.items() if a not in own])
    return sum_over(make, multiply(make, group), dims.values())


def _connected(found: Sequence[Factor], over: set[Axis]) -> list[list[Factor]]:
    """The factors in groups that share no axis."""
    groups: list[tuple[set[Axis], list[Factor]]] = []
    for base, exponent in found:
        axes, row = over & set(base.type.axes), [(base, exponent)]
        for other in [g for g in groups if g[0] & axes]:
            groups.remove(other)
            axes, row = axes | other[0], [*other[1], *row]
        groups.append((axes, row))
    return [row for _, row in groups]


def _norm(node: Node, make: Maker) -> Node:
    dims = dims_of(node, make)
    squares = multiply(make, [(node.inputs[0], 2), *((mask, 1.0) for mask in node.inputs[1:])])
    return power(make, sum_over(make, squares, dims), 0.5)


def _normalize(node: Node, make: Maker) -> Node | None:
    if node["eps"] != 1e-12:
        return None
    x = node.inputs[0]
    return multiply(make, [(x, 1), (sum_over(make, power(make, x, 2), dims_of(node, make)), -0.5)])


def _variance(node: Node, make: Maker) -> Node | None:
    if len(node.inputs) > 1:
        return None
    x, dims, ddof = node.inputs[0], dims_of(node, make), node["ddof"]
    assert isinstance(ddof, int | float)
    count = multiply(make, [(length(make, dim), 1) for dim in dims])
    mean = multiply(make, [(sum_over(make, x, dims), 1), (count, -1)])
    squares = sum_over(make, power(make, combine(make, [(1, x), (-1, mean)]), 2), dims)
    return multiply(make, [(squares, 1), (combine(make, [(1, count)], -ddof), -1)])


def _deviation(node: Node, make: Maker) -> Node | None:
    variance, eps = _variance(node, make), node["eps"]
    assert isinstance(eps, int | float)
    return None if variance is None else power(make, combine(make, [(1, variance)], eps), 0.5)


def _dot(node: Node, make: Maker) -> Node | None:
    """Without pairs, and where no axis is renamed, it is a sum of products."""
    x, y = node.inputs
    paired = any(key == "pairs" for key, _ in node.attributes)
    if paired or any(axis.primed() in joined([x, y]).axes for axis in node.axes()):
        return None
    return sum_over(make, multiply(make, [(x, 1), (y, 1)]), dims_of(node, make))


def _integral(node: Node, make: Maker) -> Node | None:
    x, (axis,) = node.inputs[0], node.axes()

    def integrated(value: Node) -> Node:
        return make.make("integrate", (value,), node.attributes, value.type.without([axis]))

    inner, offset = parts(x)
    if x.op == "combination" and not offset and all(body.type.has(axis) for _, body in inner):
        return combine(make, [(scale, integrated(body)) for scale, body in inner])
    outside = [(b, p) for b, p in factors(x) if not b.type.has(axis)]
    if not outside:
        return None
    rest = [(b, p) for b, p in factors(x) if b.type.has(axis)]
    return multiply(make, [*outside, (integrated(multiply(make, rest)), 1)]) if rest else None


_SUM = frozenset({"sum"})

SUMS = (
    Row("sum_where", "Σ x where m = Σ m·x", _masked, _SUM),
    Row("sum_of_constant", "Σ_i c = n·c", _lost, _SUM),
    Row("sum_is_linear", "Σ (a·x + b·y + c) = a·Σ x + b·Σ y + n·c", _linear, _SUM),
    Row("sum_of_views", "Σ_v x_v = x_1 + … + x_V", _views, _SUM),
    Row("sum_of_products", "Σ_ij x_i·y_ij·c = c·Σ_i x_i·(Σ_j y_ij)", _products, _SUM),
    Row("mean", "mean x = Σ x / n;  mean x where m = Σ m·x / Σ m", _mean, frozenset({"mean"})),
    Row("norm", "‖x‖ = (Σ x²)^½", _norm, frozenset({"norm"})),
    Row("normalize", "x̂ = x·(Σ x²)^-½, for rows longer than 1e-12", _normalize, frozenset({"normalize"})),
    Row("variance", "var x = Σ (x − Σ x / n)² / (n − ddof)", _variance, frozenset({"var"})),
    Row("deviation", "std x = (var x + ε)^½", _deviation, frozenset({"std"})),
    Row("dot", "x·y = Σ_i x_i·y_i", _dot, frozenset({"dot"})),
    Row("integral_is_linear", "∫ (a·x + b·y) = a·∫ x + b·∫ y;  ∫ c·x = c·∫ x", _integral, frozenset({"integrate"})),
)
