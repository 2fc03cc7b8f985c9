"""A method as detectors look at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from losslang.analysis.structure.spelling import factors, summands
from losslang.objective.boundary import Input, find_inputs
from losslang.objective.context import static_value
from losslang.objective.graph import Node, walk
from losslang.objective.spec import Spec

__all__ = ["Subject", "at_work", "terms_of"]


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
    """The terms in which some value that trains passes a test; what is multiplied by 0 does nothing."""
    terms = {term.name: at_work(term.value, subject.spec) for term in subject.spec.graph.terms}
    return tuple(name for name, parts in terms.items() if any(node.trains and test(node) for node in walk(parts)))


def at_work(value: Node, spec: Spec) -> list[Node]:
    """The summands of a value that train and are not multiplied by 0."""
    return [part for part, _ in summands(value) if part.trains and not _is_off(part, spec)]


def _is_off(product: Node, spec: Spec) -> bool:
    bases = [base for base, power in factors(product) if power > 0]
    sums = [base for base in bases if base.op in {"add", "subtract", "total"} and base.trains]
    return any(static_value(base, spec.parameters) == 0 for base in bases) or any(not at_work(s, spec) for s in sums)
