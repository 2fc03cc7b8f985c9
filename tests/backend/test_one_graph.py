"""Emitted losses under torch.compile: one graph there and one back, two losses that go back together, state that moves.

The file by itself, in float64, beside the loss without a compiler.

LOSSLANG_TESTS=full takes every method (ten minutes of one core).
"""

import importlib.util
import itertools
import linecache
import os

import pytest
import torch

from losslang.training.speed import COMPILES_LOSSES
from tests.specs.trials import TRIALS

NAMES = list(TRIALS) if os.environ.get("LOSSLANG_TESTS") == "full" else ["swav", "byol"]
CALLS = ((2, 12), (1, 12), (1, 10), (1, 8))
"""How many losses go back together, and of how many rows."""

ANY_SIZE = {"byol", "barlow", "lejepa", "wmse"}
"""Some whose graph of a second size of batch is that of all; what is cut into parts is written anew for each."""


def from_its_file(loss, path):
    """The same loss, from its source as a file that is imported as any other."""
    path.write_text("".join(linecache.getlines(f"<{type(loss).__module__}>")))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = getattr(module, type(loss).__name__)(*loss.children()).to(torch.float64)
    made.load_state_dict(loss.state_dict())
    return made


def outcome(loss, call, trial, seed):
    """The value of some losses together, and its gradients to embeddings and to what trains inside of the loss."""
    count, rows = CALLS[seed]
    batches = [
        {name: value[..., :rows, :].detach().requires_grad_() for name, value in trial.tensors(10 * seed + at).items()}
        for at in range(count)
    ]
    numbers = {name: value[:rows] for name, value in trial.rows(seed=seed).items()}
    total = sum(call(**batch, **numbers).total for batch in batches)
    leaves = [
        *(value for batch in batches for value in batch.values()),
        *(p for p in loss.parameters() if p.requires_grad),
    ]
    found = torch.autograd.grad(total, leaves, materialize_grads=True)
    return [total.detach(), *found]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # of torch's compiler itself
@pytest.mark.timeout(600)
@pytest.mark.skipif(not COMPILES_LOSSES, reason="this torch compiles no losses")
@pytest.mark.parametrize("name", NAMES)
def test_a_loss_and_its_gradient_are_one_graph_each(name, tmp_path):
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    trial, graphs = TRIALS[name], []
    eager, other = trial.compile(name), from_its_file(trial.compile(name), tmp_path / f"{name}_alone.py")
    compiled = torch.compile(other, fullgraph=True, backend="aot_eager")
    for seed in range(len(CALLS)):
        right, here = (outcome(loss, call, trial, seed) for loss, call in ((eager, eager), (other, compiled)))
        for one, two in zip(right, here, strict=True):
            assert torch.allclose(two, one, rtol=1e-8, atol=1e-10)
        graphs.append(torch._dynamo.utils.counters["stats"]["unique_graphs"])
    assert graphs[0] <= 2  # the first call has no state to take over
    assert all(after - before <= 1 for before, after in itertools.pairwise(graphs))
    if name in ANY_SIZE:
        assert graphs[-1] == graphs[-2]
