"""Losses on second moments: Barlow Twins, the VICReg family, TiCo, W-MSE, CorInfoMax, FroSSL, MMCR."""

from __future__ import annotations

import torch
from torch import Tensor

from .formulas import cosine, eye, off_diagonal, pairs, unit
from .registry import State, reference, stateful


def _covariance(z: Tensor, divisor: int) -> Tensor:
    centered = z - z.mean(0)
    return centered.T @ centered / divisor


@reference("barlow")
@reference("barlow_solo")
def barlow(z: Tensor, redundancy: float, scale: float = 1.0, eps: float = 1e-5) -> Tensor:
    """Cross-correlation of batch-normalised columns against the identity (Zbontar et al. 2021, eq. 1-2)."""
    a, b = (z - z.mean(1, keepdim=True)) / (z.var(1, keepdim=True, unbiased=False) + eps).sqrt()
    c = a.T @ b / len(a)
    return scale * ((1 - c.diagonal()).square().sum() + redundancy * off_diagonal(c).square().sum())


@reference("barlow_spt")
def barlow_spt(z: Tensor, redundancy: float, eps: float = 1e-5) -> Tensor:
    """stable-pretraining: unbiased standard deviation with eps added to it, C divided by N."""
    a, b = (z - z.mean(1, keepdim=True)) / (z.std(1, keepdim=True) + eps)
    c = a.T @ b / len(a)
    return (1 - c.diagonal()).square().sum() + redundancy * off_diagonal(c).square().sum()


def _hinge(z: Tensor, eps: float = 1e-4) -> Tensor:
    """mean_j relu(1 - sqrt(var_j + eps)), unbiased (Bardes et al. 2022, eq. 1-2)."""
    return (1 - (z.var(0) + eps).sqrt()).relu().mean()


def _penalty(z: Tensor) -> Tensor:
    """Squared off-diagonal covariance / D (Bardes et al. 2022, eq. 3-4)."""
    return off_diagonal(_covariance(z, len(z) - 1)).square().sum() / z.shape[1]


@reference("vicreg")
@reference("vicreg_solo", variance_views="sum")
@reference("vicregl_global", covariance_views="mean")
def vicreg(
    z: Tensor,
    invariance: float,
    variance: float,
    covariance: float,
    *,
    variance_views: str = "mean",
    covariance_views: str = "sum",
) -> Tensor:
    """Invariance, variance hinge and covariance (Bardes et al. 2022, eq. 6); in the authors' code the hinge is averaged
    over the views and the covariance summed. More than two views: pairs of a global view (the first two) with any other."""
    every = pairs(2, len(z))
    distance = sum((z[u] - z[v]).square().mean() for u, v in every) / len(every)
    hinge = sum(_hinge(v) for v in z) / (len(z) if variance_views == "mean" else 1)
    penalty = sum(_penalty(v) for v in z) / (len(z) if covariance_views == "mean" else 1)
    return invariance * distance + variance * hinge + covariance * penalty


@reference("vibcreg")
def vibcreg(z: Tensor, invariance: float, variance: float, covariance: float) -> Tensor:
    """VICReg with the hinge summed over views and the mean squared off-diagonal correlation (Lee & Aune 2021)."""
    distance = (z[0] - z[1]).square().mean()
    correlation = [unit(v - v.mean(0), dim=0) for v in z]
    penalty = sum(off_diagonal(c.T @ c).square().mean() for c in correlation)
    return invariance * distance + variance * sum(_hinge(v) for v in z) + covariance * penalty


@stateful("tico")
@stateful("tico_lightly", detach=True, constant=1.0)
def tico(
    state: State,
    z: Tensor,
    t: Tensor,
    redundancy: float,
    beta: float,
    *,
    detach: bool = False,
    constant: float = 0.0,
) -> tuple[Tensor, State]:
    """-cos plus rho z'Cz with C a running second moment that includes the batch (Zhu et al. 2022)."""
    u = unit(z)
    batch = u.T @ u / len(u)
    c = beta * state["c"] + (1 - beta) * (batch.detach() if detach else batch)
    loss = constant - cosine(z, t.detach()).mean() + redundancy * torch.einsum("ni,ij,nj->n", u, c, u).mean()
    return loss, {"c": c.detach()}


@stateful("tico_spt")
def tico_spt(state: State, z: Tensor, redundancy: float, beta: float) -> tuple[Tensor, State]:
    """stable-pretraining: centred covariance of both views' 2N unit rows without gradient, 2 - 2 cos, gradient to both."""
    u = unit(z)
    rows = u.flatten(0, 1).detach()
    c = beta * state["c"] + (1 - beta) * _covariance(rows, len(rows) - 1)
    align = 2 - 2 * cosine(z[0], z[1]).mean()
    return align + redundancy * torch.einsum("ni,ij,nj->n", u[0], c, u[0]).mean(), {"c": c}


def _whiten(z: Tensor, shrink: float) -> Tensor:
    """L^-1 (z - mean), L L' = (1 - shrink) covariance + shrink I (Ermolov et al. 2021)."""
    sigma = (1 - shrink) * _covariance(z, len(z) - 1) + shrink * eye(z)
    return torch.linalg.solve_triangular(torch.linalg.cholesky(sigma), (z - z.mean(0)).T, upper=False).T


