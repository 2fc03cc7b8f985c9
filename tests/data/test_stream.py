"""Batches of many seeds at once are those of each seed."""

import pytest
import torch

from losslang.data import stream
from losslang.data.batches import Batches
from losslang.data.policies import Noise, Nothing
from losslang.data.stream import Stream

INPUTS = torch.randn(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
SEEDS = (4, 0, 9)


def batches():
    policies = {"a": Nothing(), "b": Noise(scale=1.0)}
    return [Batches(INPUTS, policies, 8, seed, torch.empty(0, dtype=torch.float64)) for seed in SEEDS]


@pytest.mark.parametrize("at_once", [1, 150, 10**6])
def test_however_many_steps_are_made_at_once_each_seed_sees_its_batches(monkeypatch, at_once):
    monkeypatch.setattr(stream, "_AT_ONCE", at_once)
    joint, alone = Stream(batches()), batches()
    for step in (0, 1, 5, 6, 7, 3, 20):  # an epoch has six
        for order in ((0, 1, 2), (2, 0)):
            views = joint.views(step, [SEEDS[at] for at in order])
            for place, at in enumerate(order):
                for view, expected in zip(views, alone[at].views(step).values(), strict=True):
                    torch.testing.assert_close(view[place], expected, rtol=1e-12, atol=1e-12)
