"""Points in the plane: numbers as scikit-learn's `make_blobs` and `make_moons` give them, without its second of import."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["blobs", "moons"]

Labelled = tuple[np.ndarray, np.ndarray]
"""Points [sample, 2], and the class of each."""


def blobs(count: int, centers: Sequence[Sequence[float]], deviation: float, seed: int) -> Labelled:
    """Equally many points around each center, normal with that standard deviation, shuffled; `count` is a multiple of centers."""
    draws, each = _draws(seed), count // len(centers)
    points = np.concatenate([draws.normal(loc=center, scale=deviation, size=(each, 2)) for center in centers])
    return _shuffled(points, np.repeat(np.arange(len(centers)), each), draws)


def moons(count: int, noise: float, seed: int) -> Labelled:
    """Two half circles that reach into each other, shuffled, with normal noise on top; `count` is even."""
    draws, angle = _draws(seed), np.linspace(0, np.pi, count // 2)
    outer = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    inner = np.stack([1 - np.cos(angle), 1 - np.sin(angle) - 0.5], axis=1)
    points, labels = _shuffled(np.concatenate([outer, inner]), np.repeat([0, 1], count // 2), draws)
    return points + draws.normal(scale=noise, size=points.shape), labels


def _draws(seed: int) -> np.random.RandomState:
    return np.random.RandomState(seed)  # the generator behind scikit-learn's numbers


def _shuffled(points: np.ndarray, labels: np.ndarray, draws: np.random.RandomState) -> Labelled:
    order = np.arange(len(points))
    draws.shuffle(order)
    return points[order], labels[order]
