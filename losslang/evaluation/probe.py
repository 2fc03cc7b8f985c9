"""The linear probe: what a linear classifier reads from a representation."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["probe_accuracy", "probe_predict"]


def probe_predict(train: Tensor, labels: Tensor, test: Tensor, *, ridge: float = 1e-3) -> Tensor:
    """Classes [sample] by ridge regression on one-hot labels, in closed form and float64, so without a seed.

    Features are standardised by the training part; the penalty is `ridge` times the number of samples, none on the
    intercept. `train` and `test` are [sample, feature], `labels` [sample] with classes from 0.
    """
    train, test = train.double(), test.double()
    mean, scale = train.mean(0), train.std(0, correction=0).clamp_min(1e-6)
    inputs = (train - mean) / scale
    targets = F.one_hot(labels).to(inputs.dtype)
    penalty = ridge * len(inputs) * torch.eye(inputs.shape[1], dtype=inputs.dtype, device=inputs.device)
    weights = torch.linalg.solve(inputs.T @ inputs + penalty, inputs.T @ (targets - targets.mean(0)))
    return ((test - mean) / scale @ weights + targets.mean(0)).argmax(1)


def probe_accuracy(train: Tensor, labels: Tensor, test: Tensor, test_labels: Tensor, *, ridge: float = 1e-3) -> float:
    """Share of test samples whose class `probe_predict` finds; `test_labels` [sample], the rest as there."""
    return float((probe_predict(train, labels, test, ridge=ridge) == test_labels).float().mean())
