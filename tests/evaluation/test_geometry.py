"""The geometry of embeddings, against the definitions and known clouds."""

import math

import pytest
import torch

from losslang.evaluation.geometry import center_norm, effective_rank, rankme, residual_norm, spread

Z = torch.randn(60, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.5


def unit(z):
    return z / z.square().sum(1, keepdim=True).sqrt()


def test_center_and_residuals_against_their_definitions():
    u = unit(Z)
    center = sum(u) / len(u)
    assert center_norm(Z) == pytest.approx(math.sqrt(sum(c * c for c in center)))
    assert residual_norm(Z) == pytest.approx(sum(math.dist(row, center) for row in u.tolist()) / len(u))
    squares = (u - center).square().sum(1).mean()
    assert center_norm(Z) ** 2 + squares == pytest.approx(1)  # Zhang et al. 2022


def test_effective_rank_is_the_entropy_of_the_covariance():
    u = unit(Z)
    values = torch.linalg.eigvalsh((u - u.mean(0)).T @ (u - u.mean(0)) / len(u))
    share = values / values.sum()
    assert effective_rank(Z) == pytest.approx(math.exp(-sum(p * math.log(p) for p in share.tolist())))


def test_rankme_is_the_entropy_of_the_singular_values():
    values = torch.linalg.eigvalsh(Z.T @ Z).sqrt()
    share = values / values.sum()
    assert rankme(Z) == pytest.approx(math.exp(-sum(p * math.log(p) for p in share.tolist())))


@pytest.mark.parametrize(
    ("z", "center", "rank"),
    [
        (torch.eye(4).repeat(5, 1), 0.5, 3.0),  # the corners of a simplex
        (torch.cat([torch.eye(4), -torch.eye(4)]), 0.0, 4.0),
        (torch.tensor([[1.0, 0], [-1, 0]]).repeat(3, 1), 0.0, 1.0),
        (torch.tensor([[3.0, 4]]).repeat(7, 1), 1.0, 1.0),  # collapsed: no direction is left
        (torch.zeros(5, 3), 0.0, 1.0),
    ],
)
def test_known_clouds(z, center, rank):
    assert center_norm(z) == pytest.approx(center, abs=1e-7)
    if residual_norm(z) > 1e-7:
        assert effective_rank(z) == pytest.approx(rank)


def test_scale_of_rows_does_not_matter():
    scaled = Z * torch.rand(60, 1, dtype=torch.float64).add(0.1)
    for measure in (center_norm, residual_norm, effective_rank, spread):
        assert measure(scaled) == pytest.approx(float(measure(Z)))


def test_spread_of_a_sphere_is_one_over_root_features():
    z = torch.randn(20_000, 16, generator=torch.Generator().manual_seed(1))
    assert spread(z) == pytest.approx(16**-0.5, rel=0.01)
    assert spread(torch.ones(10, 16)) == pytest.approx(0, abs=1e-7)
