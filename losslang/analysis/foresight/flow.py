"""What training does to a cloud of embeddings: gradient flow of a few scales, from where networks start.

The cloud is z^v = m·e + a·(x + σ·n^v) + b·(y + σ·k^v): a common vector e, a strong and a weak half of the directions that views
share, and noise of the views. Training moves the scales m, a, b of the embedding, and of every predictor its gains on the
same three; targets that are moving averages lag. Scales are those of one linear layer, d log s/dt = (−∂L/∂log s) / s². Forces
are differences of the objective's value, where stopped branches are held. With a predictor against a stopped branch the pull
on the embedding ends when the predictor has found its optimum (Tian et al. 2021): that shows here, and not in the forces at
the start. The numbers were chosen on the calibration objectives of docs/results/foresight.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from losslang.analysis.embeddings.stage import FEATURES, features_of, placed, prototypes, settled, stage
from losslang.analysis.structure.branches import embedding_network, ends_in_norm, heads
from losslang.analysis.structure.subject import Subject
from losslang.meaning.arrays import Array
from losslang.meaning.evaluate import World, evaluate
from losslang.objective.boundary import Input, networks_of
from losslang.objective.networks import Network
from losslang.objective.schedules import Clock, Schedule
from losslang.objective.spec import Spec

__all__ = ["End", "Start", "flow", "start_of"]

ROWS, STEPS = {True: 64, False: 24}, {True: 25, False: 12}
"""Images in the cloud and steps of the flow, for two views and, so that it stays a matter of half a second, for more."""
WEAK = 0.5
"""Length of the weak half of the directions against the strong one, before training."""
NOISES = (0.3, 0.3)
"""Deviation of the views' noise in units of the strong and of the weak half."""
GAIN = 12.0
"""1/s² at the start: a last layer from 64 to 16 features, with torch's initial weights, has s² = 16 / (3 · 64)."""
HEAD = np.array([1.0, 0.3, 0.3])
"""Gains of untrained predictors on center, strong, weak: they pass on more of what is common than of what differs."""
MOBILITY = np.array([1.0, 0.5, 0.5])
"""Center, strong, weak: the center is one direction, a half of the residual several, of which each moves by its part."""

TIME, STEP_TIME = 150.0, 0.25
"""Learning rate times steps, over one less momentum: of a run of 600 steps at 0.05 with a half cosine and momentum 0.9."""
LENGTH = 1.0
"""Gradients longer than this are cut to it."""
MOVE, REST = 0.4, 0.02
"""The largest change of a log scale in one step of the flow, and the one at which it has come to rest."""
GONE = 0.01
"""Center norm that never comes back."""
DIFFERENCE = 1e-5


@dataclass(frozen=True)
class Start:
    """Lengths of the center and of the residual of embeddings of untrained networks."""

    center: float
    residual: float


@dataclass(frozen=True)
class End:
    """Where the flow ends.

    `center` is the center norm of unit rows, `kept` the residual's length against the center in units of that at the start,
    `rank` the effective rank in units of that at the start, and `evens` is d log(weak/strong)/dt in the last step.
    """

    center: float
    kept: float
    rank: float
    evens: float


def start_of(spec: Spec) -> Start:
    """What networks make of inputs before training, by their norms, for torch's initial weights.

    Measured on networks of the benchmark, in units of the root of the size: behind batch norm and relu center norms are 0.65;
    without norm every layer shortens what it passes on, the differences most, and center norms are 0.9.
    """
    network = embedding_network(Subject.of(spec))
    size = np.sqrt(FEATURES)
    if ends_in_norm(spec.networks, network):
        return Start(0.05 * size, size)
    if _has_norm(spec.networks, spec.networks[network]):
        return Start(0.26 * size, 0.3 * size)
    return Start(0.113 * size, 0.053 * size)


def _has_norm(networks: Mapping[str, Network], network: Network) -> bool:
    if network.kind == "reference":
        return _has_norm(networks, networks[network.name])
    return network.norm.kind != "none" or any(_has_norm(networks, part) for part in network.parts)


def flow(spec: Spec, start: Start) -> End:
    """Where the scales of a cloud are after a short training; `spec` has small sizes."""
    place = _Flow(spec, start)
    first = place.scales.copy()
    move, time, before, steps = MOVE, 0.0, np.zeros_like(first), 0
    most = STEPS[len(spec.views) <= 2]
    while steps < most and time < TIME and move > REST and place.center > GONE:
        steps += 1
        speed = place.speed(first)
        if (speed * before).sum() < 0:
            move /= 2
        span = min(TIME - time, move / max(np.abs(speed).max(), 1e-12))
        place.step(speed * span, span)
        time, before = time + span, speed
    return _end(first[0], place.scales[0], before)


def _end(first: Array, last: Array, speed: Array) -> End:
    (m0, a0, b0), (m, a, b) = np.exp(first), np.exp(last)
    r0, r = np.hypot(a0, b0), np.hypot(a, b)
    center = m / np.hypot(m, r)
    evens = float(speed[0, 2] - speed[0, 1])
    return End(float(center), float(r / m * m0 / r0), _spread(a, b) / _spread(a0, b0), evens)


def _spread(strong: float, weak: float) -> float:
    """exp of the entropy of the shares of the two halves."""
    share = np.array([strong**2, weak**2]) / (strong**2 + weak**2)
    return float(np.exp(-(share * np.log(share + 1e-300)).sum()))


