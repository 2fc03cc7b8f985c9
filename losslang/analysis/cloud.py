"""Forces of an objective on a controlled cloud of embeddings, read off its meaning by central differences.

The cloud is z^v = m·e + a·(x + σ·n^v): a common vector e, a signal x that all views of an image share, and noise n^v. The
objective pulls on the two scales: g = d log(a/m) / dt under gradient descent tells whether the residual grows against the
center (g > 0) or dies (g < 0: collapse). Networks are replaced by what they do to such a cloud: a predictor shrinks the
noisy residual by 1/(1 + σ²), targets and stopped branches stay where they are. Batch norm at the output is left out: it
hides the scales and, alone, does not keep them (Chen & He 2021 see collapse without predictor or stop-gradient).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from losslang.analysis.mechanisms import Subject, predictors
from losslang.meaning.arrays import Array
from losslang.meaning.evaluate import Evaluation, World, evaluate
from losslang.objective.axes import Axis
from losslang.objective.boundary import Input
from losslang.objective.graph import Node
from losslang.objective.schedules import Clock
from losslang.objective.spec import Spec

__all__ = ["Cloud", "Force", "forces", "forces_by_input", "terms_on"]

FEATURES, NOISE = 16, 0.3
STEP = 1e-4
MANY_VIEWS = 4


@dataclass(frozen=True)
class Force:
    """What one term does to the cloud: `growth` is d log(a/m)/dt, of which `residual` is d log a/dt and `center` d log m/dt."""

    term: str
    growth: float
    residual: float
    center: float


@dataclass(frozen=True)
class Cloud:
    """A cloud of length 1 whose residual has the length `rho`; the rest is center.

    Where `bare`, predictors do nothing to it, and terms are compared as functions of embeddings.
    """

    rho: float = 0.7
    noise: float = NOISE
    seed: int = 0
    bare: bool = False

    def rows(self, views: int) -> int:
        """Images in the cloud: fewer where each is seen often."""
        return 128 if views <= MANY_VIEWS else 96

    def views(self, count: int, features: int, shrink: float, scale: tuple[float, float]) -> Array:
        """[view, batch, feature], with the center scaled by `scale[0]` and the residual by `scale[1]`."""
        random = np.random.default_rng(self.seed)
        center = random.standard_normal(features)
        center /= np.linalg.norm(center)
        rows = self.rows(count)
        signal = random.standard_normal((rows, features))
        noise = random.standard_normal((count, rows, features))
        residual = (signal + self.noise * noise) / np.sqrt(features * (1 + self.noise**2))
        m, a = np.sqrt(1 - self.rho**2) * scale[0], self.rho * scale[1]
        return m * center + a * shrink * residual


def terms_on(spec: Spec, cloud: Cloud) -> dict[str, float]:
    """The value of every term on a cloud."""
    return evaluate(spec, _world(Subject.of(spec), cloud, (1.0, 1.0), _steady_state(spec, cloud))).terms


def forces(spec: Spec, cloud: Cloud) -> tuple[Force, ...]:
    """The force of every term on the scales of a cloud, in the order of the terms."""
    subject = Subject.of(spec)
    return _forces(spec, subject, cloud, {i.name for i in subject.inputs})


def forces_by_input(spec: Spec, cloud: Cloud) -> dict[str, tuple[Force, ...]]:
    """The forces when one input of the loss moves and the others stay, by its name."""
    subject = Subject.of(spec)
    return {i.name: _forces(spec, subject, cloud, {i.name}) for i in subject.inputs if not i.detached}


def _forces(spec: Spec, subject: Subject, cloud: Cloud, moving: set[str]) -> tuple[Force, ...]:
    state, rho = _steady_state(spec, cloud), cloud.rho
    base = evaluate(spec, _world(subject, cloud, (1.0, 1.0), state))
    slopes = {}
    for place, size in ((0, 1 - rho**2), (1, rho**2)):
        ends = []
        for sign in (1, -1):
            scale = (1 + sign * STEP, 1.0) if place == 0 else (1.0, 1 + sign * STEP)
            # what gradients do not reach stays where it is
            ends.append(evaluate(spec, _world(subject, cloud, scale, state, moving), held=base.values))
        slopes[place] = {t: -(ends[0].terms[t] - ends[1].terms[t]) / (2 * STEP * size) for t in base.terms}
    return tuple(
        Force(term, slopes[1][term] - slopes[0][term], slopes[1][term], slopes[0][term]) for term in base.terms
    )


def _steady_state(spec: Spec, cloud: Cloud) -> Mapping[str, Array]:
    """State as after many steps on the same cloud."""
    if not spec.graph.states:
        return {}
    start = _state(spec, cloud.rows(len(spec.views)))
    return _settled(spec, evaluate(spec, _world(Subject.of(spec), cloud, (1.0, 1.0), start)), start)


def _world(
    subject: Subject,
    cloud: Cloud,
    scale: tuple[float, float],
    state: Mapping[str, Array],
    moving: Collection[str] = (),
) -> World:
    """The world of a cloud whose `moving` inputs have their center and residual scaled."""
    heads = () if cloud.bare else predictors(subject)
    given: dict[str | int, Array] = {}
    for i in subject.inputs:
        shrink = 1 / (1 + cloud.noise**2) if i.outermost in heads else 1.0
        given[i.node.number] = _embedding(
            subject, i, cloud, shrink, scale if i.name in moving and not i.detached else (1.0, 1.0)
        )
    return World(
        given,
        networks=_networks(subject.spec),
        state=state,
        rows=np.arange(cloud.rows(len(subject.spec.views))),
        clock=Clock(steps=1000, steps_per_epoch=10),
        step=500,
    )


def _embedding(subject: Subject, i: Input, cloud: Cloud, shrink: float, scale: tuple[float, float]) -> Array:
    """What a network output is on the cloud, in the layout of its type."""
    last = i.node.type.dims[-1]
    size = last.known or FEATURES
    views = subject.spec.views
    places = [views.index(name) for name in i.views] if i.views else [_view_of(i.node)]
    scores = last.axis.name == "prototype"
    z = cloud.views(len(views), FEATURES if scores else size, shrink, scale)[places]
    if scores:
        z = z / np.linalg.norm(z, axis=-1, keepdims=True) @ _prototypes(size).T
    return z if i.views else z[0]


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
            return lambda z: z @ _prototypes(few, z.shape[-1]).T
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
            found[state.name] = _prototypes(sizes[0], sizes[1])
    return found


def _settled(spec: Spec, first: Evaluation, start: Mapping[str, Array]) -> dict[str, Array]:
    """State as after many steps on the same cloud: statistics at their value, queues full of its rows."""
    found = dict(start)
    for state in spec.graph.states:
        value = first.values[state.node.inputs[0].number]
        if state.node.op == "running":
            found[state.name] = value
        elif state.node.op == "queue":
            place, size = state.node.type.position(Axis("queue")), state.node["size"]
            assert isinstance(size, int)
            found[state.name] = np.take(value, np.arange(size) % value.shape[place], axis=place)
    return found
