"""Terms as numbers: values and slopes on seeded clouds of embeddings, the same for every method that is compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import TypeAlias

import numpy as np

from losslang.analysis.difference.relation import Readings
from losslang.analysis.embeddings.stage import FEATURES, features_of, placed, settled, stage
from losslang.analysis.structure.subject import Subject
from losslang.meaning.arrays import Array
from losslang.meaning.evaluate import Evaluation, World, evaluate, slopes
from losslang.objective.graph import Graph, Node
from losslang.objective.spec import Spec

__all__ = ["Keys", "read_terms"]

Keys: TypeAlias = Mapping[str, str]
"""What an input or a network is drawn by: the same text in both methods where they correspond."""

ROWS = 96
LENGTHS = (1.0, 0.3, 3.0)
"""One cloud for each: hinges are open on one and closed on another."""

DIRECTIONS = 2
STEP = 1e-4
NOISE = 0.6


def read_terms(small: Spec, terms: Sequence[str], inputs: Keys, networks: Keys) -> dict[str, Readings]:
    """The readings of some terms of a method with small sizes.

    Every input is a cloud of its own, drawn by its key; networks in the loss are random maps, drawn by theirs.
    """
    chosen = tuple(term for term in small.graph.terms if term.name in terms)
    graph = Graph(chosen, small.graph.definitions, small.graph.states, ())
    subject = Subject.of(replace(small, graph=graph))
    readings = [_read(subject, number, inputs, networks) for number in range(len(LENGTHS))]
    found = {}
    for term in chosen:
        along: dict[str, tuple[float, ...]] = {}
        for _, moved in readings:
            for key, rows in moved.items():
                along[key] = (*along.get(key, ()), *(row[term.name] for row in rows))
        found[term.name] = Readings(tuple(base.terms[term.name] for base, _ in readings), along)
    return found


def _read(
    subject: Subject, number: int, inputs: Keys, networks: Keys
) -> tuple[Evaluation, dict[str, list[dict[str, float]]]]:
    """The terms on one cloud, and their slopes along random directions of every input that moves, by its key."""
    length = LENGTHS[number]
    clouds = {i.name: length * _cloud(subject, i.node, inputs[i.name], number) for i in subject.inputs}
    before = {i.name: length * _cloud(subject, i.node, inputs[i.name], number + 100) for i in subject.inputs}
    state = settled(subject, _world(subject, before, networks, {}))
    base = evaluate(subject.spec, _world(subject, clouds, networks, state))
    found: dict[str, list[dict[str, float]]] = {}
    for i in subject.inputs:
        if i.detached:
            continue
        for turn in range(DIRECTIONS):
            along = _cloud(subject, i.node, f"{inputs[i.name]} along {turn}", number)

            def moved(by: float, name: str = i.name, along: Array = along) -> World:
                return _world(subject, {**clouds, name: clouds[name] + by * along}, networks, state)

            found.setdefault(inputs[i.name], []).append(slopes(subject.spec, base, moved, length * STEP))
    return base, found


def _random(text: str) -> np.random.Generator:
    return np.random.default_rng(list(blake2b(text.encode(), digest_size=8).digest()))


def _cloud(subject: Subject, node: Node, key: str, number: int) -> Array:
    """Embeddings of all views [view, batch, feature]: a center, a part that views share, and one of each view."""
    i = next(i for i in subject.inputs if i.node is node)
    random, features = _random(f"{key} {number}"), features_of(i)
    shared = 0.3 * random.standard_normal(features) + random.standard_normal((ROWS, features))
    views = [random.standard_normal((ROWS, features)) for _ in subject.spec.views]
    return shared + NOISE * np.stack(views)


def _world(subject: Subject, clouds: Mapping[str, Array], networks: Keys, state: Mapping[str, Array]) -> World:
    given: dict[str | int, Array] = {i.node.number: placed(subject, i, clouds[i.name]) for i in subject.inputs}
    world = stage(subject, given, ROWS, state)
    maps = {}
    for node in subject.nodes:
        if node.op == "apply" and node.number not in given:
            name = str(node["network"])
            maps[name] = _map(networks.get(name, name), node.type.dims[-1].known or FEATURES)
    draws = {"order": _random("order").permutation(ROWS).astype(float)}
    return replace(world, networks={**world.networks, **maps}, draws={**draws, **_directions(subject)})


def _map(key: str, size: int) -> Callable[[Array], Array]:
    """A random smooth map to `size` outputs, in place of a network."""

    def apply(z: Array) -> Array:
        made = z @ _random(key).standard_normal((z.shape[-1], size)) / np.sqrt(z.shape[-1])
        return made + 0.5 * np.tanh(made)

    return apply


def _directions(subject: Subject) -> dict[str, Array]:
    """Random directions that do not depend on what else is drawn, where all are of one shape."""
    shapes = {
        tuple(dim.known or FEATURES for dim in node.type.dims)
        for node in subject.nodes
        if node.op == "random_directions"
    }
    if len(shapes) != 1:
        return {}
    drawn = _random("directions").standard_normal(shapes.pop())
    return {"directions": drawn / np.linalg.norm(drawn, axis=1, keepdims=True)}
