"""Every shipped method on embeddings in bfloat16, beside float64 on the same rounded numbers.

The loss computes in float32 whatever autocast says: log-sum-exps, covariances, log-dets and lengths need its range and its
mantissa. What is left is the rounding of the input, and of the gradient that goes back to it. Torch asks that `backward()` be
called outside of autocast; where it is not, gradients of our own stay as they are, and those of plain products are rounded.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from losslang.backend import draws
from tests.methods import compiled
from tests.specs.trials import TRIALS

ROUNDING = 2**-8  # of a number of bfloat16

THROUGH_FACTORS = {"matrixssl": 2, "wmse": 5, "wmse_solo": 5, "wmse_spt": 5}
"""How much more is lost where torch's own gradients, of powers of a covariance and of its factor, are in autocast."""


def _loss(method: str) -> nn.Module:
    loss = compiled(method, **TRIALS[method].options)
    scope = type(loss).forward.__globals__
    if "unit_directions" in scope:  # other tests put draws there
        scope["unit_directions"] = draws.unit_directions
    return loss


def _gradients(
    loss: nn.Module, inputs: Mapping[str, Tensor], *, within: bool = False
) -> tuple[Tensor, dict[str, Tensor]]:
    """The value, and the gradients of the inputs that have one, in float64; within: the way back is in autocast, too."""
    given = {n: v.clone().requires_grad_() if v.is_floating_point() else v for n, v in inputs.items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        total = loss(**given).total
        if within:
            total.backward()
    if not within:
        total.backward()
    assert all(v.grad is None or v.grad.dtype == v.dtype for v in given.values())
    return total.detach().double(), {n: v.grad.double() for n, v in given.items() if v.grad is not None}


@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("method", TRIALS)
def test_bfloat16_is_float64_up_to_rounding(method: str, within: bool):
    trial = TRIALS[method]
    random = torch.Generator().manual_seed(5)
    half = {name: torch.randn(shape, generator=random).bfloat16() for name, shape in trial.inputs.items()}
    value, gradients = _gradients(_loss(method), half | trial.rows(), within=within)
    double = {name: value.double() for name, value in half.items()}
    exact, wanted = _gradients(_loss(method).double(), double | trial.rows())
    torch.testing.assert_close(value, exact, rtol=1e-4, atol=1e-5)
    assert gradients.keys() == wanted.keys()
    rounding = ROUNDING * (THROUGH_FACTORS.get(method, 1) if within else 1)
    for name, gradient in gradients.items():
        assert gradient.isfinite().all()
        assert (gradient - wanted[name]).norm() <= rounding * wanted[name].norm() + 1e-6
