"""A method as detectors look at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from losslang.objective.boundary import Input, find_inputs
from losslang.objective.context import static_value
from losslang.objective.graph import Node, walk
from losslang.objective.spec import Spec

__all__ = ["Subject", "terms_of"]


@dataclass(frozen=True)
class Subject:
    """A method with what detectors ask for again and again."""

    spec: Spec
    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]

    @classmethod
    def of(cls, spec: Spec) -> Subject:
        """The subject of a method."""
        return cls(spec, find_inputs(spec), tuple(spec.graph.nodes()))


def terms_of(subject: Subject, test: Callable[[Node], bool]) -> tuple[str, ...]:
    """The terms in which some value that trains passes a test; terms of weight 0 do nothing."""
    spec = subject.spec
    at_work = [t for t in spec.graph.terms if t.weight is None or static_value(t.weight, spec.parameters) != 0]
    return tuple(t.name for t in at_work if any(n.trains and test(n) for n in walk([t.value])))
