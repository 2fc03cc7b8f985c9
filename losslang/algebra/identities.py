"""The table of identities: what two spellings of one mathematics have in common.

Every row holds in value and in gradient wherever both sides are defined and differentiable (an exact zero under a root or a
quotient, and rows shorter than the epsilon of `normalize`, are left out). The forms that it leads to are polynomials: sums
multiplied out, products joined by base, statistics as sums, exponentials of sums as products. Each rewrite removes an operation
that the form does not have, or brings a choice, a scale or a summand to its place, so the rewriting ends.
"""

from __future__ import annotations

from collections.abc import Mapping

from losslang.algebra.digest import Digests
from losslang.algebra.elementary import ELEMENTARY, value_of_parameters
from losslang.algebra.matrices import MATRICES
from losslang.algebra.moves import MOVES
from losslang.algebra.polynomial import constant_of, multiply
from losslang.algebra.rewrite import Maker, Rewritten, Row, rewrite
from losslang.algebra.sums import SUMS
from losslang.objective.axes import Type
from losslang.objective.graph import Graph, Node
from losslang.objective.parameters import ParameterValue

__all__ = ["CAP", "IDENTITIES", "normal_form"]

CAP = 100_000
"""Rewrites after which a method is left in its own form."""

IDENTITIES: tuple[Row, ...] = (*ELEMENTARY, *SUMS, *MATRICES, *MOVES)


def normal_form(
    graph: Graph, parameters: Mapping[str, ParameterValue], digests: Digests, rows: tuple[Row, ...] = IDENTITIES
) -> Rewritten:
    """The graph with every value in normal form; `digests` says which values are equal. Raises Overflow."""
    return rewrite(graph, (value_of_parameters(parameters), *rows), cap=CAP, key=digests.of, operand=_with_axes)


_LOSE = {"combination", "monomial", "roll", "first", "select", "take", "group"} | {
    op for row in (*ELEMENTARY, *SUMS) for op in row.ops if op != "dot"
}
"""Operations whose rows know what to do with operands that do not vary along an axis any more."""


def _with_axes(old: Node, new: Node, make: Maker) -> Node:
    """A value that lost axes (x − x is the number 0) has them again where an operation may need them."""
    assert make.at is not None
    lost = [dim for dim in old.type.dims if not new.type.has(dim.axis)]
    if not lost or make.at.op in _LOSE:
        return new
    if constant_of(new) == 0:
        return make.make("zeros", (), (), Type.of(lost))
    return multiply(make, [(new, 1.0), (make.make("ones", (), (), Type.of(lost, "mask")), 1.0)])
