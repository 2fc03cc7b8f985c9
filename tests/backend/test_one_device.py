"""Every loss on a device that is pretended: forward, backward and state mix no tensors of two devices and wait for none."""

import linecache
import re
import sys
import types

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


def as_on_a_gpu(loss):
    """The same loss with what its text does where tensors are not on the processor; None where that is nothing else."""
    text = "".join(linecache.getlines(f"<{type(loss).__module__}>"))
    other, count = re.subn(r'\b\w+\.device\.type != "cpu"', "True", text)
    if not count:
        return None
    module = types.ModuleType(f"{type(loss).__module__}_there")
    sys.modules[module.__name__] = module  # dataclasses look for it
    exec(compile(other, f"<{module.__name__}>", "exec"), module.__dict__)
    made = getattr(module, type(loss).__name__)(*loss.children()).double()
    made.load_state_dict(loss.state_dict())
    return made


def outcome(loss, trial):
    """The value of a loss, and its gradients to the embeddings."""
    inputs = trial.tensors(3)
    total = loss(**inputs, **trial.rows()).total
    return [total.detach(), *torch.autograd.grad(total, [*inputs.values()], materialize_grads=True)]


def test_where_a_gpu_takes_all_at_once_losses_are_the_same():
    others = 0
    for name, trial in TRIALS.items():
        here = trial.compile(name)
        there = as_on_a_gpu(here)
        if there is not None:
            others += 1
            for one, other in zip(outcome(here, trial), outcome(there, trial), strict=True):
                torch.testing.assert_close(other, one, rtol=1e-10, atol=1e-12, msg=name)
    assert others >= 15


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
