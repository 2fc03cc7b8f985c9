"""`same(axis)` has no size of its own: it takes it from the value it is combined with."""

from __future__ import annotations

from losslang.objective.axes import Axis, Dim, Type
from losslang.objective.context import Context
from losslang.objective.graph import Node
from losslang.objective.rules import Bound, Problem, Typed

__all__ = ["WILD", "settle"]

WILD = "?"
"""The size of an axis of `same` before it meets a value."""


def settle(bound: Bound, context: Context) -> None:
    """Give every `same` among the operands the size of the other operands' axis."""
    for name, value in bound.values.items():
        wild = {dim.axis.name for dim in value.type.dims if dim.size == WILD}
        for axis in sorted(wild):
            reference = _reference(axis, bound, name)
            if reference is not None:
                bound.values[name] = Typed(_rebuild(bound.values[name].node, axis, reference, context, {}), value.span)


def _reference(axis: str, bound: Bound, skip: str) -> tuple[Node, Dim] | None:
    for name, value in bound.values.items():
        if name == skip:
            continue
        dims = [dim for dim in value.type.dims if dim.axis.name == axis and dim.size != WILD]
        if len({dim.size for dim in dims}) > 1:
            raise Problem(
                "E301",
                f"`same({axis})` needs a square matrix",
                labels=[(value.span, f"is {' by '.join(str(dim.size) for dim in dims)}")],
            )
        if dims:
            return value.node, dims[0]
    return None


def _rebuild(node: Node, axis: str, reference: tuple[Node, Dim], context: Context, done: dict[int, Node]) -> Node:
    if not any(dim.axis.name == axis and dim.size == WILD for dim in node.type.dims):
        return node
    if node.number not in done:
        source, dim = reference
        dims = (
            Dim(d.axis, dim.size, dim.labels, dim.grid, dim.origin) if d.axis.name == axis and d.size == WILD else d
            for d in node.type.dims
        )
        type_ = Type.of(dims, node.type.kind)
        if node.op == "same" and node["axis"] == Axis(axis):
            inputs: tuple[Node, ...] = (source,)
            attributes = (*node.attributes, ("of", dim.axis))
        else:
            inputs = tuple(_rebuild(child, axis, reference, context, done) for child in node.inputs)
            attributes = node.attributes
        done[node.number] = context.builder.make(node.op, inputs, attributes, type_, node.trains, node.span, node.via)
    return done[node.number]
