"""Sums over all processes inside of networks, also in code that torch.compile writes."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from losslang.networks.exchange import pieces_of, sum_of_all

__all__ = ["summed"]


def summed(*parts: Tensor) -> tuple[Tensor, ...]:
    """Tensors summed over all processes, in one exchange; so are their gradients."""
    if not torch.compiler.is_compiling():
        return sum_of_all(*parts)
    ends = list(itertools.accumulate(part.numel() for part in parts))
    # not `torch.cat`: the compiler (2.13) lets values stand in the joined tensor, and sums that in place
    padded = [F.pad(x.reshape(-1), (end - x.numel(), ends[-1] - end)) for x, end in zip(parts, ends, strict=True)]
    flat = functools.reduce(torch.add, padded)
    whole: Tensor = TracedSum.apply(flat) if torch.is_grad_enabled() else traced_sum(flat)
    return tuple(pieces_of(whole, parts))


def traced_sum(x: Tensor) -> Tensor:
    """The sum by operations that the compiler knows: it cannot look into a collective that runs beside other work."""
    from torch.distributed import _functional_collectives as functional

    everybody = dist.group.WORLD
    assert everybody is not None
    return functional.wait_tensor(functional.all_reduce(x, "sum", everybody))


class TracedSum(torch.autograd.Function):
    """The same, and the way back."""

    @staticmethod
    def forward(_ctx: Any, x: Tensor) -> Tensor:
        """Own values to those of all."""
        return traced_sum(x)

    @staticmethod
    @once_differentiable
    def backward(_ctx: Any, grad: Tensor) -> Tensor:
        """Every process has a part in what the others make of the sum."""
        return traced_sum(grad)
