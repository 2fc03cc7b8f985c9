"""Coding rates and matrix information: SimDINO, MCR2, EMP-SSL, Matrix-SSL, MEC, and the Taylor form of log det."""

from __future__ import annotations

import torch
from torch import Tensor

from .formulas import cosine, eye, pairs, unit
from .registry import reference


def _half_logdet(z: Tensor, scale: float | Tensor) -> Tensor:
    """1/2 log det(I + scale z'z)."""
    return 0.5 * torch.logdet(eye(z) + scale * z.T @ z)


def rate(z: Tensor, distortion: float) -> Tensor:
    """Coding rate of the rows of z up to a squared distortion (Yu et al. 2020)."""
    n, d = z.shape
    return _half_logdet(z, d / (n * distortion))


@reference("simdino")
@reference("simdino_student", blend=False)
def simdino(
    s: Tensor, t: Tensor, distortion: float, expansion: float = 1.0, *, blend: bool = True, groups: int = 1
) -> Tensor:
    """Cosine between different views minus (1/D + 1/n) times the coding rate of the global views (Wu et al. 2025).

    The shipped default takes the rate of (student + teacher) / 2, and of each process's rows: `groups` of them."""
    every = pairs(len(t), len(s))
    compression = sum(cosine(s[v], t[u].detach()).mean() for u, v in every) / len(every)
    y = (unit(s[: len(t)]) + unit(t.detach())) / 2 if blend else unit(s[: len(t)])
    n, d = y.shape[1:]
    rates = [_half_logdet(rows, d / (n * distortion)) for view in y for rows in view.chunk(groups)]
    return -compression - expansion * (1 / d + 1 / n) * sum(rates) / len(rates)


@reference("simdino_raw")
def simdino_raw(s: Tensor, t: Tensor, distortion: float, expansion: float = 1.0) -> Tensor:
    """SimDINO as its first version computes it on rows of any length: cosines, but the rate of the rows as given."""
    every = pairs(len(t), len(s))
    compression = sum(cosine(s[v], t[u].detach()).mean() for u, v in every) / len(every)
    y = (s[: len(t)] + t.detach()) / 2
    n, d = y.shape[1:]
    rate_of_views = sum(_half_logdet(view, d / (n * distortion)) for view in y) / len(y)
    return -compression - expansion * (1 / d + 1 / n) * rate_of_views


@reference("mcr2")
def mcr2(z: Tensor, distortion: float, expansion: float, compression: float = 1.0) -> Tensor:
    """-rate of everything plus the mean rate of each image's views (Yu et al. 2020)."""
    u = unit(z)
    views, n, d = u.shape
    within = sum(_half_logdet(u[:, i], d / (views * distortion)) for i in range(n)) / n
    return -expansion * rate(u.flatten(0, 1), distortion) + compression * within


@reference("mcr2_labels")
def mcr2_labels(
    z: Tensor, labels: Tensor, distortion: float, expansion: float = 1.0, compression: float = 1.0
) -> Tensor:
    """MCR2 with given classes and rows as given; class sizes carry 1e-8 as in the authors' code (Yu et al. 2020)."""
    n, d = z.shape
    within = torch.zeros((), dtype=z.dtype)
    for label in labels.unique():
        rows = z[labels == label]
        count = len(rows) + 1e-8
        within = within + count / n * _half_logdet(rows, d / (count * distortion))
    return -expansion * rate(z, distortion) + compression * within


@reference("total_coding_rate")
def total_coding_rate(z: Tensor, distortion: float) -> Tensor:
    """-coding rate of the rows as given (Ma et al. 2007)."""
    return -sum(rate(view, distortion) for view in z) / len(z)


@reference("empssl")
@reference("empssl_lightly", sign=1.0)
def empssl(z: Tensor, align: float, distortion: float, *, sign: float = -1.0, raw: bool = False) -> Tensor:
    """-cos of every patch to the bag's mean minus the mean coding rate of the patches (Tong et al. 2023), of unit rows;
    `raw` takes the rows as given, as the authors' function."""
    e = z if raw else unit(z)
    bag = e.mean(0)
    similarity = sum(cosine(view, bag).mean() for view in e) / len(e)
    return -align * similarity + sign * sum(rate(view, distortion) for view in e) / len(e)


@reference("coding_rate")
def coding_rate(z: Tensor, distortion: float, strength: float = 1.0) -> Tensor:
    """Alignment minus the coding rate of the unit rows of each view."""
    u = unit(z)
    return -cosine(z[0], z[1]).mean() - strength * sum(rate(view, distortion) for view in u) / len(u)


@reference("coding_rate_taylor")
def coding_rate_taylor(z: Tensor, distortion: float, strength: float = 1.0) -> Tensor:
    """Alignment plus the expansion of -1/2 log det(I + a G) to second order: -a/2 tr G + a^2/4 ||G||^2 (G = z'z/n)."""
    u = unit(z)
    n, d = u.shape[1:]
    a = d / distortion
    moments = [view.T @ view / n for view in u]
    taylor = sum(-a / 2 * m.trace() + a**2 / 4 * m.square().sum() for m in moments) / len(moments)
    return -cosine(z[0], z[1]).mean() + strength * taylor


def _matrix_log(q: Tensor, order: int) -> Tensor:
    """The first terms of log(I + X) = X - X^2/2 + ..., X = q - I."""
    x = q - eye(q)
    return sum((-1) ** (k + 1) / k * torch.linalg.matrix_power(x, k) for k in range(1, order + 1))


def _cross(p: Tensor, z: Tensor) -> Tensor:
    """p' J z / N, J the centering matrix."""
    return (p - p.mean(0)).T @ (z - z.mean(0)) / len(p)


@reference("matrix_cross_entropy")
def matrix_cross_entropy(
    p: Tensor, z: Tensor, shrink: float, weight: float, order: int, *, correlation: bool
) -> Tensor:
    """-tr(P log Q) of unit rows: P = weight I and Q the cross-covariance, or P and Q the covariances, plus shrink I
    (Zhang et al. 2024)."""
    p, z = unit(p), unit(z)
    first = weight * eye(z) if correlation else _cross(p, p) + shrink * eye(p)
    second = _cross(p, z) if correlation else _cross(z, z)
    return -(first @ _matrix_log(second + shrink * eye(z), order)).trace()


@reference("matrixssl")
def matrixssl(z: Tensor, t: Tensor, mu: float, lambda_: float, gamma: float, order: int = 4) -> Tensor:
    """Half the sum over both directions of the alignment and gamma times the uniformity (Zhang et al. 2024)."""
    t = t.detach()
    value = lambda u, v, kind: matrix_cross_entropy(t[v], z[u], mu, lambda_, order, correlation=kind)  # noqa: E731
    return sum(value(u, v, True) + gamma * value(u, v, False) for u, v in pairs(2, 2)) / 2


@reference("mec")
def mec(z: Tensor, t: Tensor, scale: float, order: int = 4) -> Tensor:
    """-tr of the Taylor series of log(I + scale z1 z2') / (N scale), mean of both directions (Liu et al. 2022)."""
    z, t = unit(z), unit(t.detach())
    n = z.shape[1]
    codes = [_matrix_log(torch.eye(n, dtype=z.dtype) + scale * t[v] @ z[u].T, order).trace() for u, v in pairs(2, 2)]
    return -sum(codes) / (2 * n * scale)
