"""How a cloud of embeddings lies: its center, its residuals and its spectrum."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["center_norm", "effective_rank", "rankme", "residual_norm", "spread"]


def _unit(z: Tensor) -> Tensor:
    return F.normalize(z.double(), dim=-1)


def center_norm(z: Tensor) -> Tensor:
    """Length of the mean of the unit embeddings [sample, feature]: 0 balanced, 1 all the same (Jha et al. 2024)."""
    return _unit(z).mean(0).norm()


def residual_norm(z: Tensor) -> Tensor:
    """Mean length of the unit embeddings less their mean (Zhang et al. 2022, m_r)."""
    unit = _unit(z)
    return (unit - unit.mean(0)).norm(dim=1).mean()


def spread(z: Tensor) -> Tensor:
    """Mean over features of the standard deviation of the unit embeddings; 1/√features where they fill the sphere.

    It is the quantity that SimSiam's figure 2 plots (Chen and He 2021).
    """
    return _unit(z).std(0, correction=0).mean()


def effective_rank(z: Tensor) -> Tensor:
    """exp of the entropy of the normalised eigenvalues of the covariance of the unit embeddings, 1 to feature.

    Roy and Vetterli (2007), with the mean taken out, so that a long center does not hide the rank of the residuals.
    """
    unit = _unit(z)
    return _exp_entropy(torch.linalg.svdvals(unit - unit.mean(0)).square())


def rankme(z: Tensor) -> Tensor:
    """exp of the entropy of the normalised singular values of the embeddings as they are (Garrido et al. 2023, eq. 1)."""
    return _exp_entropy(torch.linalg.svdvals(z.double()))


def _exp_entropy(weights: Tensor) -> Tensor:
    """exp of the entropy of weights made to sum to 1; 1 where all are zero."""
    share = weights / weights.sum().clamp_min(torch.finfo(weights.dtype).tiny)
    return torch.special.entr(share).sum().exp()
