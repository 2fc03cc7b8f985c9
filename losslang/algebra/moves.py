"""Identities of place: choosing views and rows, and stopping gradients, happens at the outputs of networks."""

from __future__ import annotations

from collections.abc import Callable

from losslang.algebra.rewrite import Maker, Row
from losslang.objective.axes import BATCH, VIEW, Axis, Type
from losslang.objective.graph import Node

__all__ = ["MOVES"]

_POINTWISE = {"combination", "monomial", "exp", "log", "relu", "abs", "tanh", "sin", "cos", "power"}
_CARRIES = {"sum", "max", "integrate", "normalize", "softmax", "log_softmax", "var", "std", "logdet", "eigenvalues"}
"""Operations that compute the same for every entry of an axis that they do not name."""

_LEAVES = {"apply", "images", "running", "queue", "memory", "centroids", "sinkhorn", "argument", "stopgrad"}


def _passes(node: Node, axis: Axis) -> bool:
    """Whether a choice along an axis can be made before an operation as well as after it."""
    if any(child.type.has(axis.primed()) for child in node.inputs):
        return False
    named = [a for key, value in node.attributes if isinstance(value, tuple | Axis) for a in _axes(value)]
    return node.op in _POINTWISE or (node.op in _CARRIES and axis not in named)


def _axes(value: object) -> list[object]:
    return list(value) if isinstance(value, tuple) else [value]


def _inward(axis_of: Callable[[Node], Axis]) -> Callable[[Node, Maker], Node | None]:
    def move(node: Node, make: Maker) -> Node | None:
        x, axis = node.inputs[0], axis_of(node)
        if not x.type.has(axis):
            return x
        if not _passes(x, axis):
            return None
        moved = [_moved(node, child, axis, make) for child in x.inputs]
        return make.make(x.op, moved, x.attributes, _retyped(node, x.type, axis))

    return move


def _moved(node: Node, child: Node, axis: Axis, make: Maker) -> Node:
    if not child.type.has(axis):
        return child
    trains = None if child.trains else frozenset[str]()
    return make.make(node.op, (child,), node.attributes, _retyped(node, child.type, axis), trains)


def _retyped(node: Node, of: Type, axis: Axis) -> Type:
    """The type of a value after the choice that `node` makes along an axis."""
    if node.op == "select":
        return of.without([axis])
    kept = [dim for dim in of.dims if dim.axis != axis]
    chosen = [
        dim for dim in node.type.dims if dim.axis.name in {axis.name, "group"} and not of.without([axis]).has(dim.axis)
    ]
    return Type.of([*kept, *chosen], of.kind)


def _view(_node: Node) -> Axis:
    return VIEW


def _named(node: Node) -> Axis:
    return node.axes()[0]


def _rows(_node: Node) -> Axis:
    return BATCH


def _chosen_from(node: Node, make: Maker) -> Node | None:
    """Views of chosen views, and of views put together."""
    x, place = node.inputs[0], node["view"]
    if x.op != "take":
        return None
    places = x["views"]
    assert isinstance(places, tuple)
    assert isinstance(place, int)
    attributes = (("view", places[place]),)
    return make.make("select", x.inputs, attributes, node.type, None if x.inputs[0].trains else frozenset())


def _stopped(node: Node, make: Maker) -> Node | None:
    x = node.inputs[0]
    if not x.trains or x.op == "stopgrad":
        return x
    if x.op in _LEAVES:
        return None
    inputs = [make.make("stopgrad", (child,), (), child.type.real(), frozenset()) for child in x.inputs]
    return make.make(x.op, inputs, x.attributes, x.type, frozenset())


def _same(node: Node, make: Maker) -> Node | None:
    """The identity matrix has no operand: only the size of its axis."""
    if not node.inputs:
        return None
    return make.make("same", (), (("axis", node["axis"]),), node.type, frozenset())


def _size(node: Node, make: Maker) -> Node:
    from losslang.algebra.polynomial import length, multiply
    from losslang.algebra.sums import dims_of

    return multiply(make, [(length(make, dim), 1) for dim in dims_of(node, make, "axes")])


MOVES = (
    Row("view_of_views", "(x_S)_i = x_S(i)", _chosen_from, frozenset({"select"})),
    Row("view", "f(x)_v = f(x_v)", _inward(_view), frozenset({"select", "take"})),
    Row("rows", "f(x)_π = f(x_π): rolled, first or sorted into groups", _inward(_named), frozenset({"roll", "first"})),
    Row("groups", "f(x)_g = f(x_g), for f that treats rows alone", _inward(_rows), frozenset({"group"})),
    Row(
        "stop", "sg f(x) = f(sg x);  sg sg x = sg x;  sg x = x where nothing trains", _stopped, frozenset({"stopgrad"})
    ),
    Row("same", "the identity is one for all values of a size", _same, frozenset({"same"})),
    Row("size", "n is one for all values with the axis", _size, frozenset({"size"})),
)
