"""The extra gradient of Zhang et al. (2022): what a method adds to the basic gradient, which pulls a row towards its partner.

The basic gradient on a unit row is the unit row of another view behind the same networks; it alone collapses. What is left of
the negative gradient, over its scale, is the extra gradient G_e = o_e + r_e. Its residual part r_e is what remains when the
center is taken out of all rows that it compares with, its center part o_e the rest: for InfoNCE, G_e = −Σⱼ λⱼ zⱼ with Σ λ = 1
gives r_e = −Σⱼ λⱼ rⱼ and o_e = −o exactly. Where rows are compared with all rows of the same value, the row moves as the
anchor, and those that it is compared with stay.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from losslang.analysis.embeddings.rows import Rows
from losslang.analysis.embeddings.sphere import Sphere
from losslang.analysis.probe.anchors import CANDIDATE, apart
from losslang.analysis.probe.field import Field
from losslang.analysis.probe.parts import in_parts
from losslang.diagnostics import LosslangError
from losslang.meaning.arrays import Array
from losslang.objective.axes import Axis
from losslang.objective.graph import walk
from losslang.objective.spec import Spec

__all__ = ["CLOUD", "FEATURES", "Extra", "bias_of", "extra_gradient"]

FEATURES = 8
CLOUD = Sphere(center=0.7, rows=24)
BIAS = 0.3
"""Length of a layer that is a bias, along the center: as it is after some training."""


@dataclass(frozen=True)
class Extra:
    """The negative gradient on unit rows, `scale` · (`basic` + `center` + `residual`), each [batch, feature].

    `rows` are the rows themselves, behind `networks`, of the view `view`; `others` are the views they are compared with.
    """

    method: str
    networks: tuple[str, ...]
    view: str
    others: tuple[str, ...]
    scale: float
    rows: Array
    basic: Array
    center: Array
    residual: Array

    @property
    def decentering(self) -> float:
        """The factor of o in o_e, o the rows' own center: below 0 it shortens the center."""
        own = self.rows.mean(axis=0)
        return float(self.center.mean(axis=0) @ own / (own @ own))

    @property
    def decorrelation(self) -> float:
        """The factor of r in r_e, r the rows' own residuals, in the mean."""
        own = self.rows - self.rows.mean(axis=0)
        return float((self.residual * own).sum() / (own**2).sum())

    def text(self) -> str:
        """A table for a terminal."""
        own = self.rows.mean(axis=0)
        head = f"{self.method}: the extra gradient on unit rows of {self.networks[0]}, view {self.view}"
        where = f"{len(self.rows)} rows, center norm {np.linalg.norm(own):.2f}, {self.rows.shape[1]} features"
        split = f"gradient = {self.scale:.4g} · (basic + extra); basic: towards {', '.join(self.others)}"
        lines = [
            head,
            where,
            "",
            split,
            "",
            f"{'':18}{'length':>8}  {'along the center':>18}  {'along the residual':>18}",
        ]
        rows = {"basic": self.basic, "extra": self.center + self.residual}
        rows |= {"  center part": self.center, "  residual part": self.residual}
        lines += [f"{name:18}{self._facts(part)}" for name, part in rows.items()]
        return "\n".join([*lines, "", *self._words()])

    def _facts(self, part: Array) -> str:
        own = self.rows.mean(axis=0)
        residual = self.rows - own
        length = np.sqrt((part**2).sum(-1).mean())
        along = part.mean(axis=0) @ own / (own @ own), (part * residual).sum() / (residual**2).sum()
        return f"{length:8.3f}  {_factor(along[0], 'o'):>18}  {_factor(along[1], 'r'):>18}"

    def _words(self) -> list[str]:
        if max(np.abs(self.center).max(), np.abs(self.residual).max()) < SMALL:
            return ["No extra gradient: nothing opposes the pull of the basic one."]
        if abs(self.decentering) < SMALL:
            return ["The center part is 0: the extra gradient leaves the center alone."]
        verb = "shortens" if self.decentering < 0 else "lengthens"
        return [f"The center part {verb} the center: {_factor(self.decentering, 'o')}."]

    def json(self) -> str:
        """The same for tools, with every row."""
        arrays = {name: getattr(self, name).tolist() for name in ("rows", "basic", "center", "residual")}
        facts = {"method": self.method, "networks": self.networks, "view": self.view, "others": self.others}
        numbers = {"scale": self.scale, "decentering": self.decentering, "decorrelation": self.decorrelation}
        return json.dumps({**facts, **numbers, **arrays}, indent=2)


SMALL = 1e-4


def _factor(number: float, of: str) -> str:
    return f"{number:+.3f} {of}".replace("-", "−") if abs(number) >= SMALL else "0"


def bias_of(features: int) -> Array:
    """What a layer that is a bias adds [feature]."""
    return BIAS * CLOUD.axis(features)


