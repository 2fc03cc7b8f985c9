"""Where values lie when several processes share a batch, and the nodes that bring them elsewhere.

A value lies on one of two ways. *Shared*: it has the axis `batch`, and every process holds its own rows of it. *Whole*: it
is the same on all processes. Every process evaluates the same whole loss, and gradients of parameters are averaged over the
processes; then only these nodes need communication, and no others, forward or backward:

    across            a partial value of this process's rows -> their sum over the processes      backward: the same sum
    log_sum_across    a partial log-sum-exp -> that of all processes                              backward: sum, own part
    largest_across    the largest entry over the rows of all processes                            no gradient
    gathered          shared -> whole: the rows of all processes in the order of the batch        backward: sum, own rows
    columns           shared -> the rows of all processes, own rows first                         backward: sum, own rows
    own_rows          whole -> shared: this process's rows                                        nothing is sent
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from losslang.algebra.rewrite import Maker
from losslang.objective.axes import BATCH, GROUP, Axis, Type
from losslang.objective.graph import Attribute, Node

__all__ = ["EXCHANGES", "Layout"]

ROWS = BATCH.primed()

EXCHANGES: dict[str, int] = {
    "across": 1,
    "largest_across": 1,
    "log_sum_across": 1,
    "gathered": 1,
    "columns": 1,
    "argmax_across": 2,
    "squared_products_across": 1,
    "logdet_of_products_across": 1,
    "trace_of_log_across": 1,
}
"""Nodes that communicate, and the collectives that each needs forward (`sinkhorn_across`: one an iteration)."""


@dataclass
class Layout:
    """Makes the nodes of the graph of many processes and knows which of them are shared.

    `writes` has what moves a state on, by the number of its node in the method's graph, where that is not what is read.
    """

    maker: Maker = field(default_factory=Maker)
    shared: set[int] = field(default_factory=set)
    made_whole: dict[int, Node] = field(default_factory=dict)
    writes: dict[int, Node] = field(default_factory=dict)

    def is_shared(self, node: Node) -> bool:
        """Whether every process holds its own rows of the value."""
        return node.number in self.shared

    # ---------------------------------------------------------------- making nodes

    def again(self, node: Node, inputs: Iterable[Node], *, shared: bool = False) -> Node:
        """The same operation on operands that are laid out for it."""
        return self._laid_out(self.maker.again(node, list(inputs)), shared=shared)

    def call(self, op: str, *operands: Node, **options: Attribute) -> Node:
        """A core operation row by row: shared where an operand is, and rows are left."""
        made = self.maker.call(op, *operands, **options)
        return self._laid_out(made, shared=made.type.has(BATCH) and any(map(self.is_shared, operands)))

    def make(
        self,
        op: str,
        operands: Sequence[Node],
        type_: Type,
        *,
        shared: bool = False,
        attributes: Iterable[tuple[str, Attribute]] = (),
        trains: frozenset[str] | None = None,
    ) -> Node:
        """A node that is no operation of the language; it trains what its operands train, if not told otherwise."""
        return self._laid_out(self.maker.make(op, operands, tuple(attributes), type_, trains), shared=shared)

    def number(self, value: float) -> Node:
        """A constant."""
        return self.maker.constant(value)

    def _laid_out(self, node: Node, *, shared: bool) -> Node:
        if shared:
            self.shared.add(node.number)
        return node

    # ---------------------------------------------------------------- bringing values elsewhere

    def across(self, partial: Node) -> Node:
        """The sum over the processes of what each made of its own rows."""
        return self.make("across", (partial,), partial.type)

    def largest(self, x: Node, over: tuple[Axis, ...]) -> Node:
        """The largest entry over axes of which the batch is one, without gradient."""
        return self.make("largest_across", (x,), x.type.without(over), attributes=(("over", over),))

    def columns(self, x: Node) -> Node:
        """The rows of all processes, own rows first: what stands beside them is another on each."""
        return self.make("columns", (x,), x.type, shared=True)

    def own(self, node: Node) -> Node:
        """A value with rows, as this process's rows. Rows within a group are not the batch's."""
        if self.is_shared(node) or not node.type.has(BATCH) or node.type.has(GROUP):
            return node
        if node.op == "gathered":
            return node.inputs[0]
        return self.make("own_rows", (node,), node.type, shared=True)

    def aligned(self, operands: Iterable[Node]) -> list[Node]:
        """All operands by own rows, if one of them has no others."""
        operands = list(operands)
        return [self.own(node) for node in operands] if any(map(self.is_shared, operands)) else operands

    def whole(self, node: Node) -> Node:
        """The value with the rows of all processes. What has [batch, batch'] is made of gathered rows: they are fewer."""
        if not self.is_shared(node):
            return node
        if node.number not in self.made_whole:
            self.made_whole[node.number] = self._made_whole(node)
        return self.made_whole[node.number]

    def _made_whole(self, node: Node) -> Node:
        if node.op == "own_rows":
            return node.inputs[0]
        if not node.type.has(ROWS) or not node.inputs:
            return self.make("gathered", (node,), node.type)
        inputs = [self.whole(child) for child in node.inputs]
        if node.op == "own_same":
            return self.make("same", inputs, node.type, attributes=node.attributes)
        return self.again(node, inputs)

    # ---------------------------------------------------------------- counting

    def count(self, x: Node, over: Sequence[Axis]) -> Node:
        """The number of entries along axes, rows of all processes counted."""
        if not self.is_shared(x) or BATCH not in over:
            return self._sizes(x, over)
        rows = self.make("rows_of_all", (), Type())
        others = [axis for axis in over if axis != BATCH]
        return self.call("multiply", rows, self._sizes(x, others)) if others else rows

    def _sizes(self, x: Node, axes: Sequence[Axis]) -> Node:
        known, unknown = 1, list[Axis]()
        for axis in axes:
            dim = x.type.find(axis)
            size = dim.known if dim is not None else None
            known, unknown = (known * size, unknown) if size else (known, [*unknown, axis])
        number = self.number(known)
        if not unknown:
            return number
        sizes = self.make("size", (x,), Type(), attributes=(("axes", tuple(unknown)),))
        return sizes if known == 1 else self.call("multiply", number, sizes)


Rule = Callable[[Layout, Node, list[Node]], Node]
"""From a node of the method's graph and its operands as they lie, to its value as it lies."""
