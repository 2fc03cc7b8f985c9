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

from losslang.analysis.branches import predictors
from losslang.analysis.stage import features_of, placed, settled, stage
from losslang.analysis.subject import Subject
from losslang.meaning.arrays import Array
from losslang.meaning.evaluate import World, evaluate
from losslang.objective.spec import Spec

__all__ = ["Cloud", "Force", "Scale", "forces", "forces_by_input", "spreading", "terms_on"]

NOISE = 0.3
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
class Scale:
    """Factors on the center, and on the strong and the weak half of the residual's directions."""

    center: float = 1.0
    strong: float = 1.0
    weak: float = 1.0


STILL = Scale()


@dataclass(frozen=True)
class Cloud:
    """A cloud of length 1 whose residual has the length `rho`; the rest is center.

    Half of the directions are `weak` times as long as the others (1: all alike), in a basis that is rotated, so that no
    feature is a direction. Where `bare`, predictors do nothing to the cloud, and terms are compared as functions of embeddings.
    """

    rho: float = 0.7
    noise: float = NOISE
    seed: int = 0
    bare: bool = False
    weak: float = 1.0

    def rows(self, views: int) -> int:
        """Images in the cloud: fewer where each is seen often."""
        return 128 if views <= MANY_VIEWS else 96

    def views(self, count: int, features: int, shrink: float, scale: Scale) -> Array:
        """[view, batch, feature], with the center and the two halves of the residual scaled."""
        random = np.random.default_rng(self.seed)
        center = random.standard_normal(features)
        center /= np.linalg.norm(center)
        rows = self.rows(count)
        signal = random.standard_normal((rows, features))
        noise = random.standard_normal((count, rows, features))
        signal -= signal.mean(axis=0)  # the center is m·e, and nothing of the residual
        noise -= noise.mean(axis=1, keepdims=True)
        lengths = np.where(np.arange(features) < features // 2, 1.0, self.weak)
        spread = np.linalg.norm(lengths) * np.sqrt(1 + self.noise**2)
        lengths = lengths * np.where(np.arange(features) < features // 2, scale.strong, scale.weak)
        turn = np.linalg.qr(random.standard_normal((features, features)))[0]
        residual = ((signal + self.noise * noise) * lengths / spread) @ turn
        return np.sqrt(1 - self.rho**2) * scale.center * center + self.rho * shrink * residual


def terms_on(spec: Spec, cloud: Cloud) -> dict[str, float]:
    """The value of every term on a cloud."""
    return evaluate(spec, _world(Subject.of(spec), cloud, STILL, _steady_state(spec, cloud))).terms


def forces(spec: Spec, cloud: Cloud) -> tuple[Force, ...]:
    """The force of every term on the scales of a cloud, in the order of the terms."""
    subject = Subject.of(spec)
    return _forces(spec, subject, cloud, {i.name for i in subject.inputs})


def forces_by_input(spec: Spec, cloud: Cloud) -> dict[str, tuple[Force, ...]]:
    """The forces when one input of the loss moves and the others stay, by its name."""
    subject = Subject.of(spec)
    return {i.name: _forces(spec, subject, cloud, {i.name}) for i in subject.inputs if not i.detached}


def _forces(spec: Spec, subject: Subject, cloud: Cloud, moving: set[str]) -> tuple[Force, ...]:
    rho = cloud.rho
    center = _slopes(spec, subject, cloud, moving, lambda by: Scale(center=by))
    residual = _slopes(spec, subject, cloud, moving, lambda by: Scale(strong=by, weak=by))
    return tuple(
        Force(
            term,
            residual[term] / rho**2 - center[term] / (1 - rho**2),
            residual[term] / rho**2,
            center[term] / (1 - rho**2),
        )
        for term in center
    )


def spreading(spec: Spec, cloud: Cloud) -> dict[str, float]:
    """For every term, how fast the weak directions grow against the strong ones: d log(weak/strong)/dt."""
    subject = Subject.of(spec)
    moving = {i.name for i in subject.inputs}
    strong = _slopes(spec, subject, cloud, moving, lambda by: Scale(strong=by))
    weak = _slopes(spec, subject, cloud, moving, lambda by: Scale(weak=by))
    whole = cloud.rho**2 / (1 + cloud.weak**2)
    return {term: weak[term] / (whole * cloud.weak**2) - strong[term] / whole for term in strong}


def _slopes(
    spec: Spec, subject: Subject, cloud: Cloud, moving: set[str], scaled: Callable[[float], Scale]
) -> dict[str, float]:
    """Minus the derivative of every term by the factor, where what gradients do not reach stays where it is."""
    state = _steady_state(spec, cloud)
    base = evaluate(spec, _world(subject, cloud, STILL, state))
    ends = [
        evaluate(spec, _world(subject, cloud, scaled(1 + sign * STEP), state, moving), held=base.values).terms
        for sign in (1, -1)
    ]
    return {term: -(ends[0][term] - ends[1][term]) / (2 * STEP) for term in base.terms}


def _steady_state(spec: Spec, cloud: Cloud) -> Mapping[str, Array]:
    """State as after many steps on the same cloud."""
    subject = Subject.of(spec)
    return settled(subject, _world(subject, cloud, STILL, {}))


def _world(
    subject: Subject,
    cloud: Cloud,
    scale: Scale,
    state: Mapping[str, Array],
    moving: Collection[str] = (),
) -> World:
    """The world of a cloud whose `moving` inputs have their center and residual scaled."""
    heads = () if cloud.bare else predictors(subject)
    given: dict[str | int, Array] = {}
    views = len(subject.spec.views)
    for i in subject.inputs:
        shrink = 1 / (1 + cloud.noise**2) if i.outermost in heads else 1.0
        own = scale if i.name in moving and not i.detached else STILL
        given[i.node.number] = placed(subject, i, cloud.views(views, features_of(i), shrink, own))
    return stage(subject, given, cloud.rows(views), state)
