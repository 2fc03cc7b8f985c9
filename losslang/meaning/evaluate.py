"""The meaning of a method: its terms, as float64 numbers, for given embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from losslang.meaning.arrays import Array
from losslang.meaning.fused import FUSED_KERNELS, products_of_columns
from losslang.meaning.kernels import KERNELS
from losslang.meaning.shapes import group_rows
from losslang.objective.axes import BATCH
from losslang.objective.graph import Node, walk_to
from losslang.objective.operations import OPERATIONS
from losslang.objective.schedules import Clock, Schedule
from losslang.objective.spec import Spec

__all__ = ["Evaluation", "World", "evaluate", "slopes"]


@dataclass
class World:
    """What a method meets: embeddings, networks that live in the loss, state, time and random draws.

    - `given`: arrays by the name of a definition (or the number of a node), in the layout of its type, such as
      [view, batch, feature].
    - `networks`: functions of an array whose last axis is `feature`, by network name.
    - `state`: the values of running statistics and queues before this step, by name; missing ones are at their start.
    - `rows`: the numbers of the batch's images [batch], where a memory keeps values by image.
    - `draws`: arrays in place of random ones: `directions` [direction, feature] and `order`, a permutation of the rows.
    - `seed`: of whatever else is drawn.
    """

    given: Mapping[str | int, Array]
    networks: Mapping[str, Callable[[Array], Array]] = field(default_factory=dict)
    state: Mapping[str, Array] = field(default_factory=dict)
    rows: npt.NDArray[np.int64] | None = None
    step: int = 0
    clock: Clock = field(default_factory=Clock)
    seed: int = 0
    draws: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """The result of one step: every term, their sum, the state after the step, and every node's value.

    `held` are the values at which gradients stop; they stay where others move.
    """

    terms: dict[str, float]
    state: dict[str, Array]
    values: dict[int, Array]
    held: dict[int, Array]

    @property
    def total(self) -> float:
        """The loss."""
        return sum(self.terms.values())


def _is_cut(node: Node) -> bool:
    """Whether gradients stop at a node: it is held when others move, and what it is made of is not asked for."""
    row = OPERATIONS.get(node.op)
    if row is None:
        return False
    return not row.gradient or (node.op == "running" and node["read"] == "before")


@lru_cache(maxsize=16)
def _in_order(roots: tuple[Node, ...], known: frozenset[int]) -> list[Node]:
    """The nodes to evaluate, operands first; kept, since forces evaluate one graph many times."""
    return walk_to(roots, known)


class _Evaluator:
    def __init__(self, spec: Spec, world: World, held: Mapping[int, Array] | None) -> None:
        self.spec, self.world = spec, world
        definitions = spec.graph.definitions
        given = {
            key if isinstance(key, int) else definitions[key].number: np.asarray(value, float)
            for key, value in world.given.items()
        }
        self.known = {**(held or {}), **given}
        self.values: dict[int, Array] = {}
        self.nodes: list[Node] = []
        self.state: dict[str, Array] = {}
        self.random = np.random.default_rng(world.seed)
        self.order: Array | None = world.draws.get("order")

    def value(self, node: Node) -> Array:
        if node.number in self.known:
            return self.known[node.number]
        special = getattr(self, f"_{node.op}", None)
        if special is not None:
            return special(node)
        # masks are 1 and 0 in arithmetic; what takes masks makes them so again
        kernel = KERNELS.get(node.op) or FUSED_KERNELS[node.op]
        return kernel(node, [np.asarray(self.values[child.number], float) for child in node.inputs])

    def run(self, roots: Sequence[Node]) -> None:
        self.nodes = _in_order(tuple(roots), frozenset(self.known))
        for node in self.nodes:
            self.values[node.number] = np.asarray(self.value(node))

    # ---- leaves and networks

    def _constant(self, node: Node) -> Array:
        return np.asarray(node["value"], float)

    def _parameter(self, node: Node) -> Array:
        value = self.spec.parameters[str(node["name"])].value
        assert isinstance(value, int | float)
        return np.asarray(value, float)

    def _schedule(self, node: Node) -> Array:
        schedule = node["schedule"]
        assert isinstance(schedule, Schedule)
        return np.asarray(schedule.plan(self.world.clock).value(self.world.step))

    def _apply(self, node: Node) -> Array:
        name = str(node["network"])
        if name not in self.world.networks:
            raise KeyError(f"the meaning needs the network `{name}`, or a given value for what it makes")
        return self.world.networks[name](self.values[node.inputs[0].number])

    def _images(self, _node: Node) -> Array:
        raise KeyError("the meaning starts from embeddings: give the outputs of the networks")

    # ---- groups and draws

    def _group(self, node: Node) -> Array:
        rows = node["rows"]
        assert isinstance(rows, int)
        x, of = self.values[node.inputs[0].number], node.inputs[0].type
        axis = of.position(BATCH)
        if node["shuffle"] and self.order is None:
            self.order = self.random.permutation(x.shape[axis]).astype(float)
        order = None if self.order is None or not node["shuffle"] else self.order.astype(int).tolist()
        return group_rows(x, axis, rows, order)

    def _random_directions(self, node: Node) -> Array:
        if "directions" in self.world.draws:
            return self.world.draws["directions"]
        count, like = node["count"], node.inputs[0]
        assert isinstance(count, int)
        (axis,) = node.axes()
        size = self.values[like.number].shape[like.type.position(axis)]
        drawn = self.random.standard_normal((count, size))
        return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)

    # ---- state

    def _running(self, node: Node) -> Array:
        old, after = self._moved_on(node, self.values[node.inputs[0].number])
        return after if node["read"] == "after" else old

    def _running_products(self, node: Node) -> Array:
        x, scale = (self.values[child.number] for child in node.inputs[:2])
        return self._moved_on(node, scale * products_of_columns(x, node))[0]

    def _moved_on(self, node: Node, new: Array) -> tuple[Array, Array]:
        """A running statistic before the step and after it, which is remembered."""
        name, momentum = str(node["name"]), float(self.values[node.inputs[-1].number])
        known = self.world.state.get(name)
        old = _start(node, new) if known is None else known
        after = momentum * old + (1 - momentum) * new
        if known is None and node["init"] == "first":
            after = new
        self.state[name] = after
        return old, after

    def _memory(self, node: Node) -> Array:
        name, place = str(node["name"]), node.type.position(BATCH)
        if name not in self.world.state:
            raise KeyError(f"the meaning needs the memory `{name}`: [images, …] by image")
        assert self.world.rows is not None
        old, new = self.world.state[name], self.values[node.inputs[0].number]
        after = old.copy()
        after[self.world.rows] = np.moveaxis(new, place, 0)
        self.state[name] = after
        return np.moveaxis(old[self.world.rows], 0, place)

    def _centroids(self, node: Node) -> Array:
        name = str(node["name"])
        if name not in self.world.state:
            raise KeyError(f"the meaning needs the centroids `{name}`: they are found once an epoch")
        self.state[name] = self.world.state[name]
        return self.world.state[name]

    def _queue(self, node: Node) -> Array:
        name, size = str(node["name"]), node["size"]
        assert isinstance(size, int)
        new = self.values[node.inputs[0].number]
        axis = node.type.axes.index(next(a for a in node.type.axes if a.name == "queue"))
        old = self.world.state.get(name)
        if old is None:
            shape = list(new.shape)
            shape[axis] = 0 if node["init"] == "empty" else size
            old = self.random.standard_normal(shape)
            old = old / np.linalg.norm(old, axis=-1, keepdims=True)
        rows = np.concatenate([old, new], axis=axis)
        after = np.take(rows, range(max(rows.shape[axis] - size, 0), rows.shape[axis]), axis=axis)
        self.state[name] = after
        read = after if node["read"] == "after" else old
        return read if read.shape[axis] == size else np.take(read, [], axis=axis)


def _start(node: Node, like: Array) -> Array:
    if node["init"] == "identity":
        return np.broadcast_to(np.eye(like.shape[-1]), like.shape)
    return np.zeros_like(like)


def evaluate(spec: Spec, world: World, *, held: Mapping[int, Array] | None = None) -> Evaluation:
    """The terms of a method in a world.

    `held` fixes the values of nodes where gradients stop (those of an earlier `Evaluation`), so that differences of values
    are differences along the gradient. Raises KeyError where the world lacks an embedding or a network.
    """
    evaluator = _Evaluator(spec, world, held)
    evaluator.run(spec.graph.results)
    terms = {term.name: float(evaluator.values[term.value.number]) for term in spec.graph.terms}
    cut = {node.number: evaluator.values[node.number] for node in evaluator.nodes if _is_cut(node)}
    return Evaluation(terms, evaluator.state, evaluator.values, cut)


def slopes(spec: Spec, base: Evaluation, moved: Callable[[float], World], step: float) -> dict[str, float]:
    """The derivative of every term by how far the world of `base` is `moved`, by central differences of that step.

    Gradients stop where the method says: stopped values are those of `base`.
    """
    more, less = (evaluate(spec, moved(by), held=base.held).terms for by in (step, -step))
    return {term: (more[term] - less[term]) / (2 * step) for term in base.terms}
