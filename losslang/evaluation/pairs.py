"""How views of the same sample lie to each other: measures of embeddings [draw, sample, feature], one draw per augmentation."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["alignment", "lidar", "uniformity"]

_RIDGE = 1e-4  # δ of LiDAR


def alignment(z: Tensor) -> Tensor:
    """Mean squared distance of the unit embeddings of two draws of a sample, 0 to 4 (Wang and Isola 2020, α = 2)."""
    unit = F.normalize(z.double(), dim=-1)
    return (unit[0] - unit[1]).square().sum(-1).mean()


def uniformity(z: Tensor) -> Tensor:
    """log mean exp(−2‖u_i − u_j‖²) over pairs of different samples, −8 to 0; low where they fill the sphere.

    Wang and Isola (2020), t = 2, on the unit embeddings of the first draw.
    """
    unit = F.normalize(z[0].double(), dim=-1)
    squares, rows = unit.square().sum(-1), len(unit)
    distances = (squares[:, None] + squares - 2 * unit @ unit.T).clamp_min(0)  # a fourth of the time of torch.pdist
    return ((distances.mul(-2).exp().sum() - rows) / (rows * (rows - 1))).log()


def lidar(z: Tensor) -> Tensor:
    """exp of the entropy of the normalised eigenvalues of Σ_w^−½ Σ_b Σ_w^−½ (Thilak et al. 2023, eq. 1 to 4).

    Each sample is a class of its own and its draws are the members: Σ_b is the covariance of the means of the samples,
    Σ_w + δI that within them. 1 to feature; a direction counts where samples differ more than their views do. NaN where an
    embedding is not finite.
    """
    z = z.double()
    means = z.mean(0)
    within = (z - means).flatten(0, 1)
    between = means - means.mean(0)
    noise = within.T @ within / len(within)
    if not noise.isfinite().all():
        return noise.new_tensor(torch.nan)
    rounding = torch.finfo(z.dtype).eps * len(noise) * float(noise.trace())  # of rows so long that δ is lost in it
    noise += max(_RIDGE, rounding) * torch.eye(len(noise), dtype=z.dtype, device=z.device)
    # Σ_w^−½ Σ_b Σ_w^−½ has the squared singular values of B L^−⊤ where L L^⊤ = Σ_w and B^⊤ B = Σ_b
    whitened = torch.linalg.solve_triangular(torch.linalg.cholesky(noise), between.T, upper=False)
    values = torch.linalg.svdvals(whitened).square()
    share = values / values.sum().clamp_min(torch.finfo(values.dtype).tiny)
    return torch.special.entr(share).sum().exp()
