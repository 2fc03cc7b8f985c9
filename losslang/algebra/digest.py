"""A short text for every value of a graph, equal for equal mathematics: independent of names, numbering and process.

Networks are told apart by what they are built of and, where two are built alike, by where they stand; parameters, definitions,
states and views have no names here. Operands that may be exchanged are sorted.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import fields

from losslang.objective.axes import Axis
from losslang.objective.graph import Attribute, Graph, Node
from losslang.objective.networks import Network
from losslang.objective.schedules import Schedule
from losslang.objective.spec import Spec

__all__ = ["Digests", "alike", "digest", "network_labels", "spell"]

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
        """The digest of a value; those under it are found first, without recursion."""
        stack = [node] if node.number not in self.known else []
        while stack:
            waiting = [child for child in stack[-1].inputs if child.number not in self.known]
            if waiting:
                stack += waiting
            else:
                made = stack.pop()
                self.known[made.number] = self._made(made)
        return self.known[node.number]

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
    """A text for every network: what it is built of, how it sees the views, and which networks it follows and is followed by.

    It is the same whatever the networks are called and however the loss is spelled.
    """
    labels: dict[str, str] = {}
    for name in spec.networks:
        _label(name, spec, labels)
    places = _places(spec.graph, labels)
    return {name: digest(label, *places.get(name, ())) for name, label in labels.items()}


def alike(labels: Mapping[str, str]) -> list[list[str]]:
    """The networks that their labels do not tell apart, in groups."""
    groups = defaultdict(list)
    for name, label in labels.items():
        groups[label].append(name)
    return [group for group in groups.values() if len(group) > 1]


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


def _places(graph: Graph, labels: Mapping[str, str]) -> dict[str, list[str]]:
    """For every network, the networks under each of its uses and over them."""
    under: dict[int, frozenset[str]] = {}
    found: dict[str, set[str]] = defaultdict(set)
    for node in graph.nodes():
        below = frozenset[str]().union(*(under[child.number] for child in node.inputs))
        if node.op == "apply":
            name = str(node["network"])
            found[name].add("over " + " ".join(sorted(labels[other] for other in below)))
            for other in below:
                found[other].add(f"under {labels[name]}")
            below |= {name}
        under[node.number] = below
    return {name: sorted(texts) for name, texts in found.items()}
