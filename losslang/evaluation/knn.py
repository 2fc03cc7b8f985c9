"""k nearest neighbours: how well labels follow the geometry of an embedding."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["knn_accuracy", "knn_predict", "weighted_knn_predict"]

_TEMPERATURE = 0.07  # of weighted votes (Wu et al. 2018, section 3.4)
_CHUNK = 1024  # test samples at a time, so that the similarities fit into memory


def knn_predict(train: Tensor, labels: Tensor, test: Tensor, *, neighbours: int = 20) -> Tensor:
    """The class [sample] that most of the nearest training embeddings have, by cosine; ties go to the smaller class.

    `train` and `test` are [sample, feature], `labels` [sample] with classes from 0.
    """
    train, count = F.normalize(train, dim=1), int(labels.max()) + 1
    near = min(neighbours, len(train))

    def votes(chunk: Tensor) -> Tensor:
        similarity = F.normalize(chunk, dim=1) @ train.T
        return F.one_hot(labels[similarity.topk(near, dim=1).indices], count).sum(1)

    return torch.cat([votes(chunk).argmax(1) for chunk in test.split(_CHUNK)])


def knn_accuracy(train: Tensor, labels: Tensor, test: Tensor, test_labels: Tensor, *, neighbours: int = 20) -> float:
    """Share of test samples whose class `knn_predict` finds; `test_labels` [sample], the rest as there."""
    return float((knn_predict(train, labels, test, neighbours=neighbours) == test_labels).float().mean())


def weighted_knn_predict(train: Tensor, labels: Tensor, test: Tensor, *, neighbours: int) -> Tensor:
    """The class [sample] with the largest sum of exp(cosine / 0.07) over the nearest training embeddings (Wu et al. 2018)."""
    train, count = F.normalize(train, dim=1), int(labels.max()) + 1
    near = min(neighbours, len(train))

    def votes(chunk: Tensor) -> Tensor:
        closest = (F.normalize(chunk, dim=1) @ train.T).topk(near, dim=1)
        weights = torch.exp((closest.values - 1) / _TEMPERATURE)  # less 1, so that nothing overflows
        sums = torch.zeros(len(chunk), count, dtype=weights.dtype, device=weights.device)
        return sums.scatter_add_(1, labels[closest.indices], weights)

    return torch.cat([votes(chunk).argmax(1) for chunk in test.split(_CHUNK)])
