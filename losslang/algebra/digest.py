"""A short text for every value of a graph, equal for equal mathematics: independent of names, numbering and process.

Networks are told apart by what they are built of and, where two are built alike, by where they stand; parameters, definitions,
states and views have no names here. Operands that may be exchanged are sorted.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields

from losslang.objective.axes import Axis
from losslang.objective.graph import Attribute, Graph, Node, walk
from losslang.objective.networks import Network
from losslang.objective.schedules import Schedule
from losslang.objective.spec import Spec

__all__ = ["Digests", "digest", "network_labels"]

_NAMES = {"name", "network"}
_EXCHANGED = {
    "stack",
    "equal",
    "add",
    "multiply",
    "total",
    "maximum",
    "minimum",
    "both",
    "either",
    "combination",
    "monomial",
}
_FEATURES = re.compile(r"features\((.*)\)")


def digest(*words: object) -> str:
    """Sixteen hexadecimal digits of a text."""
    return hashlib.blake2b("\n".join(map(str, words)).encode(), digest_size=8).hexdigest()


class Digests:
    """The digests of values; a graph's nodes are all asked with operands first.

    `leaf` gives the text of a value that is not to be told by its operation and operands, None for all others.
    """

    def __init__(self, labels: Mapping[str, str], leaf: Callable[[Node], str | None] | None = None) -> None:
        self.labels, self.leaf = labels, leaf
        self.known: dict[int, str] = {}

    def of(self, node: Node) -> str:
        """The digest of a value."""
        found = self.known.get(node.number)
        if found is None:
            for child in walk([node]):
                if child.number not in self.known:
                    self.known[child.number] = self._made(child)
            found = self.known[node.number]
        return found

    def _made(self, node: Node) -> str:
        leaf = self.leaf(node) if self.leaf else None
        if leaf is not None:
            return digest("leaf", leaf)
        inputs = [self.known[child.number] for child in node.inputs]
        if node.op == "combination":
            scales = node["scales"]
            assert isinstance(scales, tuple)
            rows = sorted(f"{spell(s)} {i}" for s, i in zip(scales, inputs, strict=True))  # type: ignore[arg-type]
            return digest("combination", spell(node["offset"]), *rows)
        if node.op == "monomial":
            powers = node["powers"]
            assert isinstance(powers, tuple)
            rows = sorted(f"{i} {spell(p)}" for i, p in zip(inputs, powers, strict=True))  # type: ignore[arg-type]
            return digest("monomial", *rows)
        options = [f"{key}={self._option(value)}" for key, value in node.attributes if key not in _NAMES]
        options += [str(node.type.axes)] if node.op in {"ones", "zeros"} else []
        options += [self.labels.get(str(node["network"]), "?")] if node.op == "apply" else []
        return digest(node.op, *options, *(sorted(inputs) if node.op in _EXCHANGED else inputs))

    def _option(self, value: Attribute) -> str:
        if isinstance(value, str):
            named = _FEATURES.fullmatch(value)
            return f"features of {self.labels.get(named[1], '?')}" if named else value
        return spell(value)


def spell(value: Attribute) -> str:
    """An option as text; numbers to ten digits, so that rounding does not tell."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float | int):
        return f"{value + 0.0:.10g}"
    if isinstance(value, tuple):
        return "[" + " ".join(spell(item) for item in value) + "]"
    if isinstance(value, Schedule):
        return " ".join(str(getattr(value, f.name)) for f in fields(value))
    if isinstance(value, Axis):
        return str(value)
    return str(value)


# ---------------------------------------------------------------- networks


def network_labels(spec: Spec) -> dict[str, str]:
    """A text for every network that is equal for equal networks in equal places, whatever their names."""
    labels: dict[str, str] = {}
    for name in spec.networks:
        _label(name, spec, labels)
    alike = defaultdict(list)
    for name, label in labels.items():
        alike[label].append(name)
    for group in alike.values():
        if len(group) > 1:
            labels |= _by_place(group, labels, spec.graph)
    return labels


def _label(name: str, spec: Spec, labels: dict[str, str]) -> str:
    if name not in labels:
        built = _built(spec.networks[name], spec, labels)
        labels[name] = digest(built, spec.forward.get(name, "separate"))
    return labels[name]


def _built(network: Network, spec: Spec, labels: dict[str, str]) -> str:
    if network.kind == "reference":
        return _label(network.name, spec, labels)
    parts = [_built(part, spec, labels) for part in network.parts]
    words = [getattr(network, f.name) for f in fields(network) if f.name not in {"parts", "name"}]
    sizes = [_FEATURES.sub(lambda found: f"features of {_label(found[1], spec, labels)}", str(w)) for w in words]
    return digest(*sizes, *parts)


def _by_place(group: Iterable[str], labels: Mapping[str, str], graph: Graph) -> dict[str, str]:
    """Networks that are built alike, told apart by what the loss is with just one of them marked."""
    marked = {}
    for name in group:
        digests = Digests({**labels, name: "this"})
        marked[name] = digest(*sorted(digests.of(term.value) for term in graph.terms))
    places = {name: (text, at) for at, (name, text) in enumerate(marked.items())}
    order = sorted(places, key=lambda name: places[name])
    return {name: digest(labels[name], place) for place, name in enumerate(order)}
