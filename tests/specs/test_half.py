"""Every shipped method on embeddings in bfloat16, beside float64 on the same rounded numbers.

The loss computes in float32 whatever autocast says: log-sum-exps, covariances, log-dets and lengths need its range and its
mantissa. What is left is the rounding of the input, and of the gradient that goes back to it.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

import losslang
from losslang.backend import functions
from tests.specs.trials import TRIALS

ROUNDING = 2**-8  # of a number of bfloat16


def _loss(method: str) -> nn.Module:
    trial = TRIALS[method]
    sizes = {name: shape[-1] for name, shape in trial.inputs.items()}
    torch.manual_seed(0)
    loss = losslang.compile_loss(method, parameters=trial.parameters, sizes=sizes, images=trial.images, **trial.clock)
    scope = type(loss).forward.__globals__
    if "unit_directions" in scope:  # other tests put draws there
        scope["unit_directions"] = functions.unit_directions
    return loss


def _gradients(loss: nn.Module, inputs: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """The value, and the gradients of the inputs that have one, in float64."""
    given = {n: v.clone().requires_grad_() if v.is_floating_point() else v for n, v in inputs.items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        total = loss(**given).total
    total.backward()  # outside of autocast, as torch asks: it would reach the products of the backward pass
    assert all(v.grad is None or v.grad.dtype == v.dtype for v in given.values())
    return total.detach().double(), {n: v.grad.double() for n, v in given.items() if v.grad is not None}


@pytest.mark.parametrize("method", TRIALS)
def test_bfloat16_is_float64_up_to_rounding(method: str):
    trial = TRIALS[method]
    random = torch.Generator().manual_seed(5)
    half = {name: torch.randn(shape, generator=random).bfloat16() for name, shape in trial.inputs.items()}
    value, gradients = _gradients(_loss(method), half | trial.rows())
    double = {name: value.double() for name, value in half.items()}
    exact, wanted = _gradients(_loss(method).double(), double | trial.rows())
    torch.testing.assert_close(value, exact, rtol=1e-4, atol=1e-5)
    assert gradients.keys() == wanted.keys()
    for name, gradient in gradients.items():
        assert gradient.isfinite().all()
        assert (gradient - wanted[name]).norm() <= ROUNDING * wanted[name].norm() + 1e-6
