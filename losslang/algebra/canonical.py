"""The canonical form of a method: definitions inlined, every term as scale · value + offset, the value in normal form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from losslang.algebra.digest import Digests, alike, digest, network_labels
from losslang.algebra.identities import normal_form
from losslang.algebra.polynomial import parts
from losslang.algebra.rewrite import Overflow
from losslang.objective.graph import Graph, Node, Term
from losslang.objective.spec import Spec

__all__ = ["Canonical", "CanonicalTerm", "canonical", "labels_of", "summed"]


@dataclass(frozen=True)
class CanonicalTerm:
    """A term as Σ scale·value + offset, its values by digest."""

    name: str
    node: Node = field(repr=False)
    scales: dict[str, float]
    offset: float

    @property
    def hash(self) -> str:
        """Equal for equal terms."""
        return digest(f"{self.offset + 0.0:.9g}", *(f"{key} {scale:.9g}" for key, scale in sorted(self.scales.items())))


@dataclass(frozen=True)
class Canonical:
    """A method in canonical form.

    `labels` tells networks apart (by what they are and where they stand), `digests` is the text of every value in `graph`.
    Where the rewriting found no end (`complete` is false) the graph is the method's own.
    """

    spec: Spec = field(repr=False)
    graph: Graph = field(repr=False)
    terms: tuple[CanonicalTerm, ...]
    labels: dict[str, str]
    digests: Digests = field(repr=False)
    complete: bool = True

    @property
    def total(self) -> CanonicalTerm:
        """The sum of the terms."""
        return summed(self.terms)

    @property
    def hash(self) -> str:
        """Equal for methods with the same loss, networks and views, however they are spelled and named."""
        views = [len(group) for group in self.spec.view_groups.values()]
        used = {str(node["network"]) for node in self.graph.nodes() if node.op == "apply"}
        return digest(self.total.hash, views, *sorted(self.labels[name] for name in used))


def canonical(spec: Spec) -> Canonical:
    """The canonical form of a method."""
    return _formed(spec, labels_of(spec))


def labels_of(spec: Spec) -> dict[str, str]:
    """A text for every network; those that are built alike and stand alike are told apart by what the loss does with them."""
    labels = network_labels(spec)
    for group in alike(labels):
        marked = {name: _formed(spec, {**labels, name: "this"}).total.hash for name in group}
        order = sorted(group, key=lambda name: (marked[name], group.index(name)))
        labels |= {name: digest(labels[name], place) for place, name in enumerate(order)}
    return labels


def _formed(spec: Spec, labels: dict[str, str]) -> Canonical:
    terms = tuple(Term(t.name, t.value, t.span) for t in spec.graph.terms)
    bare = Graph(terms, {}, spec.graph.states, ())
    digests = Digests(labels)
    try:
        graph, complete = normal_form(bare, spec.parameters, digests).graph, True
    except Overflow:
        graph, complete, digests = bare, False, Digests(labels)
    return Canonical(spec, graph, tuple(_term(term, digests) for term in graph.terms), labels, digests, complete)


def _term(term: Term, digests: Digests) -> CanonicalTerm:
    inner, offset = parts(term.value)
    return CanonicalTerm(term.name, term.value, {digests.of(body): scale for scale, body in inner}, offset)


def summed(terms: Sequence[CanonicalTerm]) -> CanonicalTerm:
    """The sum of terms."""
    scales: dict[str, float] = {}
    for term in terms:
        for key, scale in term.scales.items():
            scales[key] = scales.get(key, 0.0) + scale
    kept = {key: scale for key, scale in scales.items() if abs(scale) > 1e-12}
    return CanonicalTerm("total", terms[0].node, kept, sum(term.offset for term in terms))
