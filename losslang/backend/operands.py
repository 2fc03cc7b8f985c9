"""How operands are laid out in emitted source: axes of length 1 for broadcasting, positions of axes, numbers as tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from losslang.backend.code import Code, call
from losslang.objective.axes import VIEW, Axis, Type
from losslang.objective.graph import Node

__all__ = ["Kernel", "as_tensor", "is_large", "joined", "operands_of", "owned", "position", "positions", "spread"]

Kernel = Callable[[Node, Sequence[Code]], Code]


def spread(code: Code, of: Type, to: Sequence[Axis]) -> Code:
    """The operand with an axis of length 1 wherever broadcasting does not put one by itself."""
    if code.scalar or not of.dims:
        return code
    first = next(i for i, axis in enumerate(to) if of.has(axis))
    needed = to[first:]
    if all(of.has(axis) for axis in needed):
        return code
    index = ", ".join(":" if of.has(axis) else "None" for axis in needed)
    return Code(f"{code.atom}[{index}]")


def operands_of(node: Node, codes: Sequence[Code]) -> list[Code]:
    """The operands of a node where they meet: in the layout of its own value."""
    return [spread(code, child.type, node.type.axes) for code, child in zip(codes, node.inputs, strict=True)]


def as_tensor(code: Code) -> Code:
    """A Python number as a tensor of no axes; a tensor as it is."""
    return call("torch.full", "()", code.text, "dtype=dtype", "device=device") if code.scalar else code


def positions(of: Type, axes: Sequence[Axis]) -> str:
    """Positions counted from the end, as a tuple."""
    places = [of.position(axis) - len(of.dims) for axis in axes]
    return "(" + ", ".join(map(str, places)) + ("," if len(places) == 1 else "") + ")"


def position(of: Type, axes: Sequence[Axis]) -> str:
    """One position bare, several as a tuple."""
    return positions(of, axes).removesuffix(",)").removeprefix("(") if len(axes) == 1 else positions(of, axes)


def is_large(of: Type) -> bool:
    """Whether values have entries by batch and feature, or by pairs of these: what memory is spent on."""
    return sum(axis.name != VIEW.name for axis in of.axes) > 1


def owned(node: Node, code: Code) -> Code:
    """The source of an operation that makes a new tensor and does not keep it."""
    return replace(code, own=is_large(node.type) and not code.scalar)


def joined(node: Node) -> Type:
    """The layout in which an operand and its mask meet."""
    dims = {dim.axis: dim for child in reversed(node.inputs) for dim in child.type.dims}
    return Type.of(dims.values())
