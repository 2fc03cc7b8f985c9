"""A loss and its gradient in their own precision, whatever autocast says. Needs torch alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__: list[str] = []


def without_autocast(device: str) -> AbstractContextManager[Any]:
    """Autocast off, on devices of a type; where it is off nothing is switched, which takes 13 microseconds of a small step."""
    if torch.compiler.is_compiling() or torch.is_autocast_enabled(device):
        return torch.autocast(device, enabled=False)
    return nullcontext()


def in_own_precision(backward: Callable[..., Any]) -> Callable[..., Any]:
    """A way back that is differentiable once, with autocast off.

    The loss computes outside of autocast; its way back would otherwise run in what is on where `backward()` is called, and
    torch.compile lets it run in what is on where the model is called. Raises RuntimeError where its own gradient is asked for:
    torch takes a gradient of a gradient for a constant wherever the loss itself is differentiated.
    """

    def precisely(ctx: Any, *gradients: Tensor | None) -> Any:
        device = next(gradient.device.type for gradient in gradients if gradient is not None)
        with without_autocast(device):
            return backward(ctx, *gradients)

    differentiable_once = once_differentiable(precisely)

    def checked(ctx: Any, *gradients: Tensor | None) -> Any:
        if torch.is_grad_enabled() and not torch.compiler.is_compiling():
            raise RuntimeError(
                "losses of losslang have a first derivative alone: take it by backward() or torch.autograd.grad,"
                " without create_graph=True and outside of torch.func"
            )
        return differentiable_once(ctx, *gradients)

    return checked
