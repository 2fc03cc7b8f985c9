"""Two methods beside each other on the same clouds of embeddings: ratio and angle of their gradients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from losslang.analysis.embeddings.rows import embedding_rows
from losslang.analysis.embeddings.sphere import Sphere
from losslang.analysis.embeddings.stage import FEATURES as SCORED
from losslang.analysis.probe.field import Field
from losslang.diagnostics import LosslangError
from losslang.meaning.arrays import Array
from losslang.objective.boundary import find_inputs
from losslang.objective.spec import Spec

__all__ = ["Angle", "Measured", "Measurement", "features_for", "measure"]

FEATURES = 8
ROWS, FEW_ROWS = 16, 8
"""Rows of a cloud; fewer where there are many views, which take long."""
MANY_VIEWS = 4
CENTERS = (0.3, 0.7, 0.95)
NOTHING = 1e-9


@dataclass(frozen=True)
class Angle:
    """`ratio` of the length of the second gradient to that of the first, and the angle between them in degrees.

    None where one of them is 0.
    """

    ratio: float | None
    degrees: float | None


@dataclass(frozen=True)
class Measured:
    """The gradients on a cloud with center norm `center_norm`: whole, their part common to all rows, and the rest."""

    center_norm: float
    whole: Angle
    center: Angle
    residual: Angle


@dataclass(frozen=True)
class Measurement:
    """The gradients of two methods with respect to the embeddings `rows` of their first view, on the same clouds."""

    left: str
    right: str
    rows: tuple[str, str]
    clouds: tuple[Measured, ...]

    def text(self) -> str:
        """A table for a terminal."""
        names = " and ".join(dict.fromkeys(self.rows))
        lines = [
            f"gradients of {self.right} against those of {self.left}, on embeddings of {names}: length and angle",
            "",
        ]
        lines.append("center norm" + "".join(f"{part:>22}" for part in ("whole", "center part", "residual part")))
        lines += [
            f"{cloud.center_norm:<11g}"
            + "".join(f"{_words(a):>22}" for a in (cloud.whole, cloud.center, cloud.residual))
            for cloud in self.clouds
        ]
        return "\n".join(lines)

    def plain(self) -> dict[str, object]:
        """For JSON."""
        return {"rows": list(self.rows), "clouds": [asdict(cloud) for cloud in self.clouds]}


def features_for(*specs: Spec) -> int:
    """The features of embeddings: few, but as many as there are behind scores of prototypes."""
    axes = {i.node.type.dims[-1].axis.name for spec in specs for i in find_inputs(spec)}
    return SCORED if "prototype" in axes else FEATURES


def measure(left: Spec, right: Spec) -> Measurement:
    """The measurement of two methods with few features. Raises LosslangError where their embeddings differ in size."""
    measured = []
    rows = FEW_ROWS if max(len(spec.views) for spec in (left, right)) > MANY_VIEWS else ROWS
    for at in CENTERS:
        one, two = (_gradient(spec, Sphere(at, rows=rows)) for spec in (left, right))
        if one.shape != two.shape:
            sizes = f"{one.shape[1]} and {two.shape[1]}"
            raise LosslangError(f"the embeddings have {sizes} features, so their gradients cannot be compared")
        parts = zip(_parts(one), _parts(two), strict=True)
        measured.append(Measured(at, *(_angle(a, b) for a, b in parts)))
    ours, theirs = (embedding_rows(spec)[0].networks[0] for spec in (left, right))
    return Measurement(left.method_name, right.method_name, (ours, theirs), tuple(measured))


def _gradient(spec: Spec, cloud: Sphere) -> Array:
    """−n ∂L/∂z [batch, feature] for the first embedding that gradients reach, where all networks give the same cloud."""
    field = Field(spec, cloud, rows=embedding_rows(spec), predicted=False)
    moved = field.live[0]
    with np.errstate(all="ignore"):
        return np.sum([*field.gradient([moved], moved.views[0]).values()], axis=0)


def _parts(gradient: Array) -> Iterator[Array]:
    center = gradient.mean(axis=0)
    yield from (gradient, center, gradient - center)


def _angle(one: Array, two: Array) -> Angle:
    lengths = float(np.linalg.norm(one)), float(np.linalg.norm(two))
    if not all(np.isfinite(length) and length > NOTHING for length in lengths):
        return Angle(None, None)
    cosine = float((one * two).sum()) / lengths[0] / lengths[1]
    return Angle(lengths[1] / lengths[0], float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))))


def _words(angle: Angle) -> str:
    if angle.ratio is None or angle.degrees is None:
        return "-"
    return f"x{angle.ratio:.3g} at {angle.degrees:.0f}°"
