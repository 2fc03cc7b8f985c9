"""Every loss on a device that is pretended: forward, backward and state mix no tensors of two devices and wait for none."""

import pytest
import torch

from tests.pretended import Pretended
from tests.specs.trials import TRIALS

ASKS = {"deepcluster2": "int(self.step)"}
"""Clusters are made anew every so many steps: whether they are is asked of the device, after the step."""


@pytest.mark.parametrize("name", TRIALS)
def test_a_loss_stays_on_its_device_and_never_waits(name):
    trial = TRIALS[name]
    loss, rows = trial.compile(name), trial.rows()
    for seed in range(2):
        inputs = trial.tensors(seed)
        with Pretended(loss.parameters(), loss.buffers(), inputs.values(), rows.values()) as at:
            total = loss(**inputs, **rows).total
            if total.requires_grad:
                at.backward(total)
            loss.after_step()
        assert not at.mixed
        assert all(ASKS.get(name, "-") in line for line in at.waits), at.waits


PLANTED = """
def made_here(z):
    return z * torch.ones(4)

def made_there(z):
    return z * torch.ones(4, device=z.device)

def asked_for(z):
    return z * float(z.detach().sum())

class Forgets(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        return z * 2

    @staticmethod
    def backward(ctx, grad):
        return grad * torch.full((4,), 2.0)
"""


@pytest.mark.parametrize(
    ("function", "mixed", "waits"),
    [
        ("made_here", ["aten.mul.Tensor <losslang_planted>:3 "], []),
        ("made_there", [], []),
        ("asked_for", [], ["aten._local_scalar_dense.default <losslang_planted>:9 "]),
        ("Forgets.apply", ["aten.mul.Tensor <losslang_planted>:18 "], []),
    ],
)
def test_planted_mistakes_are_seen(function, mixed, waits):
    names = {"torch": torch}
    exec(compile(PLANTED, "<losslang_planted>", "exec"), names)
    z = torch.randn(8, 4, requires_grad=True)
    with Pretended([z]) as at:
        at.backward(eval(function, names)(z).sum())
    assert (at.mixed, at.waits) == (mixed, waits)
