"""The torch form of products with a running covariance, which is written once and never copied. Needs torch alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from losslang.backend.precision import in_own_precision

__all__: list[str] = []


def product_with_running(
    x: Tensor,
    own_scale: float | Tensor,
    state: Tensor,
    after: Tensor | None,
    y: Tensor | None,
    scale: float | Tensor,
    momentum: float | Tensor,
) -> Tensor:
    """own_scale · ⟨xᵀx, c⟩ of x [m, k], where c = momentum · state + (1 - momentum) · scale · yᵀy, y [n, k] is without gradient.

    y is x, with gradient, if None. c is written into `after`, if given. The state is symmetric.
    """
    value, slope = value_and_slope(x, state.to(x.dtype), after, y, (1 - momentum) * scale, momentum)
    return KnownSlope.apply(x, value * own_scale, slope.mul_(2 * own_scale))


class KnownSlope(torch.autograd.Function):
    """A number whose gradient is known with it."""

    @staticmethod
    def forward(ctx: Any, _x: Tensor, value: Tensor, slope: Tensor) -> Tensor:
        """The value; the gradient is kept."""
        ctx.save_for_backward(slope)
        return value.clone()

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        """The gradient, times what comes in."""
        (slope,) = ctx.saved_tensors
        return slope * grad, None, None


@torch.no_grad()
def value_and_slope(
    x: Tensor,
    state: Tensor,
    after: Tensor | None,
    y: Tensor | None,
    fresh: float | Tensor,
    momentum: float | Tensor,
) -> tuple[Tensor, Tensor]:
    """⟨xᵀx, c⟩ and half its gradient, where c = momentum · state + fresh · yᵀy, and yᵀy is made where rows are many."""
    rows, times = (x, 2) if y is None else (y, 1)
    if max(len(x), len(rows)) < x.shape[1]:
        if after is not None:
            after.copy_(state).mul_(momentum).addmm_(rows.mT.to(after.dtype), (rows * fresh).to(after.dtype))
        similar, slope = x @ rows.mT, (x @ state).mul_(momentum)
        value = (x * slope).sum() + fresh * similar.square().sum()
        return value, slope.addmm_(similar, rows * (times * fresh))
    products = rows.mT @ rows
    new = (state * momentum).addcmul_(products, torch.as_tensor(fresh, dtype=x.dtype, device=x.device))
    if after is not None:
        after.copy_(new)
    if y is None:
        return (products * new).sum(), x @ products.mul_(fresh).add_(new)
    slope = x @ new
    return (x * slope).sum(), slope
