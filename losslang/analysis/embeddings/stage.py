"""What a method meets when its networks are replaced by a cloud of embeddings: inputs, networks in the loss, state."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from losslang.analysis.structure.subject import Subject
from losslang.meaning.arrays import Array
from losslang.meaning.evaluate import World, evaluate
from losslang.objective.axes import Axis
from losslang.objective.boundary import Input
from losslang.objective.graph import Node
from losslang.objective.schedules import Clock
from losslang.objective.spec import Spec

__all__ = ["FEATURES", "features_of", "placed", "prototypes", "settled", "stage"]

FEATURES = 16
"""Features of embeddings whose size is not known, and of those behind scores of prototypes."""


def features_of(i: Input) -> int:
    """The features of the embeddings behind an input."""
    last = i.node.type.dims[-1]
    return FEATURES if last.axis.name == "prototype" else last.known or FEATURES


def placed(subject: Subject, i: Input, z: Array) -> Array:
    """What a network output is where the embeddings of all views are z [view, batch, feature], in the layout of its type.

    Scores of prototypes are the cosines with random directions.
    """
    last = i.node.type.dims[-1]
    views = subject.spec.views
    z = z[[views.index(name) for name in i.views] if i.views else [_view_of(i.node)]]
    if last.axis.name == "prototype":
        z = z / np.linalg.norm(z, axis=-1, keepdims=True) @ prototypes(last.known or FEATURES, z.shape[-1]).T
    return z if i.views else z[0]


def _view_of(node: Node) -> int:
    """The one view that an embedding without the axis `view` is of."""
    while node.op == "apply":
        node = node.inputs[0]
    place = node["view"] if node.op == "select" else 0
    assert isinstance(place, int)
    return place


def prototypes(count: int, features: int) -> Array:
    """Random unit vectors [prototype, feature], always the same."""
    drawn = np.random.default_rng(1).standard_normal((count, features))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def stage(subject: Subject, given: Mapping[str | int, Array], rows: int, state: Mapping[str, Array]) -> World:
    """The world of given embeddings of `rows` images in the middle of training, its state at the start but for `state`."""
    return World(
        given,
        networks=_networks(subject.spec),
        state={**_state(subject.spec, rows), **state},
        rows=np.arange(rows),
        clock=Clock(steps=1000, steps_per_epoch=10),
        step=500,
    )


def settled(subject: Subject, world: World) -> dict[str, Array]:
    """The state as after many steps on the same embeddings: statistics at their value, queues full of its rows."""
    found = dict(world.state)
    if not subject.spec.graph.states:
        return found
    first = evaluate(subject.spec, world)
    for state in subject.spec.graph.states:
        value = first.values[state.node.inputs[0].number]
        if state.node.op == "running":
            found[state.name] = value
        elif state.node.op == "queue":
            place, size = state.node.type.position(Axis("queue")), state.node["size"]
            assert isinstance(size, int)
            found[state.name] = np.take(value, np.arange(size) % value.shape[place], axis=place)
    return found


def _networks(spec: Spec) -> Mapping[str, Callable[[Array], Array]]:
    """Networks that live in the loss: prototypes as random directions, all others as they begin, near the identity."""

    def made(name: str) -> Callable[[Array], Array]:
        network = spec.networks[name]
        while network.kind in {"frozen", "freeze_for"}:
            network = network.parts[0]
        if network.kind == "prototypes":
            count = network.widths[0]
            assert isinstance(count, int)
            few = min(count, 4 * FEATURES)
            return lambda z: z @ prototypes(few, z.shape[-1]).T
        return lambda z: z

    return {name: made(name) for name in spec.networks}


def _state(spec: Spec, rows: int) -> dict[str, Array]:
    """State that must be there from the first step: memories hold the cloud itself, centroids random directions."""
    found: dict[str, Array] = {}
    for state in spec.graph.states:
        if state.node.op not in {"memory", "centroids"}:
            continue
        sizes = [dim.known or rows for dim in state.node.type.dims if dim.axis.name != "batch"]
        if state.node.op == "memory":
            drawn = np.random.default_rng(2).standard_normal((rows, *sizes))
            found[state.name] = drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)
        else:
            found[state.name] = prototypes(sizes[0], sizes[1])
    return found
