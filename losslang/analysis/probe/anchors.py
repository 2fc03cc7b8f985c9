"""Anchors apart from candidates: unit rows that a loss compares with all others, once as the one and once as the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from losslang.objective.axes import BATCH
from losslang.objective.graph import Node, walk
from losslang.objective.spec import Spec

__all__ = ["CANDIDATE", "apart", "fresh_numbers", "with_terms"]


CANDIDATE = "candidate"
"""The option of a value that marks it as the second one."""


def apart(spec: Spec) -> Spec:
    """The same method in which `dot(x, y, pairs=batch)` has a y of its own, so that anchors can move and candidates stay."""
    numbers = fresh_numbers(spec)
    made: dict[int, Node] = {}
    for node in walk([term.value for term in spec.graph.terms]):
        inputs = tuple(made[child.number] for child in node.inputs)
        if _pairs_rows(node) and inputs[1].op == "normalize" and inputs[1].trains:
            inputs = (inputs[0], _candidate(inputs[1], numbers))
        changed = any(ours is not theirs for ours, theirs in zip(inputs, node.inputs, strict=True))
        made[node.number] = replace(node, inputs=inputs, number=next(numbers)) if changed else node
    return with_terms(spec, {term.name: made[term.value.number] for term in spec.graph.terms})


def _pairs_rows(node: Node) -> bool:
    return node.op == "dot" and "pairs" in dict(node.attributes) and BATCH in node.axes("pairs")


def _candidate(node: Node, numbers: Iterator[int]) -> Node:
    return replace(node, attributes=(*node.attributes, (CANDIDATE, True)), number=next(numbers))


def fresh_numbers(spec: Spec) -> Iterator[int]:
    """Numbers that no node of a method has."""
    graph = spec.graph
    return count(1 + max(node.number for node in (*graph.nodes(), *graph.definitions.values())))


def with_terms(spec: Spec, values: dict[str, Node]) -> Spec:
    """The same method with other terms."""
    terms = tuple(
        replace(spec.graph.terms[0], name=name, value=node, weight=None, raw=None) for name, node in values.items()
    )
    return replace(spec, graph=replace(spec.graph, terms=terms))
