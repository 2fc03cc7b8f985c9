"""Which entry of one method is which entry of another: by what it is, and by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TypeAlias

from losslang.algebra.canonical import Canonical, canonical, labels_of
from losslang.algebra.digest import Digests
from losslang.algebra.polynomial import parts
from losslang.objective.boundary import Input, find_inputs
from losslang.objective.graph import Node, walk
from losslang.objective.networks import Network
from losslang.objective.spec import Spec

__all__ = ["Pair", "Side", "loose_form", "pair_inputs", "pair_names", "renamed_network"]

Pair: TypeAlias = tuple[str | None, str | None]
"""The names of an entry on both sides; None where one has no such entry."""


class Side:
    """One of two methods, as written and with small sizes; what takes time is found when it is asked for."""

    def __init__(self, spec: Spec, small: Spec) -> None:
        self.spec, self.small = spec, small
        self.labels = labels_of(spec)

    @cached_property
    def form(self) -> Canonical:
        """The canonical form."""
        return canonical(self.spec)

    @cached_property
    def small_form(self) -> Canonical:
        """The canonical form with small sizes."""
        return canonical(self.small)

    @cached_property
    def texts(self) -> dict[str, str]:
        """What the definitions are that the loss uses, by name."""
        used = {node.number for node in self.spec.graph.nodes()}
        digests = Digests(self.labels, self._constant)
        return {name: digests.of(node) for name, node in self.spec.graph.definitions.items() if node.number in used}

    def _constant(self, node: Node) -> str | None:
        return f"constant {self.spec.parameters[str(node['name'])].value}" if node.op == "parameter" else None

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The embeddings that enter the loss, with small sizes."""
        return find_inputs(self.small)

    @cached_property
    def input_texts(self) -> dict[str, str]:
        """What they are, by name: the networks and views that they come from."""
        plain = Digests(labels_of(self.small))
        return {i.name: plain.of(i.node) for i in self.inputs}

    def inputs_of(self, term: str) -> set[str]:
        """The embeddings that a term uses."""
        value = next(t.value for t in self.small.graph.terms if t.name == term)
        under = {node.number for node in walk([value])}
        return {i.name for i in self.inputs if i.node.number in under}


def pair_names(left: Mapping[str, str], right: Mapping[str, str]) -> list[Pair]:
    """Entries by name, each with a text of what it is.

    First those of one name and text, then those of one text (renamed), then those of one name (changed), then the others alone.
    """
    rest = dict(right)
    found: dict[str, str] = {}
    for by_name, by_text in ((True, True), (False, True), (True, False)):
        for one in left:
            fits = (two for two in rest if (two == one or not by_name) and (right[two] == left[one] or not by_text))
            two = next(fits, None) if one not in found else None
            if two is not None:
                found[one] = two
                del rest[two]
    return [*((one, found.get(one)) for one in left), *((None, two) for two in rest)]


# ---------------------------------------------------------------- networks


def renamed_network(network: Network, names: Mapping[str, str]) -> Network:
    """A network with the names of others replaced."""
    widths = tuple(_renamed_size(width, names) if isinstance(width, str) else width for width in network.widths)
    parts = tuple(renamed_network(part, names) for part in network.parts)
    return replace(network, name=names.get(network.name, network.name), widths=widths, parts=parts)


def _renamed_size(size: str, names: Mapping[str, str]) -> str:
    owner = size.removeprefix("features(").removesuffix(")")
    return f"features({names.get(owner, owner)})"


# ---------------------------------------------------------------- inputs of the loss


def pair_inputs(left: Side, right: Side) -> list[Pair]:
    """The inputs of the loss: by what they are or their names, then those that move and those that do not, in order.

    Scores of prototypes are never paired with features.
    """
    axes = [{i.name: i.node.type.dims[-1].axis for i in side.inputs} for side in (left, right)]
    pairs = pair_names(left.input_texts, right.input_texts)
    found = [(one, two) for one, two in pairs if one and two and axes[0][one] == axes[1][two]]
    for fits in (lambda i: not i.detached, lambda i: i.detached, lambda _: True):
        for i in left.inputs:
            alone = (j for j in right.inputs if not any(j.name == two for _, two in found))
            if fits(i) and not any(i.name == one for one, _ in found):
                found += [(i.name, j.name) for j in alone if fits(j) and axes[0][i.name] == axes[1][j.name]][:1]
    lonely = [
        [i for i in side.inputs if not any(i.name == pair[at] for pair in found)]
        for at, side in enumerate((left, right))
    ]
    return [*found, *((i.name, None) for i in lonely[0]), *((None, i.name) for i in lonely[1])]


# ---------------------------------------------------------------- forms that differ in their targets alone


def loose_form(form: Canonical) -> dict[str, dict[str, float]]:
    """The scales of every term where embeddings are told apart by whether they move, not by the networks that make them."""
    nodes = list(walk(term.node for term in form.terms))
    still = [node for node in nodes if _is_still(node)]
    moving = _moving(form)
    ranks = {**_ranked(moving, "moving"), **_ranked({node.number: _depth(node) for node in still}, "still")}

    def leaf(node: Node) -> str | None:
        return ranks.get(node.number)

    digests = Digests(form.labels, leaf)
    found: dict[str, dict[str, float]] = {}
    for term in form.terms:
        row = found.setdefault(term.name, {})
        for scale, body in parts(term.node)[0]:
            key = digests.of(body)
            row[key] = row.get(key, 0.0) + scale
    return {name: {key: scale for key, scale in row.items() if abs(scale) > 1e-12} for name, row in found.items()}


def _is_still(node: Node) -> bool:
    """An embedding that gradients do not reach: a stopped one, or the output of a target."""
    if node.op == "stopgrad":
        return _from_images(node.inputs[0])
    return node.op == "apply" and not node.trains and _from_images(node)


def _ranked(depths: Mapping[int, int], word: str) -> dict[int, str]:
    """Embeddings by how many networks they have passed."""
    order = sorted(depths, key=lambda number: (depths[number], number))
    return {number: f"{word} {place}" for place, number in enumerate(order)}


def _moving(form: Canonical) -> dict[int, int]:
    """The embeddings that gradients reach, with the number of networks that each has passed."""
    found: dict[int, int] = {}
    for term in form.terms:
        for node in walk_moving(term.node):
            if node.op == "apply" and node.trains and _from_images(node):
                found[node.number] = _depth(node)
    return found


def walk_moving(root: Node) -> Iterator[Node]:
    """The values under one that gradients reach, down to the outputs of networks."""
    stack, seen = [root], set[int]()
    while stack:
        node = stack.pop()
        if node.number in seen or node.op == "stopgrad":
            continue
        seen.add(node.number)
        yield node
        if not (node.op == "apply" and _from_images(node)):
            stack.extend(node.inputs)


def _from_images(node: Node) -> bool:
    while node.op in {"apply", "select", "take"}:
        node = node.inputs[0]
    return node.op == "images"


def _depth(node: Node) -> int:
    depth = 0
    while node.inputs:
        depth += node.op == "apply"
        node = node.inputs[0]
    return depth
