"""Sums of cosines and sines at even knots, tile by tile: those of the formula, in value and gradient."""

import pytest
import torch

from losslang.backend import waves


def plain(x, start, stop, count):
    angles = x[..., None] * torch.linspace(start, stop, count, dtype=x.dtype)
    return angles.cos().sum(-3), angles.sin().sum(-3)


@pytest.mark.parametrize("ends", [(0, 3, 17), (-1.5, 2, 6), (2, 2, 1)], ids=str)
@pytest.mark.parametrize("shape", [(70, 2000), (3, 5, 4), (2, 2, 7, 3)], ids=str)
def test_tiles_add_up(shape, ends):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    gradients = []
    for found in (waves.waves(x, *ends), plain(x, *ends)):
        weights = torch.linspace(-1, 2, found[0].numel(), dtype=x.dtype).view_as(found[0])
        total = (found[0] * weights).sum() + (found[1] * weights.flip(-1)).sum()
        gradients.append((*found, *torch.autograd.grad(total, x)))
    for one, two in zip(*gradients, strict=True):
        assert (one - two).abs().max() <= 1e-12 * two.abs().max()


def test_a_batch_of_many_rows_has_several_tiles():
    assert len(waves.tiles_of(torch.empty(2, 70, 2000))) == 2 * 3


def test_the_compiler_gets_plain_sums():
    compiled = torch.compile(waves.waves, fullgraph=True, backend="aot_eager")
    x = torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    gradients = []
    for found in (compiled(x, -1.0, 2.0, 5), plain(x, -1, 2, 5)):
        total = (found[0] * found[1].flip(-1)).sum()
        gradients.append((*found, *torch.autograd.grad(total, x)))
    for one, two in zip(*gradients, strict=True):
        assert (one - two).abs().max() <= 1e-12 * two.abs().max()
