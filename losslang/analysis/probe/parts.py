"""Terms in parts: what compares paired rows, and what looks across the batch.

The log-sum-exp of a contrastive loss repels, its positives attract; both stand in one term. Terms are sums of summands
(linear operations are pushed inwards); a summand compares paired rows if it is a sum over rows, so that its value for all rows
is what it is for each half, added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from losslang.analysis.embeddings.sphere import Sphere
from losslang.analysis.embeddings.stage import features_of, placed, settled, stage
from losslang.analysis.probe.anchors import fresh_numbers, with_terms
from losslang.analysis.structure.subject import Subject
from losslang.meaning.arrays import Array
from losslang.meaning.evaluate import evaluate
from losslang.objective.axes import Axis
from losslang.objective.graph import Node
from losslang.objective.spec import Spec

__all__ = ["Parts", "in_parts"]

ROWS = 40  # opposite pairs: 20 directions, more than features
MOST = 32
"""Summands of a term; one with more stays whole."""


@dataclass(frozen=True)
class Parts:
    """A method whose terms are split in `NAME (pairs)` and `NAME (batch)`, where they have both.

    `pairs` names the terms that compare paired rows only.
    """

    spec: Spec
    pairs: frozenset[str]


def in_parts(small: Spec) -> Parts:
    """The same method, its loss the sum of more terms."""
    numbers = fresh_numbers(small)
    summands = {term.name: [*_trained(_summands(term.value, numbers))] for term in small.graph.terms}
    named = {(name, at): node for name, nodes in summands.items() for at, node in enumerate(nodes)}
    paired = _paired(with_terms(small, {f"{name} {at}": node for (name, at), node in named.items()}))
    terms: dict[str, Node] = {}
    alone = set()
    for term in small.graph.terms:
        kinds: dict[str, list[Node]] = {"pairs": [], "batch": []}
        for at, node in enumerate(summands[term.name]):
            kinds["pairs" if f"{term.name} {at}" in paired else "batch"].append(node)
        if all(kinds.values()):
            terms |= {f"{term.name} ({kind})": _total(nodes, numbers) for kind, nodes in kinds.items()}
            alone.add(f"{term.name} (pairs)")
        else:
            terms[term.name] = term.value
            alone |= {term.name} if kinds["pairs"] else set()
    return Parts(with_terms(small, terms), frozenset(alone))


def _trained(nodes: Iterable[Node]) -> Iterator[Node]:
    """What is left without constants."""
    return (node for node in nodes if node.trains)


def _total(nodes: list[Node], numbers: Iterator[int]) -> Node:
    if len(nodes) == 1:
        return nodes[0]
    return replace(
        nodes[0], op="total", inputs=tuple(nodes), attributes=(), trains=_trains(nodes), number=next(numbers)
    )


# ---------------------------------------------------------------- summands


def _summands(node: Node, numbers: Iterator[int]) -> list[Node]:
    """Values whose sum is the value; the value itself where it is no sum."""
    parts = _SPLITS[node.op](node, numbers) if node.op in _SPLITS else [node]
    return parts if len(parts) <= MOST else [node]


def _of_sum(node: Node, numbers: Iterator[int]) -> list[Node]:
    return [part for child in node.inputs for part in _summands(child, numbers)]


def _of_difference(node: Node, numbers: Iterator[int]) -> list[Node]:
    left, right = node.inputs
    return [*_summands(left, numbers), *(_negative(part, numbers) for part in _summands(right, numbers))]


def _negative(node: Node, numbers: Iterator[int]) -> Node:
    return replace(node, op="negative", inputs=(node,), attributes=(), number=next(numbers))


def _of_same_type(node: Node, numbers: Iterator[int]) -> list[Node]:
    """Linear, and of the type of its operand."""
    return [
        replace(node, inputs=(part,), type=part.type, number=next(numbers))
        for part in _summands(node.inputs[0], numbers)
    ]


def _of_linear(node: Node, numbers: Iterator[int]) -> list[Node]:
    """Linear in the first operand."""
    first, *rest = node.inputs
    return _each(node, [(part, *rest) for part in _summands(first, numbers)], numbers)


def _of_product(node: Node, numbers: Iterator[int]) -> list[Node]:
    left, right = (_summands(child, numbers) for child in node.inputs)
    return _each(node, [(one, other) for one in left for other in right], numbers)


def _each(node: Node, operands: list[tuple[Node, ...]], numbers: Iterator[int]) -> list[Node]:
    """The operation on each choice of operands; the node itself where one lacks an axis, so that the type would change."""
    if len(operands) == 1 or any(_axes(inputs) != _axes(node.inputs) for inputs in operands):
        return [node]
    if node.op == "dot" and "pairs" in dict(node.attributes) and len({i.type for o in operands for i in o}) > 1:
        return [node]
    return [
        replace(node, inputs=inputs, trains=node.trains & _trains(inputs), number=next(numbers)) for inputs in operands
    ]


def _axes(nodes: Iterable[Node]) -> set[Axis]:
    return {axis for node in nodes for axis in node.type.axes}


def _trains(nodes: Iterable[Node]) -> frozenset[str]:
    return frozenset[str]().union(*(node.trains for node in nodes))


_SPLITS: dict[str, Callable[[Node, Iterator[int]], list[Node]]] = {
    **dict.fromkeys(("add", "total"), _of_sum),
    "subtract": _of_difference,
    **dict.fromkeys(("negative", "stopgrad"), _of_same_type),
    **dict.fromkeys(("mean", "sum", "select", "take", "divide"), _of_linear),
    **dict.fromkeys(("multiply", "dot"), _of_product),
}


# ---------------------------------------------------------------- pairs


def _paired(spec: Spec) -> set[str]:
    """The terms that are sums over rows: changing both halves of a batch changes them by the sum of both changes."""
    subject = Subject.of(spec)
    old, first, second, both = (_values(subject, *seeds) for seeds in ((0, 0), (1, 0), (0, 1), (1, 1)))
    found = set()
    for name in old:
        changes = first[name] - old[name], second[name] - old[name], both[name] - old[name]
        if abs(changes[0] + changes[1] - changes[2]) <= 1e-9 * max(*map(abs, changes), 1e-9):
            found.add(name)
    return found


def _values(subject: Subject, first: int, second: int) -> dict[str, float]:
    """The terms on a mixed cloud; queues and statistics hold it, too."""
    world = stage(subject, _mixed(subject, first, second), ROWS, {})
    return evaluate(subject.spec, replace(world, state=settled(subject, world))).terms


def _mixed(subject: Subject, first: int, second: int) -> dict[str | int, Array]:
    """Embeddings of which one half is of a first cloud (by its seed), and the other of a second."""
    views, half = len(subject.spec.views), ROWS // 2
    given: dict[str | int, Array] = {}
    for i in subject.inputs:
        one, two = (Sphere(rows=ROWS, seed=seed).free_rows(views, features_of(i)) for seed in (first, second))
        given[i.node.number] = placed(subject, i, np.concatenate([one[:, :half], two[:, half:]], axis=1))
    return given
