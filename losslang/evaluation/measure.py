"""Everything that is measured of a model: on clean inputs, in evaluation mode, and so without a change to the model.

Under batch norm these are not the numbers of training: where a method collapses, the batch's own statistics on augmented
inputs keep a few rows apart, and the center norm is lower (0.8 to 0.98 where it is 0.99 to 1 here; SimSiam without
predictor or stop-gradient, toy recipe).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from losslang.data.augment import augment
from losslang.data.counter import Draws
from losslang.data.photos import Pixels
from losslang.data.policies import Policy
from losslang.evaluation.geometry import effective_rank
from losslang.evaluation.knn import knn_accuracy
from losslang.evaluation.probe import probe_accuracy
from losslang.evaluation.quantities import of_cloud, of_draws

__all__ = [
    "Embeddings",
    "Inputs",
    "Method",
    "Predict",
    "Samples",
    "augmented",
    "embed",
    "input_rank",
    "measure",
    "watch",
]

_CHUNK = 1024
_DRAWS = 10  # augmentations of each sample; LiDAR's rank is stable from about ten on (Thilak et al. 2023)
_AT_ONCE = 4  # draws that are embedded together
_SEED = 0x5EED  # evaluations see the same augmentations, whatever the seed of the run


Predict = Callable[[Tensor], Tensor]
"""Classes [sample] of features [sample, feature], by a classifier that was trained beside the method."""


class Method(Protocol):
    """What is asked of a compiled method."""

    training: bool

    @property
    def encoder(self) -> nn.Module:
        """The backbone."""

    def embed(self, views: dict[str, Tensor]) -> Mapping[str, Tensor]:
        """Outputs of the networks by definition, [view, batch, feature] or [batch, feature]."""

    def train(self, mode: bool = True) -> object:  # noqa: FBT001, FBT002 - as nn.Module
        """Switch between training and evaluation."""


class Inputs(Protocol):
    """Clean inputs [sample, …], batch by batch; a tensor is one."""

    def split(self, size: int, /) -> Iterable[Tensor]:
        """Batches of at most so many."""


@dataclass(frozen=True)
class Samples:
    """Clean inputs [sample, …] and classes [sample] of the two parts, on one device.

    `draw(n)` is the nth augmentation [sample, …] of some test samples, for measures of several views; without it there are none.
    """

    train: Inputs
    labels: Tensor
    test: Inputs
    test_labels: Tensor
    draw: Callable[[int], Tensor] | None = None


def augmented(inputs: Tensor | Pixels, policy: Policy, draw: int) -> Tensor:
    """Inputs [sample, …] as one view sees them, the same for every run and step; another `draw` is another augmentation."""
    values = inputs.values if isinstance(inputs, Pixels) else inputs
    return augment(inputs, policy, Draws(_SEED, draw, 0, torch.arange(len(values), device=values.device)))


def input_rank(inputs: Inputs) -> float:
    """The centred effective rank of inputs themselves; of images that of their reduction to 8×8 pixels."""
    rows, seen = list[Tensor](), 0
    for chunk in inputs.split(_CHUNK):
        small = adaptive_avg_pool2d(chunk, 8) if chunk.dim() == 4 and chunk.shape[2] > 8 else chunk
        rows.append(small.flatten(1))
        seen += len(chunk)
        if seen >= 2 * _CHUNK:
            break
    return float(effective_rank(torch.cat(rows)))


@dataclass(frozen=True)
class Embeddings:
    """Backbone features and embeddings, both [sample, feature]."""

    features: Tensor
    embedding: Tensor


def embed(model: Method, inputs: Inputs, views: Sequence[str], name: str) -> Embeddings:
    """What the model makes of clean inputs [sample, …] in evaluation mode.

    `name` is the definition that is the embedding; without one, the backbone's features take its place. All views get
    the same input, and the first is read.
    """
    with _evaluating(model):
        features, embedding = zip(*(_embed(model, chunk, views, name) for chunk in inputs.split(_CHUNK)), strict=True)
        return Embeddings(torch.cat(features), torch.cat(embedding))


def _embed(model: Method, inputs: Tensor, views: Sequence[str], name: str) -> tuple[Tensor, Tensor]:
    features = model.encoder(inputs)
    if not name:
        return features, features
    embedding = model.embed(dict.fromkeys(views, inputs))[name]
    return features, embedding if embedding.dim() == 2 else embedding[0]


def _features(model: Method, inputs: Inputs) -> Tensor:
    """Backbone features [sample, feature] alone."""
    with _evaluating(model):
        return torch.cat([model.encoder(chunk) for chunk in inputs.split(_CHUNK)])


@contextmanager
def _evaluating(model: Method) -> Iterator[None]:
    """Within, the model is in evaluation mode, and nothing is kept for gradients."""
    was_training = model.training
    model.train(mode=False)
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(mode=was_training)


def watch(
    model: Method,
    samples: Samples,
    views: Sequence[str],
    name: str,
    neighbours: int,
    predict: Predict | None = None,
) -> dict[str, float]:
    """What is looked at during training: kNN of the features, and everything that `quantities` knows of the embedding.

    With `predict` also the accuracy of that classifier on the features of the test part, as `online_probe`.
    """
    test = embed(model, samples.test, views, name)
    train = _features(model, samples.train)
    knn = knn_accuracy(train, samples.labels, test.features, samples.test_labels, neighbours=neighbours)
    geometry = {**of_cloud(test.embedding), **_of_draws(model, samples, views, name)}
    return {**geometry, "knn": knn, **_online(test, samples, predict)}


def _online(test: Embeddings, samples: Samples, predict: Predict | None) -> dict[str, float]:
    if predict is None:
        return {}
    return {"online_probe": float((predict(test.features) == samples.test_labels).double().mean())}


def measure(
    model: Method,
    samples: Samples,
    views: Sequence[str],
    name: str,
    neighbours: int,
    predict: Predict | None = None,
) -> dict[str, float]:
    """Everything, at the end of a run: accuracies on features and embedding of the test part, and the geometry."""
    train = embed(model, samples.train, views, name)
    test = embed(model, samples.test, views, name)
    found: dict[str, float] = {}
    for prefix, fit, apply in (("", train.features, test.features), ("embedding_", train.embedding, test.embedding)):
        labels = samples.labels, apply, samples.test_labels
        found[f"{prefix}knn"] = knn_accuracy(fit, *labels, neighbours=neighbours)
        found[f"{prefix}linear_probe"] = probe_accuracy(fit, *labels)
    return found | _online(test, samples, predict) | of_cloud(test.embedding) | _of_draws(model, samples, views, name)


def _of_draws(model: Method, samples: Samples, views: Sequence[str], name: str) -> dict[str, float]:
    if samples.draw is None:
        return {}
    found = list[Tensor]()
    for first in range(0, _DRAWS, _AT_ONCE):
        draws = [samples.draw(n) for n in range(first, min(first + _AT_ONCE, _DRAWS))]
        found += embed(model, torch.cat(draws), views, name).embedding.split(len(draws[0]))
    return of_draws(torch.stack(found))
