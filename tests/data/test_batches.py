"""Batches as a function of the step."""

import torch

from losslang.data.batches import Batches
from losslang.data.policies import Noise, Nothing

INPUTS = torch.arange(50, dtype=torch.float32)[:, None]


def batches(seed=0, size=8, inputs=INPUTS, **policies):
    return Batches(inputs, policies or {"a": Nothing(), "b": Noise(scale=1.0)}, size, seed)


def test_an_epoch_sees_every_sample_at_most_once_and_drops_the_rest():
    data = batches()
    assert data.steps_per_epoch == 6
    for epoch in range(3):
        seen = torch.cat([data.samples(epoch * 6 + at) for at in range(6)])
        assert len(seen) == len(seen.unique()) == 48


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = [batches(seed=s).samples(step).tolist() for s in (0, 1) for step in (0, 6)]
    assert len(set(map(tuple, orders))) == 4


def test_a_step_is_the_same_whatever_came_before():
    ahead = batches()
    for step in range(20):
        last = ahead.views(step)
    alone = batches().views(19)
    assert all(torch.equal(last[name], alone[name]) for name in "ab")


def test_views_show_the_same_samples():
    views = batches(a=Nothing(), b=Nothing(), c=Noise(scale=1e-3)).views(3)
    assert list(views) == ["a", "b", "c"]
    assert torch.equal(views["a"], views["b"])
    torch.testing.assert_close(views["c"], views["a"], atol=0.01, rtol=0)
    assert views["a"].shape == (8, 1)


def test_views_have_noise_of_their_own():
    views = batches(a=Noise(), b=Noise()).views(0)
    assert not torch.equal(views["a"], views["b"])


def test_precision_follows_the_data():
    assert batches(inputs=INPUTS.double()).views(0)["b"].dtype == torch.float64
