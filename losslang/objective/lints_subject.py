"""What warnings are found in."""

from __future__ import annotations

from dataclasses import dataclass

from losslang.objective.context import Context
from losslang.objective.graph import Graph
from losslang.objective.resolve import Resolved

__all__ = ["Subject", "trained"]


@dataclass(frozen=True)
class Subject:
    """A method as written, its context, and its graph."""

    resolved: Resolved
    context: Context
    graph: Graph


def trained(graph: Graph) -> frozenset[str]:
    """The networks that a gradient reaches."""
    return frozenset[str]().union(*(term.value.trains for term in graph.terms))
