"""What a method costs: operations and bytes of one step as written and as optimised, and what processes exchange.

A model, not a measurement: floating-point operations and values written, forward and backward, of the loss alone for embeddings
in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from math import prod

from losslang.algebra.estimates import EXACT, Estimate, estimated
from losslang.algebra.optimise import optimise
from losslang.algebra.wide import wide_values
from losslang.objective.axes import BATCH, VIEW, Axis, Type
from losslang.objective.boundary import find_inputs
from losslang.objective.graph import Graph, Node
from losslang.objective.spec import Spec

__all__ = [
    "BYTES",
    "Cost",
    "Sizes",
    "bytes_text",
    "cost_of",
    "cost_of_node",
    "cost_text",
    "nodes_that_cost",
    "with_widths",
]

BYTES = 4
"""Of a float32 number."""


@dataclass(frozen=True)
class Sizes:
    """The batch over all processes, how many processes there are, and the size of `feature` (the method's own if None).

    With `own`, the axis `batch` has the rows of one process, and batch' those of all. `wide` are the numbers of the nodes in
    double precision.
    """

    batch: int = 1024
    world: int = 1
    dimension: int | None = None
    own: bool = False
    wide: frozenset[int] = frozenset()

    def of(self, type_: Type, axes: Iterable[Axis] | None = None) -> float:
        """How many entries a value has, along some axes or all."""
        wanted = set(type_.axes if axes is None else axes)
        return prod(self._along(dim.axis, dim.known) for dim in type_.dims if dim.axis in wanted)

    def width(self, node: Node) -> int:
        """The bytes of an entry."""
        return 2 * BYTES if node.number in self.wide else BYTES

    def _along(self, axis: Axis, known: int | None) -> int:
        if axis.name == "feature" and self.dimension is not None:
            return self.dimension
        if known is not None:
            return known
        if axis == BATCH and self.own:
            return max(self.batch // self.world, 1)
        return {"batch": self.batch, "group": 1}.get(axis.name, UNKNOWN)


UNKNOWN = 512
"""Entries of an axis that the method leaves open: the features of a backbone."""


@dataclass(frozen=True)
class Cost:
    """Operations and bytes."""

    operations: float = 0.0
    bytes: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.operations + other.operations, self.bytes + other.bytes)


def cost_of(graph: Graph, given: Collection[int], sizes: Sizes) -> Cost:
    """The cost of the terms and states of a graph, down to the nodes `given` (by number)."""
    sizes = with_widths(sizes, graph, given)
    return sum((cost_of_node(node, sizes) for node in nodes_that_cost(graph, given)), Cost())


def with_widths(sizes: Sizes, graph: Graph, given: Collection[int]) -> Sizes:
    """The sizes for a graph, of which some values may be in double precision."""
    return replace(sizes, wide=wide_values(graph.down_to(given), given))


def nodes_that_cost(graph: Graph, given: Collection[int]) -> list[Node]:
    """The nodes that the terms and states are made of, without those that compute nothing."""
    return [node for node in graph.down_to(given) if node.number not in given and node.op not in FREE]


FREE = {
    "constant",
    "parameter",
    "schedule",
    "select",
    "take",
    "stopgrad",
    "size",
    "images",
    "first",
    "group",
    "apply",
    "running_products",
}
"""Operations that compute nothing, or (networks) that are not the loss's."""


def cost_of_node(node: Node, sizes: Sizes) -> Cost:
    """The cost of one node, forward and backward."""
    back = sum(bool(child.trains) for child in node.inputs)
    work, kept = OPERATIONS_OF.get(node.op, _elementwise)(node, sizes)
    return Cost(
        work * (1 + back), sizes.width(node) * (kept + (sum(sizes.of(c.type) for c in node.inputs if c.trains)))
    )


# ---------------------------------------------------------------- one row per operation: (operations, values written)

Row = Callable[[Node, Sizes], tuple[float, float]]


def _elementwise(node: Node, sizes: Sizes) -> tuple[float, float]:
    largest = max([sizes.of(node.type), *(sizes.of(child.type) for child in node.inputs)])
    return largest, sizes.of(node.type)


def _dot(node: Node, sizes: Sizes) -> tuple[float, float]:
    result = sizes.of(node.type)
    return 2 * result * sizes.of(node.inputs[0].type, node.axes()), result


def _cubic(times: float) -> Row:
    """times · k³ for matrices [k, k']."""

    def row(node: Node, sizes: Sizes) -> tuple[float, float]:
        of = node.inputs[0].type
        axes = [axis for axis in of.axes if of.has(axis.primed())]
        side = sizes.of(of, axes[:1])
        return times * sizes.of(of) * side, sizes.of(of)

    return row


def _sides(node: Node, sizes: Sizes) -> tuple[float, float, float]:
    """The smaller side of a product, the larger, and how many products there are."""
    of = node.inputs[0].type
    over, pairs = sizes.of(of, node.axes()), sizes.of(of, node.axes("pairs"))
    return min(over, pairs), max(over, pairs), sizes.of(of) / (over * pairs)


def _squared_products(node: Node, sizes: Sizes) -> tuple[float, float]:
    small, large, many = _sides(node, sizes)
    return 2 * small**2 * large * many, small**2 * many


def _correlations(node: Node, sizes: Sizes) -> tuple[float, float]:
    """One product of two views."""
    work, kept = _squared_products(node, sizes)
    return work / 2, kept / 2


def _logdet_of_products(node: Node, sizes: Sizes) -> tuple[float, float]:
    small, large, many = _sides(node, sizes)
    return (2 * small**2 * large + small**3) * many, 2 * small**2 * many


def _logdet_by_probes(node: Node, sizes: Sizes) -> tuple[float, float]:
    """Two products with the rows a step, and vectors made orthogonal to those before, twice."""
    x, probes, steps = sizes.of(node.inputs[0].type), sizes.of(node.inputs[1].type), node["steps"]
    assert isinstance(steps, int)
    count = probes / sizes.of(node.inputs[1].type, (Axis("feature"),))
    return 4 * x * count * steps + 4 * probes * steps**2, probes * steps


def _trace_of_log(node: Node, sizes: Sizes) -> tuple[float, float]:
    small, large, many = _sides(node, sizes)
    order = node["order"]
    assert isinstance(order, int)
    return (2 * small**2 * large + 2 * small**3 * max(order // 2 - 1, 0)) * many, order * small**2 * many


def _logsumexp_of_products(node: Node, sizes: Sizes) -> tuple[float, float]:
    x, y = (child.type for child in node.inputs[:2])
    shared = sizes.of(x, node.axes())
    products = sizes.of(x) / shared * sizes.of(y) / shared
    return 2 * products * shared + 4 * products, min(products, 2**26)


def _contrast_of_products(node: Node, sizes: Sizes) -> tuple[float, float]:
    """The gradient is computed with the value, and takes no matrix."""
    pairs = node["ones"]
    assert isinstance(pairs, tuple)
    x, y = (child.type.without([VIEW] if pairs else []) for child in node.inputs[:2])
    shared = sizes.of(x, node.axes())
    products = sizes.of(x) / shared * sizes.of(y) / shared
    return (2 * products * shared + 4 * products) * max(len(pairs), 1), sizes.of(x) * max(len(pairs), 1)


def _nearest_rows(node: Node, sizes: Sizes) -> tuple[float, float]:
    x, keys = node.inputs[0].type, node.inputs[1].type
    return 2 * sizes.of(x) * sizes.of(keys, node.axes("keys_of")), sizes.of(node.type)


def _cross_entropies(node: Node, sizes: Sizes) -> tuple[float, float]:
    """A softmax and a product for every pair of views, and two numbers of every row are kept."""
    ones = node["ones"]
    assert isinstance(ones, tuple)
    of = node.inputs[1].type
    rows = of.without([VIEW] if ones else [])
    return 8 * sizes.of(rows) * max(len(ones), 1), 2 * sizes.of(of.without(node.axes()))


def _product_with_running(node: Node, sizes: Sizes) -> tuple[float, float]:
    """Two products with a matrix [k, k'], of which that of the state is written; the gradient is computed with the value."""
    of = node.inputs[0].type
    count = sizes.of(of, node.axes("pairs"))
    return 4 * sizes.of(of) * count, count**2


def _whitened(node: Node, sizes: Sizes) -> tuple[float, float]:
    """A product, a factor and its solution; of few rows, by columns as many as there are rows."""
    of = node.inputs[0].type
    rows, count = sizes.of(of, node.axes()), sizes.of(of, node.axes("pairs"))
    step = min(rows, count)
    return sizes.of(of) * (4 * step + step**2 / (3 * rows)), sizes.of(of) * (1 + step / rows)


def _waves(node: Node, sizes: Sizes) -> tuple[float, float]:
    """Two complex numbers are multiplied for every entry and knot, and none is kept."""
    return 8 * sizes.of(node.inputs[0].type) * sizes.of(node.inputs[1].type), sizes.of(node.type)


def _logsumexp_of_all(node: Node, sizes: Sizes) -> tuple[float, float]:
    work, kept = _logsumexp_of_products(node, sizes)
    return sizes.world * work, min(sizes.world * kept, 2**26)


OPERATIONS_OF: Mapping[str, Row] = {
    "dot": _dot,
    "logdet": _cubic(1.0),
    "inverse_root": _cubic(10.0),
    "eigenvalues": _cubic(10.0),
    "matrix_log": _cubic(6.0),
    "squared_products": _squared_products,
    "correlations": _correlations,
    "logdet_of_products": _logdet_of_products,
    "trace_of_log": _trace_of_log,
    "logdet_by_probes": _logdet_by_probes,
    "logdet_by_probes_across": _logdet_by_probes,
    "logsumexp_of_products": _logsumexp_of_products,
    "contrast_of_products": _contrast_of_products,
    "cross_entropies": _cross_entropies,
    "nearest_rows": _nearest_rows,
    "product_with_running": _product_with_running,
    "whitened": _whitened,
    "waves": _waves,
    "logsumexp_of_products_across": _logsumexp_of_all,
}
"""Operations whose cost is not that of their largest value; the products of masks and the like count as elementwise."""


# ---------------------------------------------------------------- as people read it


def cost_text(spec: Spec, sizes: Sizes, estimate: Estimate = EXACT) -> str:
    """The cost as written and as optimised, as people read it."""
    given = {i.node.number for i in find_inputs(spec)}
    plain = cost_of(spec.graph, given, sizes)
    found = optimise(spec.graph)
    inputs = {node.number for node in found.graph.nodes() if node.op == "apply"}
    cheap = cost_of(found.graph, inputs, sizes)
    width = f", dimension {sizes.dimension}" if sizes.dimension else ""
    rows = ", ".join(f"{name} {times}×" for name, times in sorted(found.used.items()) if name != "seed")
    lines = [
        f"{spec.method_name}: cost of the loss in one step, batch {sizes.batch}{width}, float32, by a model",
        f"  as written   {plain.operations:.2e} operations, {bytes_text(plain.bytes)} written",
        f"  optimised    {cheap.operations:.2e} operations, {bytes_text(cheap.bytes)} written",
        f"  rows used    {rows or 'none'}",
    ]
    if not estimate.is_exact:
        lines += _estimated_lines(estimated(spec, estimate), sizes, estimate)
    return "\n".join(lines) + "\n"


def _estimated_lines(spec: Spec, sizes: Sizes, estimate: Estimate) -> list[str]:
    """The cost of a method of which some quantities are estimated."""
    graph = optimise(spec.graph).graph
    cheap = cost_of(graph, {node.number for node in graph.nodes() if node.op == "apply"}, sizes)
    return [
        f"  estimated    {cheap.operations:.2e} operations, {bytes_text(cheap.bytes)} written",
        f"  by probes    {estimate.words()}",
    ]


def bytes_text(count: float) -> str:
    """`2.11 GB`."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
