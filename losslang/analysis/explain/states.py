"""What a method remembers from step to step, beside weights: shape, start, when it is read and updated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from losslang.objective.graph import Node, State
from losslang.objective.spec import Spec

__all__ = ["StateRow", "state_rows"]


@dataclass(frozen=True)
class StateRow:
    """A piece of state."""

    name: str
    kind: str
    shape: str
    start: str
    read: str
    update: str


def state_rows(spec: Spec) -> tuple[StateRow, ...]:
    """The state of a method in order of definition."""
    return tuple(_rows(spec))


def _rows(spec: Spec) -> Iterator[StateRow]:
    for state in spec.graph.states:
        kind, start, read, update = _KINDS[state.node.op](state)
        yield StateRow(state.name, kind, _shape(state.node), start, read, update)


def _shape(node: Node) -> str:
    return "[" + ", ".join(f"{dim.axis} {dim.size}" if dim.known else str(dim.axis) for dim in node.type.dims) + "]"


_READ = {
    "before": "as the last step left it, without gradient",
    "after": "with this batch in it; the gradient passes to the batch's share",
}
_INIT = {
    "0": "at 0",
    "identity": "at the identity",
    "first": "at the first batch's value",
    "unit_normal": "with random unit rows",
    "empty": "empty, and reads as no rows until it is full",
}
_STEP = "once per training step, from the whole batch"
Row = tuple[str, str, str, str]


def _running(state: State) -> Row:
    node = state.node
    return "moving statistic", _INIT[str(node["init"])], _READ[str(node["read"])], _STEP


def _queue(state: State) -> Row:
    node = state.node
    read = "as the last step left it" if node["read"] == "before" else "with this batch in it"
    start = f", from epoch {node['start']} on" if node["start"] else ""
    return (
        "queue of rows",
        _INIT[str(node["init"])],
        f"{read}, without gradient{start}",
        f"{_STEP}, first in, first out",
    )


def _memory(_state: State) -> Row:
    return "memory of images", "at 0", "the values of the last visit, without gradient", "for the images of each batch"


def _centroids(state: State) -> Row:
    steps = f"{state.node['iterations']} iterations of spherical k-means"
    return "centroids", "at 0", "without gradient", f"at the start of every epoch, by {steps}"


_KINDS: dict[str, Callable[[State], Row]] = {
    "running": _running,
    "queue": _queue,
    "memory": _memory,
    "centroids": _centroids,
}