@reference("wmse")
@reference("wmse_solo", detach=True)
def wmse(z: Tensor, rows: int, shrink: float = 0.0, *, detach: bool = False) -> Tensor:
    """2 - 2 cos of views whitened apart in groups of consecutive rows (Ermolov et al. 2021)."""
    groups = [
        2 - 2 * cosine(a, b.detach() if detach else b).mean()
        for a, b in (
            (_whiten(z[0, i : i + rows], shrink), _whiten(z[1, i : i + rows], shrink))
            for i in range(0, z.shape[1] - rows + 1, rows)
        )
    ]
    return sum(groups) / len(groups)


@reference("wmse_spt")
def wmse_spt(z: Tensor, floor: float) -> Tensor:
    """stable-pretraining: one symmetric whitening of both views' rows, eigenvalues at least `floor`, mean over D."""
    rows = z.flatten(0, 1)
    values, vectors = torch.linalg.eigh(_covariance(rows, len(rows) - 1))
    white = (rows - rows.mean(0)) @ vectors @ torch.diag(values.clamp(min=floor) ** -0.5) @ vectors.T
    a, b = unit(white).unflatten(0, z.shape[:2])
    return (a - b).square().mean()


def _blend(old: Tensor, new: Tensor, forget: float) -> Tensor:
    return forget * old + (1 - forget) * new


@stateful("corinfomax")
def corinfomax(
    state: State, z: Tensor, attract: float, forget: float, forget_mean: float, jitter: float = 1e-6
) -> tuple[Tensor, State]:
    """Distance minus the log-det of each view's running covariance / D, centred by the new mean (Ozsoy et al. 2022)."""
    mu = _blend(state["mu"], z.mean(1), forget_mean)
    centered = z - mu[:, None]
    r = _blend(state["r"], centered.transpose(1, 2) @ centered / z.shape[1], forget)
    spread = torch.logdet(r + jitter * eye(r)).sum() / z.shape[2]
    return attract * (z[0] - z[1]).square().mean() - spread, {"mu": mu.detach(), "r": r.detach()}


@stateful("corinfomax_imagenet")
def corinfomax_imagenet(
    state: State, z: Tensor, attract: float, forget: float, forget_mean: float, jitter: float = 1e-6
) -> tuple[Tensor, State]:
    """The authors' ImageNet code: one covariance of the rows of both views."""
    rows = z.flatten(0, 1)
    mu = _blend(state["mu"], rows.mean(0), forget_mean)
    r = _blend(state["r"], (rows - mu).T @ (rows - mu) / len(rows), forget)
    spread = torch.logdet(r + jitter * eye(r)) / z.shape[2]
    return attract * (z[0] - z[1]).square().mean() - spread, {"mu": mu.detach(), "r": r.detach()}


def _log_purity(z: Tensor) -> Tensor:
    """2 log ||K / tr K||_F, K = z'z."""
    k = z.T @ z
    return 2 * (k / k.trace()).norm().log()


@reference("frossl")
def frossl(z: Tensor, invariance: float) -> Tensor:
    """Frobenius entropy of columns of unit length plus V D times the distance to the mean view (Skean et al. 2024)."""
    u = unit(z, dim=1)
    weight = invariance * z.shape[0] * z.shape[2]
    return sum(_log_purity(v) + weight * (v - u.mean(0)).square().mean() for v in u)


@reference("frossl_twoview")
def frossl_twoview(z: Tensor, invariance: float) -> Tensor:
    """The authors' two-view code: standardised columns of length sqrt(D), plain mean squared difference."""
    u = unit(z - z.mean(1, keepdim=True), dim=1) * z.shape[2] ** 0.5
    return _log_purity(u[0]) + _log_purity(u[1]) + invariance * (u[0] - u[1]).square().mean()


def _nuclear(z: Tensor) -> Tensor:
    return torch.linalg.matrix_norm(z, ord="nuc")


@reference("mmcr")
def mmcr(z: Tensor, compress: float) -> Tensor:
    """-nuclear norm of the centroids plus the mean nuclear norm of each image's views (Yerxa et al. 2023)."""
    u = unit(z)
    return compress * _nuclear(u.transpose(0, 1)).mean() - _nuclear(u.mean(0))


@reference("mmcr_momentum")
@reference("mmcr_momentum_target", detach=True)
def mmcr_momentum(z: Tensor, t: Tensor, compress: float, *, detach: bool = False) -> Tensor:
    """The momentum form: centroids average the online and the target centroid, local norms of the online views."""
    t = t.detach() if detach else t
    u = unit(z)
    centroid = (u.mean(0) + unit(t).mean(0)) / 2
    return compress * _nuclear(u.transpose(0, 1)).mean() - _nuclear(centroid)


@reference("mmcr_lightly")
@reference("mmcr_lightly_target", detach=True)
def mmcr_lightly(z: Tensor, t: Tensor, compress: float, *, detach: bool = False) -> Tensor:
    """lightly: nothing is normalised; online and target views form one set."""
    both = torch.cat([z, t.detach() if detach else t])
    return compress * _nuclear(both.transpose(0, 1)).mean() - _nuclear(both.mean(0))
