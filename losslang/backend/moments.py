"""Torch forms of correlations that are asked for their diagonal and their squares. Needs torch alone, as `functions` does."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from losslang.backend.fused import symmetric_product
from losslang.backend.precision import in_own_precision

__all__: list[str] = []


class Moments(NamedTuple):
    """Of a matrix [k, k']: its diagonal [k], and the sum of the squares beside it."""

    diagonal: Tensor
    squares: Tensor


def correlations(x: Tensor, y: Tensor, scale: float | Tensor, ddof: float, eps: float) -> Moments:
    """Of scale · x̂ᵀŷ, where x̂ and ŷ are x and y [m, k] with mean 0 and deviation 1 along m.

    The way there keeps a matrix [k, k'], or two [m, m'] where those are smaller; x̂ and ŷ are computed again on the way back.
    """
    return Moments(*Correlations.apply(x, y, scale, ddof, eps))


class Correlations(torch.autograd.Function):
    """With W the gradient of the matrix C, that of x̂ is scale · ŷWᵀ: it has mean 0, and along x̂ the row sums of W∘C."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, y: Tensor, scale: float | Tensor, ddof: float, eps: float
    ) -> tuple[Tensor, Tensor]:
        """The diagonal and the squares; of the matrix what is beside the diagonal is kept."""
        ctx.scale, ctx.ddof, ctx.eps = scale, ddof, eps
        (one, _), (two, _) = standard_columns(x, ddof, eps), standard_columns(y, ddof, eps)
        if len(x) >= x.shape[1]:
            matrix, other = (one.mT @ two).mul_(scale), None
            diagonal = matrix.diagonal().clone()
            matrix.diagonal().zero_()
            squares = torch.dot(matrix.view(-1), matrix.view(-1))
        else:
            matrix, other = symmetric_product(one).mul_(scale), symmetric_product(two).mul_(scale)
            diagonal = torch.linalg.vecdot(one, two, dim=0) * scale
            squares = (matrix * other).sum() - diagonal.square().sum()
        ctx.save_for_backward(x, y, diagonal, matrix, other)
        return diagonal, squares

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, to_diagonal: Tensor, to_squares: Tensor) -> tuple[Tensor | None, ...]:
        """Through the same side."""
        x, y, diagonal, matrix, other = ctx.saved_tensors
        one, one_deviation = standard_columns(x, ctx.ddof, ctx.eps)
        two, two_deviation = standard_columns(y, ctx.ddof, ctx.eps)
        over_one, over_two = ctx.scale / one_deviation, ctx.scale / two_deviation
        if other is None:
            weights = matrix * (2 * to_squares)
            products = weights * matrix
            on_diagonal = to_diagonal * diagonal
            along_x, along_y = products.sum(1).add_(on_diagonal), products.sum(0).add_(on_diagonal)
            weights.diagonal().copy_(to_diagonal)
            del products
            grad_x = two @ weights.mul_(over_one[:, None]).mT
            grad_x.addcmul_(one, part_along(along_x, one_deviation, len(x) - ctx.ddof))
            two.mul_(part_along(along_y, two_deviation, len(x) - ctx.ddof))
            return grad_x, two.addmm_(one, weights.div_(over_one[:, None]).mul_(over_two)), None, None, None
        beside = to_diagonal - 2 * to_squares * diagonal
        grad_x = (two * (beside * over_one)).addmm_(other * (2 * to_squares), one * over_one)
        grad_y = (one * (beside * over_two)).addmm_(matrix * (2 * to_squares), two * over_two)
        for grad, values, deviation in ((grad_x, one, one_deviation), (grad_y, two, two_deviation)):
            along = torch.linalg.vecdot(grad, values, dim=0) * deviation
            grad.addcmul_(values, part_along(along, deviation, len(x) - ctx.ddof))
        return grad_x, grad_y, None, None, None


def standard_columns(x: Tensor, ddof: float, eps: float) -> tuple[Tensor, Tensor]:
    """x [m, k] with mean 0 and deviation 1 along m, and the deviation before [k]; of few rows NaN."""
    left = (len(x) - ddof) / len(x) if len(x) > ddof else math.nan
    centered = x - x.mean(0)  # batch norm takes the mean off after scaling, which costs digits where it is large
    values, _, inverse = torch.native_batch_norm(
        centered, None, None, None, None, training=True, momentum=0.0, eps=eps * left
    )
    return values if left == 1 else values.mul_(math.sqrt(left)), inverse.mul_(math.sqrt(left)).reciprocal_()


def part_along(along: Tensor, deviation: Tensor, divisor: float) -> Tensor:
    """What takes off a gradient's part along the standardised values, which `along` [k] is the product with."""
    return along / (deviation * -divisor)
