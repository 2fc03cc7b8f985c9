"""What an objective meets on a cloud beside the embeddings: prototypes, networks that live in the loss, state, time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np

from losslang.meaning.arrays import Array
from losslang.meaning.evaluate import Evaluation, World
from losslang.objective.axes import Axis
from losslang.objective.boundary import Input
from losslang.objective.graph import Node
from losslang.objective.schedules import Clock
from losslang.objective.spec import Spec

__all__ = ["FEATURES", "Surroundings"]

FEATURES = 16
"""Size of embeddings whose own is not known."""


class Surroundings:
    """The surroundings of a method, for clouds of so many rows."""

    def __init__(self, spec: Spec, rows: int) -> None:
        self.spec, self.rows = spec, rows

    @cached_property
    def networks(self) -> Mapping[str, Callable[[Array], Array]]:
        """Networks that live in the loss: prototypes as random directions, all others as they begin, near the identity."""
        return {name: self._made(name) for name in self.spec.networks}

    def _made(self, name: str) -> Callable[[Array], Array]:
        network = self.spec.networks[name]
        while network.kind in {"frozen", "freeze_for"}:
            network = network.parts[0]
        if network.kind == "prototypes":
            count = network.widths[0]
            assert isinstance(count, int)
            few = min(count, 4 * FEATURES)
            return lambda z: z @ _prototypes(few, z.shape[-1]).T
        return lambda z: z

    def world(
        self,
        given: Mapping[str | int, Array],
        networks: Mapping[str, Callable[[Array], Array]],
        state: Mapping[str, Array],
    ) -> World:
        """The world in the middle of training."""
        clock = Clock(steps=1000, steps_per_epoch=10)
        rows = np.arange(self.rows)
        return World(given, networks=networks, state=state, rows=rows, clock=clock, step=500, draws=self._draws)

    @cached_property
    def _draws(self) -> Mapping[str, Array]:
        """A few random directions where the method draws many."""
        for node in self.spec.graph.nodes():
            if node.op == "random_directions":
                count, (axis,) = node["count"], node.axes()
                size = node.type.dims[node.type.position(axis)].known
                assert isinstance(count, int)
                if size is not None:
                    drawn = np.random.default_rng(3).standard_normal((min(count, 4 * FEATURES), size))
                    return {"directions": drawn / np.linalg.norm(drawn, axis=1, keepdims=True)}
        return {}

    def scored(self, z: Array, prototypes: int) -> Array:
        """Scores of the unit rows of z against so many prototypes."""
        return z / np.linalg.norm(z, axis=-1, keepdims=True) @ _prototypes(prototypes).T

    def places(self, i: Input) -> int | list[int]:
        """The views that an input is of, as an index into [view, batch, feature]."""
        views = self.spec.views
        return [views.index(name) for name in i.views] if i.views else _view_of(i.node)

    def steady(self, evaluated: Callable[[Mapping[str, Array]], Evaluation]) -> Mapping[str, Array]:
        """State as after many steps on the same cloud, by the evaluation with the state that there is at first."""
        if not self.spec.graph.states:
            return {}
        start = self._first_state()
        return self._settled(evaluated(start), start)

    def _first_state(self) -> dict[str, Array]:
        """State that must be there from the first step: memories hold random rows, centroids random directions."""
        found: dict[str, Array] = {}
        for state in self.spec.graph.states:
            if state.node.op not in {"memory", "centroids"}:
                continue
            sizes = [dim.known or self.rows for dim in state.node.type.dims if dim.axis.name != "batch"]
            if state.node.op == "memory":
                drawn = np.random.default_rng(2).standard_normal((self.rows, *sizes))
                found[state.name] = drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)
            else:
                found[state.name] = _prototypes(sizes[0], sizes[1])
        return found

    def _settled(self, first: Evaluation, start: Mapping[str, Array]) -> dict[str, Array]:
        """Statistics at their value, queues full of the cloud's rows."""
        found = dict(start)
        for state in self.spec.graph.states:
            value = first.values[state.node.inputs[0].number]
            if state.node.op == "running":
                found[state.name] = value
            elif state.node.op == "queue":
                place, size = state.node.type.position(Axis("queue")), state.node["size"]
                assert isinstance(size, int)
                found[state.name] = np.take(value, np.arange(size) % value.shape[place], axis=place)
        return found


def _view_of(node: Node) -> int:
    """The one view that an embedding without the axis `view` is of."""
    while node.op == "apply":
        node = node.inputs[0]
    place = node["view"] if node.op == "select" else 0
    assert isinstance(place, int)
    return place


def _prototypes(count: int, features: int = FEATURES) -> Array:
    drawn = np.random.default_rng(1).standard_normal((count, features))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
