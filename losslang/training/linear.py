"""`losslang eval --linear sgd`: linear classifiers trained on a run's frozen backbone, of photos on random crops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from losslang.data.augment import augment
from losslang.data.counter import Draws
from losslang.data.photos import Pixels
from losslang.data.policies import Photo
from losslang.evaluation.heads import FeaturesOf, Schedule, fit_heads
from losslang.evaluation.measure import Embeddings
from losslang.training.loop import autocast
from losslang.training.session import Session

__all__ = ["linear_by_sgd"]

_CHOOSING = 0.05
"""Share of the training samples that are not trained on, and choose the learning rate."""

_SPLIT, _SEED = 0x5EED, 1  # of the choosing samples, and of crops: the same for every run

Tell = Callable[[int], None]


@torch.no_grad()
def linear_by_sgd(
    session: Session, train: Embeddings, test: Embeddings, epochs: int, tell: Tell = lambda _epoch: None
) -> tuple[dict[str, float], str]:
    """The held-out accuracy and learning rate of the best head, and the protocol in words.

    `train` and `test` are clean features [sample, feature] of the two parts. The head is chosen on training samples that none
    was trained on; held-out samples choose nothing.
    """
    samples, schedule = session.samples, Schedule(epochs)
    order = torch.randperm(len(train.features), generator=torch.Generator().manual_seed(_SPLIT)).to(session.device)
    choosing, fitting = order.tensor_split([max(round(_CHOOSING * len(order)), 1)])
    features_of, seen = _features(session, train.features)
    heads = fit_heads(features_of, train.features, samples.labels, fitting, schedule, tell)
    chosen = heads.accuracy(train.features[choosing], samples.labels[choosing])
    best = max(range(len(chosen)), key=chosen.__getitem__)
    accuracy = heads.accuracy(test.features, samples.test_labels)[best]
    return {"linear_sgd": accuracy, "linear_sgd_rate": schedule.rates[best]}, _words(schedule, seen)


def _words(schedule: Schedule, seen: str) -> str:
    rates = ", ".join(map(str, schedule.rates))
    return (
        f"linear classifier on {seen}, standardised by clean training images; SGD, {schedule.epochs} epochs of batches of"
        f" {schedule.batch}, momentum {schedule.momentum}, no weight decay, half cosine from the best of {rates}, which is chosen"
        f" on {_CHOOSING:.0%} of the training part that are not trained on"
    )


def _features(session: Session, clean: Tensor) -> tuple[FeaturesOf, str]:
    """Features of training samples, and what they are of: crops of photos, other inputs as they are."""
    policy, store = next(iter(session.plan.policies.values())), session.batches.inputs
    if not isinstance(policy, Photo):
        return lambda samples, _epoch: clean[samples], "features of clean inputs"
    crop = policy.model_copy(update=_PLAIN)
    encoder, like = session.model.encoder.eval(), session.batches.like

    def features_of(samples: Tensor, epoch: int) -> Tensor:
        pixels: Any = store[samples]
        assert isinstance(pixels, Pixels)
        views = augment(pixels, crop, Draws(_SEED, epoch, 0, samples)).to(like)
        with autocast(session):
            features: Tensor = encoder(views)
        return features.to(clean)

    return features_of, "features of random crops (area 0.08 to 1) and mirror images"


_PLAIN = {"scale": (0.08, 1.0), "ratio": (3 / 4, 4 / 3), "flip": 0.5} | dict.fromkeys(
    ("jitter", "grayscale", "blur", "solarize"), 0.0
)
"""Crop and flip alone, which papers train their classifiers on."""
