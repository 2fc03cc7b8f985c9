"""A row for characteristic functions: sums of cosines and sines at many knots, without all of them at once."""

from __future__ import annotations

from losslang.algebra.patterns import axes_of
from losslang.algebra.rewrite import Maker, Row
from losslang.objective.axes import Axis
from losslang.objective.graph import Node

__all__ = ["WAVES"]

_PARTS = {"cos": "cosines_of", "sin": "sines_of"}


def _sum_of_waves(node: Node, make: Maker) -> Node | None:
    wave = node.inputs[0]
    if len(node.inputs) > 1 or wave.op not in _PARTS or wave.inputs[0].op != "multiply":
        return None
    angle, over = wave.inputs[0], axes_of(node)
    x, knots = angle.inputs if angle.inputs[1].op == "linspace" else reversed(angle.inputs)
    rest = set(x.type.axes) - set(over)
    if knots.op != "linspace" or not rest or not over or not set(over) <= set(x.type.axes) or x.type.has(Axis("knot")):
        return None
    total = make.call(_PARTS[wave.op], make.call("waves", x, knots, over=over))
    if node.op == "mean":
        for axis in over:
            total = make.call("divide", total, make.size(x, axis))
    return total


WAVES = (
    Row(
        "waves",
        "Σ e^(i t x) at t, t + h, t + 2h, …, each the one before times e^(i h x)",
        _sum_of_waves,
        frozenset({"mean", "sum"}),
    ),
)
