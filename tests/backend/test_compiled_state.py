"""Compiled losses whose state moves inside the call: values and gradients of the eager loss, step after step.

LOSSLANG_TESTS=full takes every method with state (a quarter of an hour of one core); the small default is a queue.
"""

import os

import pytest
import torch

import losslang
from losslang.training.speed import COMPILES_LOSSES
from tests.specs.trials import TRIALS

NAMES = ["ressl"]
if os.environ.get("LOSSLANG_TESTS") == "full":
    NAMES = [name for name in TRIALS if losslang.load(name).graph.states]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # of torch's compiler itself
@pytest.mark.timeout(600)
@pytest.mark.skipif(not COMPILES_LOSSES, reason="this torch compiles no losses")
@pytest.mark.parametrize("name", NAMES)
def test_state_that_moves_in_the_graph_keeps_what_the_way_back_reads(name):
    torch._dynamo.reset()
    trial = TRIALS[name]
    eager, other = (losslang.compile_loss(name, **trial.options) for _ in range(2))
    other.load_state_dict(eager.state_dict())
    compiled = torch.compile(other)
    rows = (
        {"rows": torch.arange(trial.images)[: next(iter(trial.inputs.values()))[1]]} if eager_takes_rows(eager) else {}
    )
    for step in range(3):
        generator = torch.Generator().manual_seed(step)
        inputs = {key: torch.randn(shape, generator=generator).requires_grad_() for key, shape in trial.inputs.items()}
        found = [loss(**inputs, **rows).total for loss in (eager, compiled)]
        one, two = (torch.autograd.grad(total, list(inputs.values()), allow_unused=True) for total in found)
        assert found[1].item() == pytest.approx(found[0].item(), rel=1e-4, abs=1e-5)
        for right, here in zip(one, two, strict=True):
            assert right is None or (here - right).abs().max() <= 1e-3 * right.abs().max() + 1e-7


def eager_takes_rows(loss):
    """Whether the call needs the numbers of the images, for a memory of them."""
    return "rows" in type(loss).forward.__annotations__
