"""Forces of an objective on a controlled cloud of embeddings, read off its meaning by central differences.

The cloud is z^v = m·e + a·(x + σ·n^v): a common vector e, a signal x that all views of an image share, and noise n^v. The
objective pulls on the two scales: g = d log(a/m) / dt under gradient descent tells whether the residual grows against the
center (g > 0) or dies (g < 0: collapse). Networks are replaced by what they do to such a cloud: a predictor shrinks the
noisy residual by 1/(1 + σ²), targets and stopped branches stay where they are. Batch norm at the output is left out: it
hides the scales and, alone, does not keep them (Chen & He 2021 see collapse without predictor or stop-gradient).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from losslang.analysis.embeddings.stage import features_of, placed, settled, stage
from losslang.analysis.structure.branches import predictors
from losslang.analysis.structure.subject import Subject
from losslang.meaning.arrays import Array
from losslang.meaning.evaluate import Evaluation, World, evaluate, slopes
from losslang.objective.boundary import Input
from losslang.objective.spec import Spec

__all__ = ["Cloud", "Force", "Scale", "forces"]

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
    """Factors on the center and on the residual."""

    center: float = 1.0
    residual: float = 1.0


STILL = Scale()


@dataclass(frozen=True)
class Cloud:
    """A cloud of length 1 whose residual has the length `rho`; the rest is center."""

    rho: float = 0.7
    noise: float = NOISE

    def rows(self, views: int) -> int:
        """Images in the cloud: fewer where each is seen often."""
        return 128 if views <= MANY_VIEWS else 96

    def views(self, count: int, features: int, shrink: float, scale: Scale) -> Array:
        """[view, batch, feature], with the center and the residual scaled."""
        random = np.random.default_rng(0)
        center = random.standard_normal(features)
        center /= np.linalg.norm(center)
        rows = self.rows(count)
        signal = random.standard_normal((rows, features))
        noise = random.standard_normal((count, rows, features))
        signal -= signal.mean(axis=0)  # the center is m·e, and nothing of the residual
        noise -= noise.mean(axis=1, keepdims=True)
        spread = np.sqrt(features) * np.sqrt(1 + self.noise**2)
        turn = np.linalg.qr(random.standard_normal((features, features)))[0]  # no feature is a direction
        residual = ((signal + self.noise * noise) * scale.residual / spread) @ turn
        return np.sqrt(1 - self.rho**2) * scale.center * center + self.rho * shrink * residual


def forces(spec: Spec, cloud: Cloud) -> tuple[Force, ...]:
    """The force of every term on the scales of a cloud, in the order of the terms."""
    place = _Place(spec, cloud)
    center = place.slopes(lambda factor: Scale(center=factor))
    residual = place.slopes(lambda factor: Scale(residual=factor))
    found = []
    for term in place.base.terms:
        grows, moves = residual[term] / cloud.rho**2, center[term] / (1 - cloud.rho**2)
        found.append(Force(term, grows - moves, grows, moves))
    return tuple(found)


class _Place:
    """A method on a cloud, its state as after many steps on it."""

    def __init__(self, spec: Spec, cloud: Cloud) -> None:
        self.spec, self.cloud, self.subject = spec, cloud, Subject.of(spec)
        self.heads = predictors(self.subject)
        self.state: Mapping[str, Array] = {}
        self.state = settled(self.subject, self.world(STILL))
        self.base: Evaluation = evaluate(spec, self.world(STILL))

    def slopes(self, scaled: Callable[[float], Scale]) -> dict[str, float]:
        """Minus the derivative of every term by a factor, where what gradients do not reach stays where it is."""
        found = slopes(self.spec, self.base, lambda by: self.world(scaled(1 + by)), STEP)
        return {term: -slope for term, slope in found.items()}

    def world(self, scale: Scale) -> World:
        """The world of the cloud, whose live inputs are scaled."""
        views = len(self.spec.views)
        given: dict[str | int, Array] = {i.node.number: self._input(i, views, scale) for i in self.subject.inputs}
        return stage(self.subject, given, self.cloud.rows(views), self.state)

    def _input(self, i: Input, views: int, scale: Scale) -> Array:
        shrink = 1 / (1 + self.cloud.noise**2) if i.outermost in self.heads else 1.0
        own = STILL if i.detached else scale
        return placed(self.subject, i, self.cloud.views(views, features_of(i), shrink, own))
