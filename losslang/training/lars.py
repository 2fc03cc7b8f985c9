"""LARS (You, Gitman and Ginsburg 2017), over all parameters at once and without waiting for the device."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["Lars"]

_EPS = 1e-8


class Lars(torch.optim.Optimizer):
    """SGD with momentum whose step is scaled for every parameter by `trust` · ‖p‖ / (‖g‖ + weight decay · ‖p‖).

    Where a norm is 0, and in groups whose `trust` is 0, the scale is 1. With `clip`, the scale times the learning rate is
    at most the learning rate itself: the rate of a layer is min(trust · ratio, lr) (as solo-learn trains ImageNet-100).
    Parameters without gradient stay as they are.
    """

    def __init__(
        self,
        parameters: Any,
        *,
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust: float = 1e-3,
        clip: bool = False,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "trust": trust, "clip": clip}
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One step; `closure` is not supported."""
        assert closure is None
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if parameters:
                self._step(parameters, group)

    def _step(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        gradients = [p.grad for p in parameters if p.grad is not None]
        decay, trust = group["weight_decay"], group["trust"]
        steps = torch._foreach_add(gradients, parameters, alpha=decay) if decay else gradients  # noqa: SLF001
        if trust:
            steps = torch._foreach_mul(steps, _scales(parameters, gradients, group))  # noqa: SLF001
        momenta = [self._momentum(p) for p in parameters]
        torch._foreach_mul_(momenta, group["momentum"])
        torch._foreach_add_(momenta, steps)
        torch._foreach_add_(parameters, momenta, alpha=-group["lr"])

    def _momentum(self, parameter: Tensor) -> Tensor:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        return state["momentum"]


def _scales(parameters: list[Tensor], gradients: list[Tensor], group: dict[str, Any]) -> tuple[Tensor, ...]:
    size, slope = (torch.stack(torch._foreach_norm(each)) for each in (parameters, gradients))  # noqa: SLF001
    ratio = group["trust"] * size / (slope + group["weight_decay"] * size + _EPS)
    scale = torch.where((size > 0) & (slope > 0), ratio, 1)
    if group["clip"]:
        scale = (scale / group["lr"]).clamp(max=1)
    return scale.unbind()