class _Flow:
    """The scales of the embedding (row 0) and the gains of the predictors (the others), [row, center | strong | weak], as logs.

    A predictor that is a bias has one number, the bias in units of the center's direction, in place of its first log.
    """

    def __init__(self, spec: Spec, start: Start) -> None:
        self.spec, self.subject, self.start = spec, Subject.of(spec), start
        self.heads = heads(self.subject)
        residual = start.residual / np.sqrt(1 + WEAK**2)
        self.scales = np.zeros((1 + len(self.heads), 3))
        self.scales[0] = np.log([start.center, residual, residual * WEAK])
        self.target = self.scales[0].copy()
        self.draws = _directions(spec)
        self.free = np.ones_like(self.scales, bool)
        for at, name in enumerate(self.heads):
            if spec.networks[name].kind == "bias_layer":
                self.free[1 + at, 1:] = False
            else:
                self.scales[1 + at] = np.log(HEAD)

    @property
    def center(self) -> float:
        """The center norm of unit rows."""
        m, a, b = np.exp(self.scales[0])
        return float(m / np.sqrt(m**2 + a**2 + b**2))

    def speed(self, first: Array) -> Array:
        """d scales/dt."""
        force = self._forces()
        still = np.ones_like(force)
        still[0] = GAIN * np.exp(2 * (first - self.scales)[0])
        for at, name in enumerate(self.heads):
            if self.spec.networks[name].kind != "bias_layer":
                still[1 + at] = np.exp(-2 * self.scales[1 + at])
        rate = MOBILITY * still
        length = np.sqrt((rate * force**2).sum())
        return rate * force * min(1.0, LENGTH / max(length, 1e-12))

    def step(self, change: Array, span: float) -> None:
        """Move on; moving averages follow."""
        self.scales = self.scales + change
        kept = _momentum(self.spec) ** (span / STEP_TIME)
        self.target = kept * self.target + (1 - kept) * self.scales[0]

    def _forces(self) -> Array:
        """−∂L/∂ of every number that is free."""
        state = settled(self.subject, self._world(self.scales, {}))
        base = evaluate(self.spec, self._world(self.scales, state))
        force = np.zeros_like(self.scales)
        for place in zip(*np.nonzero(self.free), strict=True):
            moved = self.scales.copy()
            moved[place] += DIFFERENCE
            total = evaluate(self.spec, self._world(moved, state), held=base.held).total
            force[place] = (base.total - total) / DIFFERENCE
        return force

    def _world(self, scales: Array, state: Mapping[str, Array]) -> World:
        given: dict[str | int, Array] = {i.node.number: self._embedding(i, scales) for i in self.subject.inputs}
        world = stage(self.subject, given, _rows(len(self.spec.views)), state)
        behind = {name: self._head(name, scales) for name in self.heads}
        return replace(world, networks={**world.networks, **behind}, draws=self.draws)

    def _embedding(self, i: Input, scales: Array) -> Array:
        chain = networks_of(i.node)
        inner = chain[1:] if chain[0] in self.heads else chain
        m, a, b = np.exp(self.target if i.detached else scales[0])
        z = _parts(len(self.spec.views), features_of(i)).of(m, a, b)
        if ends_in_norm(self.spec.networks, inner[0]):
            z = (z - z.mean(-2, keepdims=True)) / np.sqrt(z.var(-2, keepdims=True) + 1e-5)
        if chain[0] in self.heads:
            z = self._head(chain[0], scales)(z)
        return placed(self.subject, i, z)

    def _head(self, name: str, scales: Array) -> Callable[[Array], Array]:
        gains = scales[1 + self.heads.index(name)]

        def apply(z: Array) -> Array:
            parts = _parts(len(self.spec.views), z.shape[-1])
            if self.spec.networks[name].kind == "bias_layer":
                return z + gains[0] * parts.center
            return z @ parts.map(np.exp(gains))

        return apply


def _rows(views: int) -> int:
    return ROWS[views <= 2]


def _directions(spec: Spec) -> Mapping[str, Array]:
    """A few random directions where a method draws a thousand."""
    for node in spec.graph.nodes():
        if node.op == "random_directions":
            (axis,) = node.axes()
            size, count = node.type.dims[node.type.position(axis)].known, node["count"]
            assert isinstance(count, int)
            return {} if size is None else {"directions": prototypes(min(count, FEATURES), size)}
    return {}


def _momentum(spec: Spec) -> float:
    """How much of a moving average is kept in a step, in the middle of training; 0 without one."""
    found = [network.momentum for network in spec.networks.values() if network.kind == "ema"]
    if not found:
        return 0.0
    one = found[0]
    return one.plan(Clock(steps=1000, steps_per_epoch=10)).value(500) if isinstance(one, Schedule) else float(one or 0)


@dataclass(frozen=True)
class _Parts:
    """The directions [row, feature] and the cloud's parts on them."""

    center: Array
    halves: tuple[Array, Array]
    strong: Array
    weak: Array

    def of(self, m: float, a: float, b: float) -> Array:
        return m * self.center + a * self.strong + b * self.weak

    def map(self, gains: Array) -> Array:
        found = gains[0] * np.outer(self.center, self.center)
        for gain, half in zip(gains[1:], self.halves, strict=True):
            found = found + gain * half.T @ half
        return found


@cache
def _parts(views: int, features: int) -> _Parts:
    random, rows = np.random.default_rng(0), _rows(views)
    turn = np.linalg.qr(random.standard_normal((features, features)))[0]
    middle = 1 + features // 2
    halves = turn[1:middle], turn[middle:]
    clouds = []
    for half, noise in zip((halves[0], np.concatenate([halves[1], turn[:1]])), NOISES, strict=True):
        signal = random.standard_normal((rows, len(half)))
        drawn = random.standard_normal((views, rows, len(half)))
        signal -= signal.mean(axis=0)
        drawn -= drawn.mean(axis=1, keepdims=True)
        clouds.append((signal + noise * drawn) @ half / np.sqrt(max(len(half), 1) * (1 + noise**2)))
    return _Parts(turn[0], halves, clouds[0], clouds[1])
