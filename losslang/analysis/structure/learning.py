"""Whether an objective trains the embeddings at all: no verdict on collapse is about networks that stay as they began."""

from __future__ import annotations

from losslang.analysis.structure.subject import at_work
from losslang.objective.boundary import find_inputs, networks_of
from losslang.objective.spec import Spec

__all__ = ["why_untrained"]


def why_untrained(spec: Spec) -> str:
    """Why no network that makes the embeddings learns from the objective; empty where one does."""
    inputs = find_inputs(spec)
    if not inputs:
        return "no output of a network enters the objective"
    learning = frozenset[str]().union(*(part.trains for term in spec.graph.terms for part in at_work(term.value, spec)))
    if not learning:
        return "the objective has no gradient with respect to any network"
    if learning.isdisjoint(name for each in inputs for name in networks_of(each.node)):
        return f"only `{'`, `'.join(sorted(learning))}` learns"
    return ""
