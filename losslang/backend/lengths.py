"""Torch forms of lengths and unit vectors, with gradients of their own. Each needs torch alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losslang.backend.precision import in_own_precision
from losslang.backend.vmapped import axes_behind, with_signature

__all__: list[str] = []


def length_over(x: Tensor, dim: Sequence[int]) -> Tensor:
    """Euclidean length over axes, with gradient 0 at 0."""
    return Lengths.apply(x, tuple(dim)).squeeze(tuple(dim))


class Lengths(torch.autograd.Function):
    """The gradient of a length is the unit vector. Has a form for torch.vmap."""

    @staticmethod
    @with_signature
    def forward(x: Tensor, dim: tuple[int, ...]) -> Tensor:
        """The lengths; the axes keep size 1."""
        return scaled_rows(x, dim)[2]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, tuple[int, ...]], output: Tensor) -> None:
        """The value and its lengths are kept."""
        ctx.save_for_backward(inputs[0], output)

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """The value over its length, times what comes in."""
        x, length = ctx.saved_tensors
        return x * torch.where(length == 0, 0.0, grad / length), None

    @staticmethod
    def vmap(_info: Any, places: tuple[int, None], x: Tensor, dim: tuple[int, ...]) -> tuple[Tensor, int]:
        """The same on one more axis in front."""
        return Lengths.apply(x.movedim(places[0], 0), axes_behind(dim)), 0


def scaled_rows(x: Tensor, dim: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """The value over its largest entry along axes, so that squares stay in range, that entry, and its length.

    The axes are kept, of size 1.
    """
    scaled = x.abs()
    largest = scaled.amax(dim, keepdim=True).clamp_(min=torch.finfo(x.dtype).tiny)
    torch.div(x, largest, out=scaled)
    if dim == (-1,) and scaled.stride(-1) == 1:  # with strides torch's own goes through a row number by number
        return scaled, largest, torch.linalg.vector_norm(scaled, 2, dim, keepdim=True).mul_(largest)
    return scaled, largest, scaled.square().sum(dim, keepdim=True).sqrt_().mul_(largest)


def lost_along(products: Tensor | float, length: Tensor, eps: float) -> Tensor:
    """Times a row, what its gradient loses along it, from the products of unit row and gradient.

    A row shorter than eps is x / eps, and loses nothing.
    """
    return torch.where(length < eps, 0.0, products / length.clamp(min=eps))


def unit_rows(x: Tensor, dim: Sequence[int], eps: float) -> Tensor:
    """Unit vectors along axes: x / max(length, eps)."""
    return UnitRows.apply(x, tuple(dim), eps)[0]


class UnitRows(torch.autograd.Function):
    """The gradient is what comes in, less its part along the unit vector, over the length. Has a form for torch.vmap.

    The value itself is kept, which is there anyway, and not the unit vectors.
    """

    @staticmethod
    @with_signature
    def forward(x: Tensor, dim: tuple[int, ...], eps: float) -> tuple[Tensor, Tensor]:
        """The unit vectors, and the lengths before."""
        unit, _, length = scaled_rows(x, dim)
        torch.div(x, length.clamp(min=eps), out=unit)
        return unit, length

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, tuple[int, ...], float], output: tuple[Tensor, Tensor]) -> None:
        """The value and its lengths are kept."""
        x, ctx.dim, ctx.eps = inputs
        ctx.save_for_backward(x, output[1])
        ctx.mark_non_differentiable(output[1])
        ctx.set_materialize_grads(False)

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor, _length: None) -> tuple[Tensor, None, None]:
        """What is left across the unit vector, over the length."""
        x, length = ctx.saved_tensors
        near, products = length.clamp(min=ctx.eps), grad * x
        lost = lost_along(products.sum(ctx.dim, keepdim=True) / near, length, ctx.eps)
        torch.addcmul(grad, x, lost, value=-1, out=products)
        return products.div_(near), None, None

    @staticmethod
    def vmap(
        _info: Any, places: tuple[int, None, None], x: Tensor, dim: tuple[int, ...], eps: float
    ) -> tuple[tuple[Tensor, Tensor], int]:
        """The same on one more axis in front."""
        return UnitRows.apply(x.movedim(places[0], 0), axes_behind(dim), eps), 0
