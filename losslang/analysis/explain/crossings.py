"""What processes that share a batch must exchange: sums over the batch, and rows that meet all other rows."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from losslang.objective.axes import BATCH, GROUP, Axis
from losslang.objective.graph import Graph, Node
from losslang.objective.operations import OPERATIONS
from losslang.objective.spec import Spec

__all__ = ["Crossing", "crossings"]


@dataclass(frozen=True)
class Crossing:
    """A value that crosses processes: `sum` of what each has, or `gather` of the rows of all; `count` of its kind.

    `where` is the function it stands in, or the network; `text` the place in the method.
    """

    kind: str
    operation: str
    shape: str
    where: str
    text: str
    count: int


_PRIMED = BATCH.primed()
_WHOLE = {"group": "gather", "queue": "gather", "memory": "gather", "centroids": "sum"}
_ROOM = 70  # characters of a place in the method


def crossings(spec: Spec) -> tuple[Crossing, ...]:
    """The exchanges of one step, equal ones counted; statistics of batch norm first."""
    counts: dict[tuple[str, str, str, str, str], int] = {}
    names = {node.number: name for name, node in spec.graph.definitions.items()}
    for kind, node, shape in _exchanges(spec.graph):
        text = names.get(node.number) or textwrap.shorten(node.span.text, _ROOM, placeholder=" …")
        key = (kind, node.op, shape, node.via[0] if node.via else "", text)
        counts[key] = counts.get(key, 0) + 1
    return (*_normalised(spec), *(Crossing(*key, count) for key, count in counts.items()))


def _normalised(spec: Spec) -> Iterator[Crossing]:
    """Networks whose layers use statistics of the batch, the backbone's own aside."""
    for name, network in spec.networks.items():
        kinds = {norm.kind for part in network.nested() for norm in (part.norm, part.last_norm)}
        if kinds & {"batchnorm", "iternorm"}:
            yield Crossing("sum", "batch norm" if "batchnorm" in kinds else "iterative norm", "", name, "", 1)


def _exchanges(graph: Graph) -> Iterator[tuple[str, Node, str]]:
    for node in graph.nodes():
        kind = _kind(node)
        if kind == "sum":
            yield kind, node, _axes(axis for axis in node.type.axes if axis != BATCH)
        elif kind == "gather":
            rows = node.inputs[-1] if node.op == "dot" else node.inputs[0]
            yield kind, node, _axes(rows.type.axes)


def _kind(node: Node) -> str:
    """`sum`, `gather`, or nothing."""
    if node.op in _WHOLE:
        return _WHOLE[node.op]
    row = OPERATIONS.get(node.op)
    if any(child.type.has(GROUP) for child in node.inputs):
        return ""  # within a group of rows
    if row is None or not any(child.type.has(BATCH) or child.type.has(_PRIMED) for child in node.inputs):
        return ""
    if row.batch == "sum":
        return _of_sum(node)
    return "gather" if row.batch == "order" and _along_batch(node) else ""


def _of_sum(node: Node) -> str:
    """Rows against all rows are gathered once, where they are paired; what is whole after that needs no exchange."""
    if node.op == "dot" and node.type.has(_PRIMED) and not any(child.type.has(_PRIMED) for child in node.inputs):
        return "gather"
    return "sum" if BATCH in _over(node) else ""


def _along_batch(node: Node) -> bool:
    return BATCH in _over(node)


def _over(node: Node) -> tuple[Axis, ...]:
    given = dict(node.attributes).get("over")
    if isinstance(given, Axis):
        return (given,)
    return tuple(axis for axis in given if isinstance(axis, Axis)) if isinstance(given, tuple) else ()


def _axes(axes: Iterable[Axis]) -> str:
    return "[" + ", ".join(map(str, axes)) + "]"
