"""How a cloud of embeddings [sample, feature] lies: its center, its residuals and its spectrum."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = [
    "alpha_req",
    "center",
    "center_norm",
    "correlation",
    "effective_rank",
    "rankme",
    "residual_norm",
    "residual_rms",
    "spread",
]


def _unit(z: Tensor) -> Tensor:
    return F.normalize(z.double(), dim=-1)


def center(z: Tensor) -> Tensor:
    """The mean [feature] of the unit embeddings, in float64: the center vector o (Jha et al. 2024; Zhang et al. 2022)."""
    return _unit(z).mean(0)


def center_norm(z: Tensor) -> Tensor:
    """Length of the center, m_o: 0 balanced, 1 all the same (Jha et al. 2024)."""
    return center(z).norm()


def residual_norm(z: Tensor) -> Tensor:
    """Mean length of the unit embeddings less their mean (Zhang et al. 2022, m_r)."""
    return _residuals(z).norm(dim=1).mean()


def residual_rms(z: Tensor) -> Tensor:
    """Root mean square of the same lengths, which with the center norm makes m_o² + m_r² = 1 exactly."""
    return _residuals(z).square().sum(1).mean().sqrt()


def _residuals(z: Tensor) -> Tensor:
    unit = _unit(z)
    return unit - unit.mean(0)


def spread(z: Tensor) -> Tensor:
    """Mean over features of the standard deviation of the unit embeddings; 1/√features where they fill the sphere.

    It is the quantity that SimSiam's figure 2 plots (Chen and He 2021).
    """
    return _unit(z).std(0, correction=0).mean()


def correlation(z: Tensor) -> Tensor:
    """Root mean square of the correlations of different features: 0 decorrelated, 1 all features alike.

    The normalised form of the covariance term of VICReg, which Zhang et al. (2022) log. Features that do not vary count
    as uncorrelated.
    """
    z = z.double() - z.double().mean(0)
    scale = z.square().mean(0).sqrt()
    z = torch.where(scale > 0, z / scale.clamp_min(torch.finfo(z.dtype).tiny), 0.0)
    matrix, size = z.T @ z / len(z), z.shape[1]
    off = matrix.square().sum() - matrix.diagonal().square().sum()
    return (off.clamp_min(0) / max(size * (size - 1), 1)).sqrt()


def effective_rank(z: Tensor) -> Tensor:
    """exp of the entropy of the normalised eigenvalues of the covariance of the unit embeddings, 1 to feature.

    Roy and Vetterli (2007), with the mean taken out, so that a long center does not hide the rank of the residuals.
    """
    return _exp_entropy(torch.linalg.svdvals(_residuals(z)).square())


def rankme(z: Tensor) -> Tensor:
    """exp of the entropy of the normalised singular values of the embeddings as they are (Garrido et al. 2023, eq. 1)."""
    return _exp_entropy(torch.linalg.svdvals(z.double()))


def _exp_entropy(weights: Tensor) -> Tensor:
    """exp of the entropy of weights made to sum to 1; 1 where all are zero."""
    share = weights / weights.sum().clamp_min(torch.finfo(weights.dtype).tiny)
    return torch.special.entr(share).sum().exp()


def alpha_req(z: Tensor) -> Tensor:
    """The exponent α of eigenvalue_i ∝ i^−α of the covariance of the embeddings (Agrawal et al. 2022): 0 flat, large steep.

    The least-squares slope of log eigenvalue against log index, over eigenvalues above 10^−10 of the largest; 0 where
    fewer than two are.
    """
    values = torch.linalg.svdvals(z.double() - z.double().mean(0)).square()
    values = values[values > 1e-10 * values.max()]
    if len(values) < 2:
        return values.new_zeros(())
    x = torch.arange(1, len(values) + 1, dtype=values.dtype, device=values.device).log()
    x, y = x - x.mean(), values.log() - values.log().mean()
    return -(x @ y) / (x @ x)
