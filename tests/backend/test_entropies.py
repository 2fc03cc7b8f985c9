"""Cross entropies of views, some rows at a time: those of the formula, in value and gradient."""

import pytest
import torch

from losslang.backend import entropies


def plain(q, x, scale, pairs):
    return -sum((q[u] * (scale * x[v]).log_softmax(-1)).sum(-1).mean() for u, v in pairs)


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize("shape", [(70, 2000), (3, 5), (2, 7, 3)], ids=str)
@pytest.mark.parametrize("pairs", [[(0, 0)], [(0, 1), (1, 0)], [(0, 0), (0, 2), (1, 0), (1, 1), (1, 1)]], ids=str)
def test_tiles_add_up(shape, pairs):
    q, x = draw(2, *shape), draw(3, *shape, seed=1)
    wanted = plain(q, x, 2.5, pairs)
    for value in (entropies.cross_entropies(q, x, 2.5, pairs), entropies.entropies_as_written(q, 2.5 * x, pairs)):
        assert value.item() == pytest.approx(wanted.item(), rel=1e-12)
        both = (torch.autograd.grad(total * 3, (q, x), retain_graph=True) for total in (value, wanted))
        for found, expected in zip(*both, strict=True):
            assert (found - expected).abs().max() <= 1e-12 * expected.abs().max()


def test_large_scores_stay_in_range():
    x = 1e4 * torch.ones(5, 7).cumsum(-1).requires_grad_()
    value = entropies.cross_entropies(x.detach().softmax(-1), x, 30.0)
    assert value.item() == 0
    assert torch.autograd.grad(value, x)[0].abs().max() == 0


def test_a_target_that_takes_no_gradient_has_none():
    q, x = draw(4, 6).detach(), draw(4, 6, seed=1)
    entropies.cross_entropies(q, x, 1.0).backward()
    assert q.grad is None
    assert x.grad is not None


def test_many_rows_have_several_tiles():
    assert [rows.start for rows in entropies.rows_in_cache(torch.empty(2, 70, 1000))] == [0, 32, 64]
