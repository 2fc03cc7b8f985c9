"""A row for values whitened by the Cholesky factor of their own covariance."""

from __future__ import annotations

from losslang.algebra.patterns import axes_of, shifted
from losslang.algebra.rewrite import Maker, Row
from losslang.objective.graph import Node

__all__ = ["WHITENING"]


def _whitened(node: Node, make: Maker) -> Node | None:
    if axes_of(node, "pairs"):
        return None
    x, root = node.inputs if node.inputs[1].op == "inverse_root" else reversed(node.inputs)
    if root.op != "inverse_root" or root["method"] != "cholesky" or axes_of(root) != axes_of(node):
        return None
    found, over = shifted(root.inputs[0], make), axes_of(node)
    if found is None or found.product.inputs != (x, x) or (found.axis,) != over:
        return None
    rows = axes_of(found.product)
    if (*rows, *over) != x.type.axes[-2:] or node.type.axes != x.type.axes:
        return None
    return make.call("whitened", x, found.scale, found.shift, over=rows, pairs=over)


WHITENING = (
    Row(
        "whitened",
        "(L⁻ᵀ)ᵀ x = L⁻¹ x, solved for; of few rows by n × n matrices",
        _whitened,
        frozenset({"dot"}),
    ),
)
