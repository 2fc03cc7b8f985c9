"""The force −∂L/∂z of every term on the rows that a loss compares, by central differences of its meaning.

Zhang et al. (2022) take gradients with respect to unit rows ẑ = o + r. Where a loss normalises a network's output, forces are
therefore on its unit rows, each free to move in every direction; where it does not, they are on the output as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from losslang.analysis.embeddings.rows import Rows, find_rows
from losslang.analysis.embeddings.sphere import Sphere
from losslang.analysis.embeddings.stage import FEATURES, features_of, placed, prototypes, settled, stage
from losslang.analysis.structure.branches import predictors
from losslang.analysis.structure.subject import Subject
from losslang.meaning.arrays import Array
from losslang.meaning.evaluate import World, evaluate, slopes
from losslang.objective.axes import FEATURE, VIEW
from losslang.objective.boundary import networks_of
from losslang.objective.graph import walk
from losslang.objective.spec import Spec

__all__ = ["Field", "Force"]

STEP, TINY, NOISE = 1e-5, 1e-9, 1e-8


@dataclass(frozen=True)
class Force:
    """What a term does to rows under gradient descent.

    `center` is the force along the center (below 0: it gets shorter, de-centering), `residual` that along the rows' own
    residuals (above 0: they get longer), both per unit of length. Where rows are of length 1, longer ones are made shorter
    again: `sphere` is the force along the center without what only lengthens rows. `spread` is how fast the weak directions
    of the residual grow against the strong ones, d log(weak/strong)/dt (above 0: de-correlation).
    """

    term: str
    center: float
    residual: float
    sphere: float
    spread: float


Networks: TypeAlias = Mapping[str, Callable[[Array], Array]]


class Field:
    """A method on a cloud of embeddings, and what its terms do to the rows there.

    `predicted` shortens the residual of what predictors give, as they do to predict through the noise; otherwise all networks
    give the same cloud. `networks` stand in for networks in the loss; `rows` are moved in
    place of those that the loss compares.
    """

    def __init__(
        self,
        small: Spec,
        cloud: Sphere,
        *,
        predicted: bool = True,
        networks: Networks | None = None,
        rows: tuple[Rows, ...] = (),
    ) -> None:
        self.spec, self.cloud, self.subject = small, cloud, Subject.of(small)
        self.rows = rows or find_rows(self.subject)
        self.live = tuple(rows for rows in self.rows if rows.live)
        self.world = self._world(predictors(self.subject) if predicted else (), networks or {})
        self.base = evaluate(small, self.world)

    def _world(self, heads: Collection[str], networks: Networks) -> World:
        """The cloud as the method meets it."""
        views = len(self.spec.views)
        free = {rows.networks for rows in self.rows if not rows.unit}
        given: dict[str | int, Array] = {}
        for i in self.subject.inputs:
            scores = i.node.type.dims[-1].axis != FEATURE
            make = self.cloud.free_rows if networks_of(i.node) in free and not scores else self.cloud.unit_rows
            shrink = 1 / (1 + self.cloud.noise**2) if i.outermost in heads else 1.0
            given[i.node.number] = placed(self.subject, i, make(views, features_of(i), shrink=shrink))
        world = stage(self.subject, given, self.cloud.rows, {})
        world = replace(world, networks={**world.networks, **networks})
        return replace(world, state=settled(self.subject, world))

    def with_values(self, values: Mapping[str | int, Array]) -> Field:
        """The same method where nodes, by number, have other values."""
        given = {**self.world.given, **values}
        other = copy(self)
        other.world = replace(self.world, given=given)
        other.base = evaluate(self.spec, other.world)
        return other

    def embeddings(self, rows: Rows) -> Array:
        """The rows themselves, [view, batch, feature] or of one view; of scores of prototypes, the embeddings behind them."""
        if _scored(rows):
            found = self.cloud.unit_rows(len(self.spec.views), FEATURES)[list(rows.views)]
            return found if rows.node.type.has(VIEW) else found[0]
        return self.base.values[rows.node.number]

    # ---- moving rows

    def slope(self, moves: Mapping[Rows, Array]) -> dict[str, float]:
        """Minus the derivative of every term as rows move along arrays, each of the shape of its `embeddings`."""
        return self._slope(moves, self._still(moves))

    def gradient(self, moved: Collection[Rows], view: int) -> dict[str, Array]:
        """−n ∂L/∂z of every term [batch, feature], for the n rows of one view, wherever `moved` hold them."""
        batch, features = self.of_view(next(iter(moved)), view).shape
        still = self._still(moved)
        found = {term: np.zeros((batch, features)) for term in self.base.terms}
        for place in np.ndindex(batch, features):
            moves = {rows: np.zeros(self.embeddings(rows).shape) for rows in moved}
            for rows, move in moves.items():
                move[(*rows.at(view), *place)] = batch
            for term, slope in self._slope(moves, still).items():
                found[term][place] = slope
        return found

    def of_view(self, rows: Rows, view: int) -> Array:
        """The rows of one view [batch, feature]."""
        return self.embeddings(rows)[rows.at(view)]

    def _slope(self, moves: Mapping[Rows, Array], still: Mapping[str | int, Array]) -> dict[str, float]:
        found = slopes(self.spec, self.base, lambda by: self._moved(moves, still, by), STEP)
        return {term: -slope for term, slope in found.items()}

    def _moved(self, moves: Mapping[Rows, Array], still: Mapping[str | int, Array], by: float) -> World:
        given = dict(still)
        for rows, move in moves.items():
            given[rows.node.number] = self.base.values[rows.node.number] + by * _lifted(rows, move)
        return replace(self.world, given=given)

    def _still(self, moving: Collection[Rows]) -> dict[str | int, Array]:
        """The values that do not depend on what moves, so that they are not computed again."""
        moved = {rows.node.number for rows in moving}
        for node in walk([term.value for term in self.spec.graph.terms]):
            if node.number not in self.world.given and any(child.number in moved for child in node.inputs):
                moved.add(node.number)
        return {number: value for number, value in self.base.values.items() if number not in moved}

    # ---- forces

    def forces(self) -> tuple[Force, ...]:
        """What every term does to the rows of all views, moved together."""
        axes = {rows: self._along_center(rows) for rows in self.live}
        residuals = {rows: self._residual(rows) for rows in self.live}
        center = self.slope(axes)
        residual = self.slope({rows: r / _length(r) for rows, r in residuals.items()})
        tangents = {rows: self._tangent(rows, axis) for rows, axis in axes.items()}
        sphere = self.slope(tangents) if any(rows.unit for rows in self.live) else center
        spread = self._spread(residuals)
        kinds = (center, residual, sphere, spread)
        return tuple(Force(term, *(_without_noise(kind[term]) for kind in kinds)) for term in center)

    def _spread(self, residuals: Mapping[Rows, Array]) -> dict[str, float]:
        parts = [
            {rows: r @ part(r.shape[-1]) for rows, r in residuals.items()}
            for part in (self.cloud.strong, self.cloud.weak)
        ]
        if self.cloud.rank is None or not any(move.any() for move in parts[1].values()):  # no direction is weak
            return dict.fromkeys(self.base.terms, 0.0)
        strong, weak = map(self._growth, parts)
        return {term: weak[term] - strong[term] for term in weak}

    def _growth(self, moves: Mapping[Rows, Array]) -> dict[str, float]:
        """d log of the length of parts of the rows, per time."""
        size = _length(np.concatenate([move.reshape(-1, move.shape[-1]) for move in moves.values()]))
        return {term: slope / size**2 for term, slope in self.slope(moves).items()}

    def _tangent(self, rows: Rows, move: Array) -> Array:
        """What is left of a move where rows keep their length; all of it where they need not."""
        if not rows.unit:
            return move
        unit = self.embeddings(rows)
        return move - unit * (unit * move).sum(-1, keepdims=True)

    def _along_center(self, rows: Rows) -> Array:
        shape = self.embeddings(rows).shape
        return np.broadcast_to(self.cloud.axis(shape[-1]), shape)

    def _residual(self, rows: Rows) -> Array:
        values = self.embeddings(rows)
        return values - values.mean(axis=-2, keepdims=True)


def _without_noise(force: float) -> float:
    """0 for what differences of rounded values leave of it."""
    return 0.0 if abs(force) < NOISE else force


def _length(rows: Array) -> float:
    """The root of the mean squared length of rows; not 0, so that it divides."""
    return max(float(np.sqrt((rows**2).sum(-1).mean())), TINY)


def _scored(rows: Rows) -> bool:
    return rows.node.type.dims[-1].axis != FEATURE


def _lifted(rows: Rows, move: Array) -> Array:
    """What a move of embeddings does to the value that the loss sees."""
    return move @ prototypes(rows.node.type.dims[-1].known or FEATURES, move.shape[-1]).T if _scored(rows) else move
