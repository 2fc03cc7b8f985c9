"""What rows look for: a product with its scalar factors taken off, a mask of equal indices, the identity plus a product."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from losslang.algebra.rewrite import Maker
from losslang.objective.axes import Axis
from losslang.objective.graph import Node

__all__ = ["Affine", "Shifted", "affine", "axes_of", "is_constant", "kept_pairs", "product_of", "shifted", "squared"]


def axes_of(node: Node, option: str = "over") -> tuple[Axis, ...]:
    """An option that lists axes; empty where the operation was not given it."""
    return node.axes(option) if any(key == option for key, _ in node.attributes) else ()


def is_constant(node: Node, value: float) -> bool:
    """Whether a node is this number."""
    return node.op == "constant" and node["value"] == value


def _is_scalar(node: Node) -> bool:
    """A number without axes and without gradient."""
    return not node.type.dims and node.type.kind == "real" and not node.trains


@dataclass(frozen=True)
class Affine:
    """scale · core + offset, where scale and offset are scalars; `mask` holds the signs of masks that multiply it.

    `hollow` and `diagonal` say that entries with equal, or with different, indices of an axis are zero.
    """

    core: Node
    scale: Node
    offset: Node | None = None
    hollow: Axis | None = None
    diagonal: Axis | None = None


def affine(node: Node, make: Maker) -> Affine:
    """A value with its scalar factors, scalar summands and masks of equal indices taken off."""
    found = Affine(node, make.constant(1))
    while True:
        step = _peeled(found, make)
        if step is None:
            return found
        found = step


def product_of(node: Node, make: Maker) -> Affine | None:
    """The same, where what is left is a product of rows."""
    found = affine(node, make)
    return found if found.core.op == "dot" else None


def _peeled(found: Affine, make: Maker) -> Affine | None:
    core = found.core
    if core.op == "negative":
        return replace(found, core=core.inputs[0], scale=_times(make, found.scale, make.constant(-1)))
    if core.op == "divide" and _is_scalar(core.inputs[1]):
        return replace(found, core=core.inputs[0], scale=_over(make, found.scale, core.inputs[1]))
    if core.op == "multiply":
        return _factor_off(found, make)
    if core.op in {"add", "subtract"} and found.hollow is None and found.diagonal is None:
        return _summand_off(found, make)
    return None


def _factor_off(found: Affine, make: Maker) -> Affine | None:
    for factor, rest in (found.core.inputs, reversed(found.core.inputs)):
        if _is_scalar(factor) and rest.type.dims:
            return replace(found, core=rest, scale=_times(make, found.scale, factor))
        if found.offset is not None or found.hollow is not None or found.diagonal is not None:
            continue
        hollow = _axis_of_same(factor.inputs[0]) if factor.op == "negate" else None
        if hollow is not None:
            return replace(found, core=rest, hollow=hollow)
        diagonal = _axis_of_same(factor)
        if diagonal is not None:
            return replace(found, core=rest, diagonal=diagonal)
    return None


def _summand_off(found: Affine, make: Maker) -> Affine | None:
    x, y = found.core.inputs
    minus = make.constant(-1)
    sign = minus if found.core.op == "subtract" else make.constant(1)
    if _is_scalar(y) and x.type.dims:
        return replace(found, core=x, offset=_plus(make, found, _times(make, y, sign)))
    if _is_scalar(x) and y.type.dims:
        return replace(found, core=y, scale=_times(make, found.scale, sign), offset=_plus(make, found, x))
    return None


def _plus(make: Maker, found: Affine, summand: Node) -> Node:
    scaled = _times(make, found.scale, summand)
    return scaled if found.offset is None else make.call("add", found.offset, scaled)


def _times(make: Maker, x: Node, y: Node) -> Node:
    if x.op == y.op == "constant":
        return make.constant(_number(x) * _number(y))
    if is_constant(x, 1) or is_constant(y, 1):
        return y if is_constant(x, 1) else x
    return make.call("multiply", x, y)


def _over(make: Maker, x: Node, y: Node) -> Node:
    return x if is_constant(y, 1) else make.call("divide", x, y)


def _number(node: Node) -> float:
    value = node["value"]
    assert isinstance(value, int | float)
    return value


def _axis_of_same(node: Node) -> Axis | None:
    if node.op != "same":
        return None
    axis = node["axis"]
    assert isinstance(axis, Axis)
    return axis


def squared(node: Node) -> Node | None:
    """What a node is the square of."""
    return node.inputs[0] if node.op == "power" and is_constant(node.inputs[1], 2) else None


# ---------------------------------------------------------------- masks of equal indices

_LOGIC: Mapping[str, Callable[[Sequence[bool]], bool]] = {"both": all, "either": any, "negate": lambda x: not x[0]}


def kept_pairs(mask: Node | None, pairs: Sequence[Axis]) -> dict[tuple[bool, ...], bool] | None:
    """Which pairs of entries a mask keeps, by whether their indices along each of `pairs` are equal.

    None where the mask depends on anything else.
    """
    table = {}
    for equal in product((False, True), repeat=len(pairs)):
        kept = True if mask is None else _truth(mask, dict(zip(pairs, equal, strict=True)))
        if kept is None:
            return None
        table[equal] = kept
    return table


def _truth(mask: Node, equal: Mapping[Axis, bool]) -> bool | None:
    if mask.op == "same":
        axis = _axis_of_same(mask)
        return None if axis is None else equal.get(axis)
    if mask.op not in _LOGIC:
        return None
    parts = [_truth(part, equal) for part in mask.inputs]
    known = [part for part in parts if part is not None]
    return _LOGIC[mask.op](known) if len(known) == len(parts) else None


# ---------------------------------------------------------------- the identity plus a product


@dataclass(frozen=True)
class Shifted:
    """shift · I + scale · product, a matrix [axis, axis']."""

    product: Node
    scale: Node
    shift: Node
    axis: Axis


def shifted(node: Node, make: Maker) -> Shifted | None:
    """A product with a multiple of the identity added to it, or taken off."""
    if node.op not in {"add", "subtract"}:
        return None
    for place in (0, 1):
        one, other = affine(node.inputs[place], make), product_of(node.inputs[1 - place], make)
        axis = _axis_of_same(one.core) if one.core.op == "same" else one.diagonal
        plain = one.core.op == "same" and one.offset is None and one.diagonal is None and one.hollow is None
        if axis is None or not plain or other is None:
            continue
        bare = other.offset is None and other.hollow is None and other.diagonal is None
        if bare and axes_of(other.core, "pairs") == (axis,):
            scales = [one.scale, other.scale]
            if node.op == "subtract":
                scales[1 - place] = _times(make, scales[1 - place], make.constant(-1))
            return Shifted(other.core, scales[1], scales[0], axis)
    return None
