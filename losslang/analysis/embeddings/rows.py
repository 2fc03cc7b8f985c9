"""The rows that a loss compares: unit rows where it normalises the output of networks, the output itself where it does not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from losslang.analysis.structure.subject import Subject
from losslang.objective.axes import FEATURE, VIEW
from losslang.objective.boundary import is_embedding, networks_of
from losslang.objective.graph import Node
from losslang.objective.spec import Spec

__all__ = ["Rows", "embedding_rows", "find_rows"]


@dataclass(frozen=True)
class Rows:
    """A value of the graph whose rows are compared: [batch, feature], or with the axis `view` before.

    `networks` are those that the rows have passed, outermost first; `views` the places of its views among the method's;
    `live` where gradients flow through them.
    """

    node: Node
    networks: tuple[str, ...]
    views: tuple[int, ...]
    live: bool = False

    @property
    def unit(self) -> bool:
        """Whether they are of length 1."""
        return self.node.op == "normalize"

    def at(self, view: int) -> tuple[int, ...]:
        """Where the rows of a view stand in an array that may hold several."""
        return (self.views.index(view),) if self.node.type.has(VIEW) else ()


def find_rows(subject: Subject) -> tuple[Rows, ...]:
    """The rows of a method in order of the graph; where an output is also used as it is, its unit rows follow it."""
    roots = [term.value for term in subject.spec.graph.terms]
    live = {rows.node.number for rows in _compared(subject, roots, through_stops=False) if rows.node.trains}
    every = {rows.node.number: rows for rows in _compared(subject, roots, through_stops=True)}
    loose = {rows.networks for number, rows in every.items() if number in live and not rows.unit}
    found = (
        replace(rows, live=number in live and (not rows.unit or rows.networks not in loose))
        for number, rows in every.items()
    )
    return tuple(sorted(found, key=lambda rows: rows.node.number))


def embedding_rows(spec: Spec) -> tuple[Rows, ...]:
    """The outputs of networks that enter a loss, as they are, those that gradients move first."""
    subject = Subject.of(spec)
    roots = [term.value for term in spec.graph.terms]
    live = set(_reached(roots, {i.node.number for i in subject.inputs if not i.detached}))
    rows = [Rows(i.node, networks_of(i.node), _views(subject, i.node), i.node.number in live) for i in subject.inputs]
    return tuple(sorted(rows, key=lambda each: not each.live))


def _reached(roots: Iterable[Node], ends: Collection[int]) -> Iterator[int]:
    """The ends that are reached from the roots without a stop-gradient or another end on the way."""
    waiting, seen = [*roots], set()
    while waiting:
        node = waiting.pop()
        if node.number in ends:
            yield node.number
        elif node.number not in seen and node.op != "stopgrad" and node.op not in _MEASURES:
            seen.add(node.number)
            waiting += node.inputs


def _compared(subject: Subject, roots: Iterable[Node], *, through_stops: bool) -> Iterator[Rows]:
    """The first rows on every way from the terms to the networks."""
    waiting, seen = [*roots], set()
    while waiting:
        node = waiting.pop()
        if node.number in seen:
            continue
        seen.add(node.number)
        rows = _rows(subject, node)
        if rows is not None:
            yield rows
        elif node.op not in _MEASURES and (through_stops or node.op != "stopgrad"):
            waiting += node.inputs


def _rows(subject: Subject, node: Node) -> Rows | None:
    if is_embedding(node) and node.op != "images":
        while node.op != "apply":
            node = node.inputs[0]
        return Rows(node, networks_of(node), _views(subject, node))
    if node.op == "normalize" and node.axes() == (FEATURE,):
        networks = _passed(node.inputs[0])
        return Rows(node, networks, _views(subject, node)) if networks else None
    return None


_MEASURES = {"size", "same", "random_directions", "normal_quantiles", "ordinals"}
"""Operations that look at the size of a value only."""
_SAME_ROWS = {"select", "take", "stopgrad", "normalize", "roll"}


def _passed(node: Node) -> tuple[str, ...]:
    """The networks between the images and a value; none where more than networks and a choice of rows made it."""
    networks: list[str] = []
    while not is_embedding(node):
        if node.op == "apply":
            networks.append(str(node["network"]))
        elif node.op not in _SAME_ROWS:
            return ()
        node = node.inputs[0]
    return (*networks, *networks_of(node))


def _views(subject: Subject, node: Node) -> tuple[int, ...]:
    views = subject.spec.views
    dim = node.type.find(VIEW)
    if dim is not None:
        return tuple(views.index(name) for name in dim.labels)
    while node.op != "select" and node.inputs:
        node = node.inputs[0]
    place = node["view"] if node.op == "select" else 0
    assert isinstance(place, int)
    return (place,)
