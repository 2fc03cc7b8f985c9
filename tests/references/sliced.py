"""Losses on one-dimensional projections: SIGReg (LeJEPA) and VISReg."""

from __future__ import annotations

import torch
from torch import Tensor

from .registry import reference


def sigreg_of_rows(z: Tensor, directions: Tensor, knots: int, end: float) -> Tensor:
    """Epps-Pulley statistic of the rows along every direction, mean over directions (Balestriero & LeCun 2025).

    N times the integral over [-end, end] of |empirical characteristic function - exp(-t^2/2)|^2 exp(-t^2/2), folded."""
    t = torch.linspace(0, end, knots, dtype=z.dtype)
    x = (z @ directions)[..., None] * t
    target = torch.exp(-(t**2) / 2)
    error = (x.cos().mean(0) - target).square() + x.sin().mean(0).square()
    return len(z) * 2 * torch.trapezoid(error * target, t).mean()


@reference("sigreg")
def sigreg(z: Tensor, directions: Tensor, knots: int = 17, end: float = 3.0) -> Tensor:
    """SIGReg of every view, mean over the views."""
    return sum(sigreg_of_rows(view, directions, knots, end) for view in z) / len(z)


def _spread(z: Tensor, views: int) -> Tensor:
    """Mean squared distance of every view to the mean of the first `views`."""
    return (z - z[:views].mean(0)).square().mean()


@reference("lejepa")
def lejepa(z: Tensor, directions: Tensor, lambda_: float, knots: int = 17, end: float = 3.0) -> Tensor:
    """lambda SIGReg + (1 - lambda) distance to the mean of all views (Balestriero & LeCun 2025)."""
    return lambda_ * sigreg(z, directions, knots, end) + (1 - lambda_) * _spread(z, len(z))


@reference("lejepa_lightly")
def lejepa_lightly(z: Tensor, directions: Tensor, lambda_: float, knots: int = 17, end: float = 3.0) -> Tensor:
    """lightly: the distance is to the mean of the two global views."""
    return lambda_ * sigreg(z, directions, knots, end) + (1 - lambda_) * _spread(z, 2)


@reference("lejepa_spt")
def lejepa_spt(z: Tensor, directions: Tensor, lambda_: float, knots: int = 17, end: float = 3.0) -> Tensor:
    """stable-pretraining: one statistic for the rows of all views, and the distance is not weighted."""
    return lambda_ * sigreg_of_rows(z.flatten(0, 1), directions, knots, end) + _spread(z, 2)


def _quantiles(n: int, like: Tensor) -> Tensor:
    """Normal quantiles at i / (n + 1)."""
    levels = torch.arange(1, n + 1, dtype=like.dtype) / (n + 1)
    return torch.special.ndtri(levels)


@reference("visreg")
@reference("visreg_spt", eps_shape=1e-6, eps_scale=1e-6)
def visreg(
    z: Tensor,
    directions: Tensor,
    lambda_: float,
    scale: float,
    shape: float,
    center: float,
    eps_shape: float = 1e-4,
    eps_scale: float = 0.0,
) -> Tensor:
    """Distance to the mean of the global views; per view scale, sliced Wasserstein shape and center (Wu et al. 2026,
    eq. 1, 5, 6 and 8)."""
    mean = z.mean(1, keepdim=True)
    std = (z - mean).square().mean(1, keepdim=True).sqrt()
    y = ((z - mean) / (std.detach() + eps_shape)) @ directions
    quantiles = _quantiles(z.shape[1], z)[:, None]
    wasserstein = (y.sort(1).values - quantiles).square().mean()
    regular = scale * (1 - std - eps_scale).square().mean() + shape * wasserstein + center * mean.square().mean()
    return (1 - lambda_) * _spread(z, 2) + lambda_ * regular
