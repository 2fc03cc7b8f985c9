"""Linear evaluation as papers do it: classifiers trained by SGD on frozen features, one per learning rate, side by side."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Heads", "Schedule", "fit_heads"]

FeaturesOf = Callable[[Tensor, int], Tensor]
"""Features [batch, feature] of training samples [batch] as an epoch sees them."""


@dataclass(frozen=True)
class Schedule:
    """How heads are trained: SGD with momentum, no weight decay, learning rates that fall as a half cosine to 0.

    `rates` are those of the heads. The samples of every epoch come in an order of `seed`, in batches of `batch`.
    """

    epochs: int = 100
    batch: int = 256
    rates: tuple[float, ...] = (0.003, 0.01, 0.03, 0.1, 0.3)
    momentum: float = 0.9
    seed: int = 0


@dataclass(frozen=True)
class Heads:
    """Linear classifiers of standardised features, one per learning rate.

    `mean` and `scale` are [feature], `weight` [rate, feature, class], `bias` [rate, 1, class].
    """

    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor

    def scores(self, features: Tensor) -> Tensor:
        """[rate, batch, class] of features [batch, feature]."""
        return torch.baddbmm(
            self.bias, ((features - self.mean) / self.scale).expand(len(self.weight), -1, -1), self.weight
        )

    def accuracy(self, features: Tensor, labels: Tensor) -> list[float]:
        """Share of rightly classified features [sample, feature], of every head."""
        right = torch.cat([self.scores(part).argmax(2) for part in features.split(1024)], dim=1) == labels
        return right.double().mean(1).tolist()


def fit_heads(
    features_of: FeaturesOf,
    clean: Tensor,
    labels: Tensor,
    samples: Tensor,
    schedule: Schedule,
    tell: Callable[[int], None] = lambda _epoch: None,
) -> Heads:
    """Heads trained on some `samples` [chosen] of the training part.

    `clean` [sample, feature] are features of all samples: their mean and standard deviation on the chosen ones standardise
    every input. `labels` [sample] are classes from 0. `tell` hears the number of every finished epoch.
    """
    mean, scale = clean[samples].mean(0), clean[samples].std(0, correction=0).clamp_min(1e-6)
    rates = clean.new_tensor(schedule.rates)[:, None, None]
    shape = len(schedule.rates), clean.shape[1], int(labels.max()) + 1
    heads = Heads(mean, scale, clean.new_zeros(shape), clean.new_zeros(shape[0], 1, shape[2]))
    moving = heads.weight.clone(), heads.bias.clone()
    generator, done = torch.Generator().manual_seed(schedule.seed), 0
    steps = schedule.epochs * math.ceil(len(samples) / schedule.batch)
    for epoch in range(schedule.epochs):
        order = samples[torch.randperm(len(samples), generator=generator).to(samples.device)]
        for batch in order.split(schedule.batch):
            gradients = _gradients(heads, features_of(batch, epoch), labels[batch])
            share = (1 + math.cos(math.pi * done / steps)) / 2
            for value, velocity, gradient in zip((heads.weight, heads.bias), moving, gradients, strict=True):
                value.sub_(rates * share * velocity.mul_(schedule.momentum).add_(gradient))
            done += 1
        tell(epoch + 1)
    return heads


def _gradients(heads: Heads, features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Of the mean cross-entropy of every head: to its weight, and to its bias."""
    scores = heads.scores(features)
    errors = (scores.softmax(2) - F.one_hot(labels, scores.shape[2])) / len(labels)
    inputs = (features - heads.mean) / heads.scale
    return inputs.T @ errors, errors.sum(1, keepdim=True)
