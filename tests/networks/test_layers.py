"""Layers against their formulas, in float64."""

import pytest
import torch
from torch import nn

from losslang.networks.layers import BiasLayer, IterNorm, Normalize, Prototypes, ScaleBatchNorm


@pytest.fixture
def z():
    generator = torch.Generator().manual_seed(0)
    mixed = torch.randn(200, 8, generator=generator, dtype=torch.float64)
    return mixed @ torch.randn(8, 8, generator=generator, dtype=torch.float64) + 3


def test_bias_layer_starts_as_the_identity(z):
    layer = BiasLayer(8).double()
    assert torch.equal(layer(z), z)
    layer.bias.data.fill_(2)
    assert torch.equal(layer(z), z + 2)


def test_normalize_gives_unit_rows(z):
    torch.testing.assert_close(Normalize()(z), z / z.square().sum(1, keepdim=True).sqrt())


def test_scale_batch_norm_has_no_shift(z):
    layer = ScaleBatchNorm(8).double()
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    layer.weight.data.uniform_(1, 2)
    variance = z.var(0, correction=0)
    torch.testing.assert_close(layer(z), (z - z.mean(0)) / (variance + 1e-5).sqrt() * layer.weight)
    torch.testing.assert_close(layer.running_var, 0.9 + 0.1 * z.var(0, correction=1))
    layer.eval()
    expected = (z - layer.running_mean) / (layer.running_var + 1e-5).sqrt() * layer.weight
    torch.testing.assert_close(layer(z), expected)


@pytest.mark.parametrize("rows", ["free", "weight_norm", "project"])
def test_prototypes_score_by_products(z, rows):
    layer = Prototypes(8, 5, rows).double()
    layer.project()
    weight = layer.weight.detach()
    unit = weight / weight.norm(dim=1, keepdim=True)
    torch.testing.assert_close(layer(z), z @ (weight if rows == "free" else unit).T)
    assert torch.allclose(weight.norm(dim=1), torch.ones(5).double()) == (rows == "project")


def test_weight_norm_rows_have_gradient_across_them_only(z):
    layer = Prototypes(8, 5, "weight_norm").double()
    layer(z).sum().backward()
    along = (layer.weight.grad * layer.weight).sum(1)
    torch.testing.assert_close(along, torch.zeros(5).double(), atol=1e-10, rtol=0)


class TestIterNorm:
    def test_whitens_as_the_inverse_root_of_the_covariance_does(self, z):
        z = z - z.mean(0) + torch.randn(z.shape, generator=torch.Generator().manual_seed(1)) * 5  # well conditioned
        layer = IterNorm(8, groups=1, iterations=12).double()
        covariance = torch.cov(z.T, correction=0) + 1e-5 * torch.eye(8).double()
        values, vectors = torch.linalg.eigh(covariance)
        root = vectors @ torch.diag(values**-0.5) @ vectors.T
        torch.testing.assert_close(layer(z), (z - z.mean(0)) @ root, atol=1e-6, rtol=1e-6)

    def test_takes_as_many_steps_of_newton_as_it_is_told(self, z):
        centered = z - z.mean(0)
        sigma = centered.T @ centered / len(z) + 1e-5 * torch.eye(8).double()
        root = torch.eye(8).double()
        for _ in range(2):
            root = (3 * root - torch.linalg.matrix_power(root, 3) @ (sigma / sigma.trace())) / 2
        expected = centered @ root / sigma.trace().sqrt()
        torch.testing.assert_close(IterNorm(8, groups=1, iterations=2).double()(z), expected)

    def test_groups_do_not_mix(self, z):
        layer = IterNorm(8, groups=2).double()
        before = layer(z)
        z[:, 4:] = z[:, 4:].roll(1, 0) ** 3
        torch.testing.assert_close(layer(z)[:, :4], before[:, :4])

    def test_sizes_that_do_not_divide_give_smaller_groups(self):
        layer = IterNorm(100, groups=64)
        assert (layer.groups, layer.size) == (50, 2)
        assert IterNorm(2048).size == 32  # as in VIbCReg's code

    def test_evaluation_uses_running_statistics(self, z):
        layer = IterNorm(8).double()
        for _ in range(300):
            trained = layer(z)
        layer.eval()
        torch.testing.assert_close(layer(z), trained)
        torch.testing.assert_close(layer(z[:1]), trained[:1])

    def test_gradient(self):
        layer = IterNorm(4, groups=2, iterations=3).double()
        z = torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)
        assert torch.autograd.gradcheck(layer, (z,))


@pytest.mark.parametrize(
    "layer", [BiasLayer(8), Normalize(), ScaleBatchNorm(8), Prototypes(8, 5, "weight_norm"), IterNorm(8)]
)
def test_layers_compile_as_one_graph(z, layer: nn.Module):
    layer = layer.double()
    layer(z)
    compiled = torch.compile(layer, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(z), layer(z))
