"""Random numbers by counter: who draws decides, not when or beside whom."""

import torch

from losslang.data.counter import Draws, mix


def draws(samples, **changes):
    key = {"seed": 1, "epoch": 2, "view": 0} | changes
    return Draws(samples=torch.as_tensor(samples), **key)


def test_numbers_do_not_depend_on_the_batch():
    everyone = draws(range(100)).normal("noise", 7)
    some = [93, 5, 41, 5]
    assert torch.equal(draws(some).normal("noise", 7), everyone[some])
    assert torch.equal(draws([5]).normal("noise", 7)[0], everyone[5])


def test_every_part_of_the_key_matters():
    base = draws(range(50)).uniform("noise", 3)
    others = [
        draws(range(50), seed=2).uniform("noise", 3),
        draws(range(50), epoch=3).uniform("noise", 3),
        draws(range(50), view=1).uniform("noise", 3),
        draws(range(50, 100)).uniform("noise", 3),
        draws(range(50)).uniform("place", 3),
    ]
    for other in others:
        assert (other == base).float().mean() < 0.02
    assert len({mix(1, 2), mix(2, 1), mix(1), mix(1, 2, 0), mix(-1), mix(2**64 + 1, 2, 1)}) == 6


def test_the_scrambler_is_splitmix64():
    """The first outputs of splitmix64 from state 0, as published with it."""
    from losslang.data.counter import _GOLDEN, _MASK, _scramble, _scrambled, _signed

    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    states = [(k + 1) * _GOLDEN & _MASK for k in range(3)]
    assert [_scramble(state) for state in states] == expected
    assert [x & _MASK for x in _scrambled(torch.tensor([_signed(s) for s in states])).tolist()] == expected


def test_uniform_numbers_are_uniform():
    u = draws(range(20_000)).uniform("noise", 4).double()
    assert 0 <= u.min() <= u.max() < 1
    counts = torch.histc(u, 64, 0, 1)
    expected = u.numel() / 64
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert 30 < chi_square < 110  # 63 degrees of freedom
    assert (torch.corrcoef(u.T) - torch.eye(4)).abs().max() < 0.03
    neighbours = torch.stack([u[:-1, 0], u[1:, 0]])
    assert torch.corrcoef(neighbours)[0, 1].abs() < 0.03


def test_normal_numbers_are_normal():
    g = draws(range(20_000)).normal("noise", 3).double()
    assert g.shape == (20_000, 3)
    assert g.mean(0).abs().max() < 0.03
    assert (g.var(0) - 1).abs().max() < 0.04
    assert ((g**4).mean(0) - 3).abs().max() < 0.2
    assert (torch.corrcoef(g.T) - torch.eye(3)).abs().max() < 0.03
