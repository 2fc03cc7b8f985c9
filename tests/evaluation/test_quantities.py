"""Every row of the tables of diagnostics against a float64 reference that is written out from its formula."""

import math
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from losslang.evaluation import geometry
from losslang.evaluation.quantities import CLOUD, DRAWS, of_cloud, of_draws, turn

RANDOM = np.random.default_rng(3)
DRAWN = RANDOM.standard_normal((4, 40, 5)) * [1, 2, 0.5, 1, 0.1] + 2 * RANDOM.standard_normal((40, 5)) + 0.7


def units(z):
    return z / np.sqrt((z**2).sum(-1, keepdims=True))


def entropy_rank(weights):
    share = np.asarray(weights) / np.sum(weights)
    return math.exp(-sum(p * math.log(p) for p in share if p > 0))


def correlation(z):
    matrix = np.corrcoef(z.T)
    return math.sqrt(np.mean([matrix[k, m] ** 2 for k in range(len(matrix)) for m in range(len(matrix)) if k != m]))


def alpha(z):
    values = np.sort(np.linalg.eigvalsh(np.cov(z.T)))[::-1]
    return -np.polyfit(np.log(np.arange(1, len(values) + 1)), np.log(values), 1)[0]


def lidar(z):
    draws, samples, features = z.shape
    means = z.mean(0)
    within = sum(np.outer(d, d) for i in range(samples) for d in z[:, i] - means[i]) / (draws * samples)
    between = np.cov(means.T, bias=True)
    values, vectors = np.linalg.eigh(within + 1e-4 * np.eye(features))
    root = vectors @ np.diag(values**-0.5) @ vectors.T
    return entropy_rank(np.linalg.eigvalsh(root @ between @ root))


CLOUD_REFERENCES = {
    "center_norm": lambda z: np.linalg.norm(units(z).mean(0)),
    "residual_norm": lambda z: np.mean([np.linalg.norm(u - units(z).mean(0)) for u in units(z)]),
    "residual_rms": lambda z: math.sqrt(np.mean([((u - units(z).mean(0)) ** 2).sum() for u in units(z)])),
    "spread": lambda z: units(z).std(0).mean(),
    "correlation": correlation,
    "effective_rank": lambda z: entropy_rank(np.linalg.eigvalsh(np.cov(units(z).T))),
    "rankme": lambda z: entropy_rank(np.sqrt(np.linalg.eigvalsh(z.T @ z))),
    "alpha_req": alpha,
}
DRAWS_REFERENCES = {
    "alignment": lambda z: np.mean([((a - b) ** 2).sum() for a, b in zip(units(z[0]), units(z[1]), strict=True)]),
    "uniformity": lambda z: math.log(
        np.mean([math.exp(-2 * ((a - b) ** 2).sum()) for a, b in combinations(units(z[0]), 2)])
    ),
    "lidar": lidar,
}


@pytest.mark.parametrize("name", CLOUD)
def test_of_a_cloud(name):
    for z in DRAWN:
        assert float(CLOUD[name].of(torch.as_tensor(z))) == pytest.approx(CLOUD_REFERENCES[name](z), rel=1e-9)


def test_lidar_of_a_cloud_that_went_far_is_a_number():
    """Draws far apart along one line: the ridge is lost in rounding, and the factor of the covariance with it."""
    far = np.ones((2, 40, 1)) * np.linspace(1, 1e9, 40)[:, None] * np.arange(1, 25) * np.array([1, -3])[:, None, None]
    assert 1 <= float(DRAWS["lidar"].of(torch.as_tensor(far))) <= 24
    assert math.isnan(DRAWS["lidar"].of(torch.as_tensor(far * math.nan)))


@pytest.mark.parametrize("name", DRAWS)
def test_of_draws(name):
    assert float(DRAWS[name].of(torch.as_tensor(DRAWN))) == pytest.approx(DRAWS_REFERENCES[name](DRAWN), rel=1e-9)


def test_every_row_has_a_formula_a_source_and_its_own_name():
    rows = {**CLOUD, **DRAWS}
    assert len(rows) == len(CLOUD) + len(DRAWS)
    assert all(row.name == name and row.formula and row.source for name, row in rows.items())


def test_only_cheap_rows_where_they_are_asked_for():
    z = torch.as_tensor(DRAWN)
    assert set(of_cloud(z[0])) == set(CLOUD)
    assert set(of_cloud(z[0], cheap=True)) == {name for name, row in CLOUD.items() if row.cost == "step"}
    assert set(of_draws(z, cheap=True)) == {"alignment", "uniformity"}


@given(st.integers(2, 30), st.integers(1, 8), st.floats(-20, 20), st.floats(1e-3, 1e3), st.integers(0, 2**31))
def test_center_and_residual_share_the_length_exactly(rows, features, shift, scale, seed):
    z = scale * torch.randn(rows, features, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + shift
    assert geometry.center_norm(z) ** 2 + geometry.residual_rms(z) ** 2 == pytest.approx(1, abs=1e-12)


def test_what_collapsed_gives_numbers_too():
    collapsed = torch.ones(3, 20, 4)
    assert all(math.isfinite(value) for value in {**of_cloud(collapsed[0]), **of_draws(collapsed)}.values())
    assert of_cloud(collapsed[0])["alpha_req"] == 0
    assert of_cloud(torch.zeros(20, 4))["correlation"] == 0


def test_known_values():
    line = torch.linspace(-1, 1, 50)[:, None] * torch.tensor([[1.0, -2.0, 3.0]])
    assert geometry.correlation(line) == pytest.approx(1)
    steep = torch.linalg.qr(torch.randn(60, 4, dtype=torch.float64))[0]
    steep = torch.linalg.qr(steep - steep.mean(0))[0] * torch.arange(1, 5).double().pow(-0.75)
    assert geometry.alpha_req(steep) == pytest.approx(1.5, rel=1e-6)


def test_a_turn_is_a_cosine():
    x, y = torch.tensor([2.0, 0]), torch.tensor([1.0, 1])
    assert turn(x, x) == pytest.approx(1)
    assert turn(x, y) == pytest.approx(0.5**0.5)
    assert turn(x, -x) == pytest.approx(-1)
    assert turn(x, 0 * x) == 0
