"""The data sets that need no download: one row of a table each. Reading this table imports neither torch nor scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from losslang.diagnostics import LosslangError

if TYPE_CHECKING:
    import numpy as np

    from losslang.data.readers import Reader

__all__ = ["DATASETS", "Arrays", "Dataset", "Part"]


@dataclass(frozen=True)
class Part:
    """Inputs [sample, …] in float32, or a reader of photos, and the class of every sample, for evaluation alone."""

    inputs: np.ndarray | Reader
    labels: np.ndarray


@dataclass(frozen=True)
class Arrays:
    """The two parts of a data set."""

    train: Part
    test: Part


@dataclass(frozen=True)
class Dataset:
    """A data set: `shape` of one input, number of `classes`, samples in both parts, and the augmentation that fits it.

    `kind` says what an input is: a point, a small image between 0 and 1, or a photo, whose views have the size that its
    augmentation says. `remark` is for whoever trains on it.
    """

    name: str
    description: str
    shape: tuple[int, ...]
    classes: int
    samples: tuple[int, int]
    augmentation: Mapping[str, Any]
    load: Callable[[], Arrays]
    kind: Literal["points", "images", "photos"] = "points"
    remark: str = ""


_POINTS = (3072, 1024)
_DIGITS = (1437, 360)
_NOISE = 1.2
"""Standard deviation of the noise on points, whose own is 1: views of neighbouring blobs overlap.

Chosen by trial for the toy recipe. SimSiam's projector ends in batch norm without scale and shift, so a constant is no
solution; without predictor or stop-gradient it collapses to one only where views overlap enough that no split of the data
is met by both. Below about 0.8 the ablations end in a few points on a line instead, with center norms of 0.3 to 0.8.
"""
_DRAW = 7  # the seed of the data themselves: the same points for every run


def _datasets() -> Any:
    """scikit-learn's data sets. Raises LosslangError where it is not installed."""
    try:
        import sklearn.datasets
    except ImportError as error:
        raise LosslangError(
            "the data set digits comes from scikit-learn, which is not installed: pip install 'losslang[toy]'"
        ) from error
    return sklearn.datasets


def _points(inputs: np.ndarray, labels: np.ndarray) -> Arrays:
    """Points with mean 0 and standard deviation 1 in each coordinate; they come shuffled."""
    inputs = ((inputs - inputs.mean(0)) / inputs.std(0)).astype("float32")
    return _split(inputs, labels, _POINTS[0])


def _split(inputs: np.ndarray, labels: np.ndarray, train: int) -> Arrays:
    return Arrays(Part(inputs[:train], labels[:train]), Part(inputs[train:], labels[train:]))


def _blobs() -> Arrays:
    from math import cos, pi, sin

    from losslang.data.points import blobs

    centers = [[4 * cos(pi * k / 4), 4 * sin(pi * k / 4)] for k in range(8)]
    return _points(*blobs(sum(_POINTS), centers, 0.8, _DRAW))


def _moons() -> Arrays:
    from losslang.data.points import moons

    return _points(*moons(sum(_POINTS), 0.05, _DRAW))


def _digits() -> Arrays:
    """Gray images [sample, 1, 8, 8] between 0 and 1, shuffled: as they come, the test part has other writers."""
    import numpy as np

    inputs, labels = _datasets().load_digits(return_X_y=True)
    order = np.random.default_rng(_DRAW).permutation(len(labels))
    images = (inputs[order] / 16).astype("float32").reshape(-1, 1, 8, 8)
    return _split(images, labels[order], _DIGITS[0])


DATASETS: dict[str, Dataset] = {
    row.name: row
    for row in (
        Dataset(
            "blobs",
            "2-D points in eight Gaussian blobs on a ring",
            (2,),
            8,
            _POINTS,
            {"policy": "noise", "scale": _NOISE},
            _blobs,
        ),
        Dataset(
            "moons", "2-D points in two half moons", (2,), 2, _POINTS, {"policy": "noise", "scale": _NOISE}, _moons
        ),
        Dataset(
            "digits",
            "1,797 handwritten digits of 8×8 pixels",
            (1, 8, 8),
            10,
            _DIGITS,
            {"policy": "image"},
            _digits,
            "images",
        ),
    )
}