def extra_gradient(small: Spec) -> Extra:
    """The extra gradient of a method with few features. Raises LosslangError where its loss has none of this form."""
    parts = in_parts(apart(small))
    biases = {name: _shifted for name, network in small.networks.items() if network.kind == "bias_layer"}
    field = Field(parts.spec, CLOUD, networks=biases)
    moved = _moved(field)
    view = moved[0].views[0]
    still = Field(parts.spec, Sphere(CLOUD.center, noise=0.0, rows=CLOUD.rows))
    split = _Split(
        moved, view, _partners(field, view, parts.pairs), _scale(still, moved, view, parts.pairs), parts.pairs
    )
    whole, residual = split.of(field), split.of(field.with_values(_centered(field, moved, view)))
    names = small.views
    return Extra(
        small.method_name,
        moved[0].networks,
        names[view],
        tuple(names[v] for v in split.others),
        split.scale,
        field.of_view(moved[0], view),
        whole[0],
        whole[1] - residual[1],
        residual[1],
    )


def _shifted(z: Array) -> Array:
    return z + bias_of(z.shape[-1])


@dataclass(frozen=True)
class _Split:
    """How the negative gradient on the rows of a view is split: by the views they are paired with, and the scale."""

    moved: tuple[Rows, ...]
    view: int
    others: tuple[int, ...]
    scale: float
    pairs: frozenset[str]

    def of(self, field: Field) -> tuple[Array, Array]:
        """The basic and the extra gradient over the scale. Where no other rows are of the same branch, all pull is basic."""
        forces = field.gradient(self.moved, self.view)
        networks = self.moved[0].networks
        partners = [
            field.of_view(rows, view)
            for view in self.others
            for rows in field.rows
            if rows.unit and rows.networks == networks and view in rows.views and rows not in self.moved[1:]
        ]
        total = np.sum([*forces.values()], axis=0) / self.scale
        basic = (
            np.mean(partners, axis=0)
            if partners
            else np.sum([forces[name] for name in self.pairs], axis=0) / self.scale
        )
        return basic, total - basic


# ---------------------------------------------------------------- what moves, and what it is paired with


def _moved(field: Field) -> tuple[Rows, ...]:
    """The unit rows of one view, wherever they stand as anchors."""
    anchors = [rows for rows in field.live if rows.unit and CANDIDATE not in dict(rows.node.attributes)]
    name = field.spec.method_name
    if not anchors:
        raise LosslangError(f"`{name}` compares no unit rows, on which the extra gradient is defined; {_ELSE}")
    first = anchors[0]
    moved = tuple(r for r in anchors if r.networks == first.networks and first.views[0] in r.views)
    if abs(_mixed(field, moved, first.views[0])) > TINY:
        raise LosslangError(f"`{name}` compares rows with their own center or moments, not with other rows; {_ELSE}")
    return moved


_ELSE = "`losslang probe` without --extra shows its forces"
TINY = 1e-9


def _mixed(field: Field, moved: tuple[Rows, ...], view: int) -> float:
    """How far moving both halves of the rows changes the loss by more than moving each."""
    half = field.cloud.rows // 2
    both, one, two, none = (
        _total(field, moved, {view: part}) for part in (slice(None), slice(half), slice(half, None), slice(0))
    )
    return both - one - two + none


def _total(field: Field, rows: Iterable[Rows], moves: Mapping[int, slice], terms: Collection[str] = ()) -> float:
    """The loss (or some terms) where rows of some views are moved a little."""
    values: dict[str | int, Array] = {}
    for each in rows:
        changed = field.embeddings(each).copy()
        for view, part in moves.items():
            if view in each.views:
                drawn = np.random.default_rng(view).standard_normal(changed.shape[-2:])
                changed[each.at(view)][part] += drawn[part]
        values[each.node.number] = changed
    found = field.with_values(values).base.terms
    return sum(found[name] for name in terms or found)


def _scale(field: Field, moved: tuple[Rows, ...], view: int, pairs: frozenset[str]) -> float:
    """The factor of the unit rows that a row is pulled to: without noise they are the row itself."""
    moves = {}
    for rows in moved:
        moves[rows] = np.zeros(field.embeddings(rows).shape)
        moves[rows][rows.at(view)] = field.of_view(rows, view)
    slopes = field.slope(moves)
    scale = sum(slopes[name] for name in pairs)
    if abs(scale) < TINY:
        raise LosslangError(
            f"no term of `{field.spec.method_name}` pulls unit rows to one another by their cosine; {_ELSE}"
        )
    return scale


def _partners(field: Field, view: int, pairs: frozenset[str]) -> tuple[int, ...]:
    """The views that rows are paired with: where moving both changes the loss by more than moving each."""
    every = slice(None)
    found = []
    for other in sorted({v for rows in field.rows for v in rows.views} - {view}):
        moves: tuple[dict[int, slice], ...] = ({view: every, other: every}, {view: every}, {other: every}, {})
        both, one, two, none = (_total(field, field.rows, each, pairs) for each in moves)
        if abs(both - one - two + none) > TINY:
            found.append(other)
    return tuple(found)


def _centered(field: Field, moved: tuple[Rows, ...], view: int) -> dict[str | int, Array]:
    """All rows without their center, but for those that move; queues of rows, too."""
    found: dict[str | int, Array] = {}
    for rows in field.rows:
        values = field.embeddings(rows)
        centered = values - values.mean(axis=-2, keepdims=True)
        if rows in moved:
            centered[rows.at(view)] = field.of_view(rows, view)
        found[rows.node.number] = centered
    for node in walk([term.value for term in field.spec.graph.terms]):
        if node.op == "queue":
            queue = field.base.values[node.number]
            found[node.number] = queue - queue.mean(axis=node.type.position(Axis("queue")), keepdims=True)
    return found
