"""Whitening by columns: the values and gradients of the Cholesky factor of all of them, also of few rows."""

import pytest
import torch

from losslang.backend.whitening import whitened


def plain(x, scale, shift):
    matrix = scale * x.mT @ x + shift * torch.eye(x.shape[-1], dtype=x.dtype)
    return torch.linalg.solve_triangular(torch.linalg.cholesky(matrix), x.mT, upper=False).mT


def value_and_gradient(function, x, weights):
    x = x.clone().requires_grad_()
    value = function(x, 0.3, torch.tensor(0.02, dtype=x.dtype))
    return value.detach(), torch.autograd.grad((value.sin() * weights).sum(), x)[0]


@pytest.mark.parametrize("shape", [(9, 6), (2, 40, 300), (130, 400), (1, 3, 129), (70, 129), (200, 128)], ids=str)
def test_values_and_gradients_are_those_of_the_formula(shape):
    x, weights = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found, wanted = (value_and_gradient(function, x, weights) for function in (whitened, plain))
    for one, two in zip(found, wanted, strict=True):
        assert (one - two).abs().max() < 1e-12 * two.abs().max()


@pytest.mark.parametrize("rows", [64, 256])
def test_float32_is_as_exact_as_the_formula(rows):
    x, weights = torch.randn(2, rows, 512, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    exact = value_and_gradient(plain, x, weights)
    found, wanted = (value_and_gradient(function, x.float(), weights.float()) for function in (whitened, plain))
    for one, two, true in zip(found, wanted, exact, strict=True):
        assert (one - true).norm() < 2 * (two - true).norm()


def test_a_collapsed_covariance_is_told_of_in_whole():
    with pytest.raises(torch.linalg.LinAlgError, match="a covariance of 300 dimensions is not positive definite"):
        whitened(torch.zeros(8, 300), 1.0, 0.0)
