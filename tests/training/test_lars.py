"""LARS against its formula, and the groups that the optimiser's rules make."""

import pytest
import torch

from losslang.training.lars import Lars
from losslang.training.optimizer import make_optimizer, set_learning_rates
from losslang.training.recipe import NetworkRule, Optimizer
from tests.training.test_optimizer import model_of


def by_hand(p, gradients, lr, momentum, decay, trust, clip):
    """One parameter after some gradients, in float64 and plain words."""
    p, speed = p.double(), torch.zeros_like(p).double()
    for g in (gradient.double() for gradient in gradients):
        ratio = 1.0
        if trust and p.norm() > 0 and g.norm() > 0:
            ratio = trust * p.norm() / (g.norm() + decay * p.norm())
            ratio = min(ratio / lr, 1.0) if clip else ratio
        speed = momentum * speed + ratio * (g + decay * p)
        p = p - lr * speed
    return p


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_steps_follow_the_formula(clip, decay):
    generator = torch.Generator().manual_seed(0)
    shapes = [(4, 3), (5,), (2, 2, 3)]
    parameters = [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]
    parameters.append(torch.nn.Parameter(torch.zeros(3)))
    never = torch.nn.Parameter(torch.ones(2))
    start = [p.detach().clone() for p in parameters]
    gradients = [[torch.randn(p.shape, generator=generator) * 10**-i for p in parameters] for i in range(3)]
    gradients[1][0] = torch.zeros(4, 3)
    spared = [parameters.pop(1)]
    groups = [{"params": [*parameters, never]}, {"params": spared, "trust": 0.0, "weight_decay": 0.0}]
    optimizer = Lars(groups, lr=0.3, momentum=0.9, weight_decay=decay, trust=0.5, clip=clip)
    parameters.insert(1, spared[0])
    for step in gradients:
        for p, g in zip(parameters, step, strict=True):
            p.grad = g
        optimizer.step()
    for at, p in enumerate(parameters):
        trust, own = (0.0, 0.0) if at == 1 else (0.5, decay)
        expected = by_hand(start[at], [step[at] for step in gradients], 0.3, 0.9, own, trust, clip)
        torch.testing.assert_close(p.detach().double(), expected, rtol=1e-5, atol=1e-6)
    assert torch.equal(never, torch.ones(2))
    assert len(optimizer.state) == 4


def test_state_passes_through_a_state_dict():
    p = torch.nn.Parameter(torch.ones(3, 2))
    one, two = (Lars([p], lr=0.1) for _ in range(2))
    p.grad = torch.ones(3, 2)
    one.step()
    two.load_state_dict(one.state_dict())
    assert torch.equal(two.state[p]["momentum"], one.state[p]["momentum"])


def test_biases_and_norms_are_spared():
    model = model_of()
    recipe = Optimizer(
        name="lars",
        weight_decay=0.5,
        spare_vectors=True,
        networks={"predictor": NetworkRule(schedule="constant", scale=2)},
    )
    optimizer = make_optimizer(model, recipe)
    assert [(g["weight_decay"], g["trust"], g["schedule"]) for g in optimizer.param_groups] == [
        (0.5, 1e-3, "constant"),
        (0.0, 0.0, "constant"),
        (0.5, 1e-3, "cosine"),
        (0.0, 0.0, "cosine"),
    ]
    assert all((p.dim() < 2) == (g["trust"] == 0) for g in optimizer.param_groups for p in g["params"])
    assert sum(len(g["params"]) for g in optimizer.param_groups) == len(list(model.parameters()))
    set_learning_rates(optimizer, 50, 100, recipe)
    assert optimizer.param_groups[1]["lr"] == 0.2
