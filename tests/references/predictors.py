"""Siamese losses without negatives: SimSiam, BYOL and the probes of Zhang et al. (2022)."""

from __future__ import annotations

from torch import Tensor

from .formulas import cosine, pairs, unit
from .registry import reference


@reference("simsiam")
@reference("simsiam_no_stopgrad", detach=False)
def simsiam(p: Tensor, z: Tensor, *, detach: bool = True) -> Tensor:
    """-cos(p, sg z) averaged over both directions (Chen & He 2021, eq. 1-3)."""
    z = z.detach() if detach else z
    return -sum(cosine(p[u], z[v]).mean() for u, v in pairs(2, 2)) / 2


@reference("simsiam_no_predictor")
def simsiam_no_predictor(z: Tensor) -> Tensor:
    """SimSiam with the identity as predictor; the stop-gradient stays."""
    return simsiam(z, z)


@reference("simsiam_bias")
def simsiam_bias(z: Tensor, bias: Tensor) -> Tensor:
    """One bias layer on the unit embedding as predictor (Zhang et al. 2022)."""
    return simsiam(unit(z) + bias, z)


@reference("simsiam_mirror")
def simsiam_mirror(p: Tensor, z: Tensor) -> Tensor:
    """Mirror SimSiam: the stop-gradient is on the predictor's side (Zhang et al. 2022)."""
    return simsiam(z, p)


@reference("simsiam_symmetric")
def simsiam_symmetric(p: Tensor) -> Tensor:
    """The predictor on both sides, the target stopped (Zhang et al. 2022)."""
    return simsiam(p, p)


@reference("simsiam_inverse")
def simsiam_inverse(p: Tensor, z: Tensor, r: Tensor) -> Tensor:
    """The target is the inverse predictor of the other branch, itself trained to give back z (Zhang et al. 2022)."""
    return simsiam(p, r) - sum(cosine(r[v], z[v].detach()).mean() for v in range(2)) / 2


@reference("byol")
@reference("byol_spt", scale=0.5)
def byol(p: Tensor, t: Tensor, *, detach: bool = True, scale: float = 1.0) -> Tensor:
    """Squared distance of unit vectors, 2 - 2 cos, summed over both directions (Grill et al. 2020, eq. 2-3)."""
    t = t.detach() if detach else t
    return scale * sum((unit(p[u]) - unit(t[v])).square().sum(-1).mean() for u, v in pairs(2, 2))


@reference("byol_no_ema")
def byol_no_ema(p: Tensor, z: Tensor) -> Tensor:
    """BYOL whose target is the stopped online embedding."""
    return byol(p, z)


@reference("byol_attached")
def byol_attached(p: Tensor, z: Tensor) -> Tensor:
    """BYOL's distance with gradient to both sides."""
    return byol(p, z, detach=False)


def _towards(p: Tensor, target: Tensor) -> Tensor:
    """-<unit p, sg target>, mean over rows and both directions; target [view, batch, feature] of the other view."""
    return -sum((unit(p[u]) * target[v].detach()).sum(-1).mean() for u, v in pairs(2, 2)) / 2


@reference("extra_center")
def extra_center(p: Tensor, z: Tensor) -> Tensor:
    """The basic gradient of SimSiam plus the center part o_z - o_p of the extra one (Zhang et al. 2022)."""
    center = unit(z).mean(1, keepdim=True) - unit(p).mean(1, keepdim=True)
    return _towards(p, unit(p) + center)


@reference("extra_residual")
def extra_residual(p: Tensor, z: Tensor) -> Tensor:
    """The basic gradient of SimSiam plus the residual part r_z - r_p of the extra one (Zhang et al. 2022)."""
    residual = lambda x: unit(x) - unit(x).mean(1, keepdim=True)  # noqa: E731
    return _towards(p, unit(p) + residual(z) - residual(p))
