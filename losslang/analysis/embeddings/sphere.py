"""Controlled clouds of embeddings: unit rows with a center of a given length and a residual of a given rank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from losslang.meaning.arrays import Array

__all__ = ["Sphere"]

WEAK = 0.1
"""Length of directions beyond the rank against those within: some, so that covariances have an inverse."""


@dataclass(frozen=True)
class Sphere:
    """Rows z = c·e + r around a center, whose share of their length is exactly `center`: from 0 (spread) to 1 (collapsed).

    The residual r has mean 0 (rows come in opposite pairs, in a random order) and `rank` strong directions (None: all) in a
    rotated basis, so that no feature is a direction. Every image is seen in several views, which differ by noise of the
    length `noise` against the signal. `rows` is even.
    """

    center: float = 0.7
    rank: int | None = None
    noise: float = 0.3
    rows: int = 64
    seed: int = 0

    def unit_rows(self, views: int, features: int, *, shrink: float = 1.0) -> Array:
        """[view, batch, feature], each row of length 1, the residual orthogonal to the center.

        `shrink` shortens the residual, as a predictor does, before rows are of length 1 again.
        """
        residual = self._residual(views, features)
        residual[..., 0] = 0
        residual /= np.linalg.norm(residual, axis=-1, keepdims=True)
        z = self._around(shrink * residual, features)
        return z / np.linalg.norm(z, axis=-1, keepdims=True)

    def free_rows(self, views: int, features: int, *, shrink: float = 1.0) -> Array:
        """[view, batch, feature] as batch norm leaves them: of length √features in the mean, so 1 for each feature."""
        return np.sqrt(features) * self._around(shrink * self._residual(views, features), features)

    def axis(self, features: int) -> Array:
        """The direction of the center [feature]."""
        return self._basis(features)[:, 0]

    def strong(self, features: int) -> Array:
        """The projection on the strong directions of the residual [feature, feature]."""
        kept = self._basis(features)[:, self._lengths(features) == 1][:, 1 if self.rank is None else 0 :]
        return kept @ kept.T

    def weak(self, features: int) -> Array:
        """The projection on the weak directions, but for the center's [feature, feature]."""
        kept = self._basis(features)[:, 1:][:, self._lengths(features)[1:] != 1]
        return kept @ kept.T

    def _around(self, residual: Array, features: int) -> Array:
        length = np.sqrt(max(1 - self.center**2, 0.0))
        return self.center * self.axis(features) + length * residual @ self._basis(features).T

    def _residual(self, views: int, features: int) -> Array:
        """In the basis, mean 0 and of length 1 in the mean."""
        random = np.random.default_rng(self.seed)
        drawn = random.standard_normal((1 + views, self.rows // 2, features))
        half = (drawn[0] + self.noise * drawn[1:]) * self._lengths(features)
        half /= np.sqrt((half**2).sum(-1).mean())
        return np.concatenate([half, -half], axis=1)[:, random.permutation(self.rows)]

    def _lengths(self, features: int) -> Array:
        """The length of the residual along each direction of the basis; the center's, the first, is never among `rank`."""
        if self.rank is None:
            return np.ones(features)
        places = np.arange(features)
        return np.where((places > 0) & (places <= self.rank), 1.0, WEAK)

    def _basis(self, features: int) -> Array:
        """An orthogonal basis [feature, direction], the center's direction first."""
        drawn = np.random.default_rng(self.seed + 1).standard_normal((features, features))
        return np.linalg.qr(drawn)[0]
