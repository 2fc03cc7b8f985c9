"""A loss has a first derivative alone, and says so: it never gives a second one that is wrong."""

import pytest
import torch

from tests.specs.trials import TRIALS

ALONE = "losses of losslang have a first derivative alone"


def slopes(loss, batch, numbers, **options):
    torch.manual_seed(3)  # directions that are drawn
    return torch.autograd.grad(loss(**batch, **numbers).total, list(batch.values()), materialize_grads=True, **options)


@pytest.mark.parametrize("name", TRIALS)
def test_second_derivatives_are_refused_or_right(name):
    trial = TRIALS[name]
    loss, batch, numbers = trial.compile(name).eval(), trial.tensors(1), trial.rows()
    along = {key: torch.randn_like(value) for key, value in batch.items()}
    try:
        first = slopes(loss, batch, numbers, create_graph=True)
    except RuntimeError as error:
        if ALONE not in str(error):
            raise
        return
    weights = [torch.randn_like(value) for value in first]
    sums = sum((one * weight).sum() for one, weight in zip(first, weights, strict=True))
    second = torch.autograd.grad(sums, list(batch.values()), materialize_grads=True)
    found = sum((one * step).sum() for one, step in zip(second, along.values(), strict=True))
    ahead, behind = (
        slopes(loss, {key: (batch[key] + step * along[key]).detach().requires_grad_() for key in batch}, numbers)
        for step in (1e-6, -1e-6)
    )
    right = sum(((a - b) * w).sum() for a, b, w in zip(ahead, behind, weights, strict=True)) / 2e-6
    assert torch.allclose(found, right, rtol=1e-5, atol=1e-7)


def test_a_loss_under_func_says_the_same():
    loss = TRIALS["koleo"].compile("koleo")
    with pytest.raises(RuntimeError, match=ALONE):
        torch.func.grad(lambda z: loss(z=z).total)(TRIALS["koleo"].tensors()["z"].detach())
