"""Torch forms of correlations that are asked for their diagonal and their squares. Needs torch alone."""

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


def correlations(z: Tensor, scale: float | Tensor, ddof: float, eps: float) -> Moments:
    """Of scale · x̂ᵀŷ, where x̂ and ŷ are the views of z [2, m, k] with mean 0 and deviation 1 along m.

    The way there keeps x̂ and a matrix [k, k'], or two [m, m'] where those are smaller; the rest is computed again.
    """
    return Moments(*Correlations.apply(z, scale, ddof, eps))


class Correlations(torch.autograd.Function):
    """With W the gradient of the matrix C, that of x̂ is scale · ŷWᵀ: it has mean 0, and along x̂ the row sums of W∘C."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, scale: float | Tensor, ddof: float, eps: float) -> tuple[Tensor, Tensor]:
        """The diagonal and the squares; of the matrix what is beside the diagonal is kept."""
        ctx.scale, ctx.ddof, ctx.eps = scale, ddof, eps
        (one, _, inverse), (two, *two_is) = (standard_columns(view, ddof, eps) for view in z)
        if len(one) >= one.shape[1]:
            matrix = (one.mT @ two).mul_(scale)
            diagonal = matrix.diagonal().clone()
            matrix.diagonal().mul_(0)
            ctx.save_for_backward(z, diagonal, matrix, one, inverse, *two_is)
            return diagonal, torch.dot(matrix.view(-1), matrix.view(-1))
        matrix, other = symmetric_product(one).mul_(scale), symmetric_product(two).mul_(scale)
        diagonal = torch.linalg.vecdot(one, two, dim=0) * scale
        ctx.save_for_backward(z, diagonal, matrix, other)
        return diagonal, (matrix * other).sum() - diagonal.square().sum()

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, to_diagonal: Tensor, to_squares: Tensor) -> tuple[Tensor, None, None, None]:
        """Through the same side."""
        rows, columns = ctx.saved_tensors[0].shape[1:]
        gradient = through_columns if rows >= columns else through_rows
        return gradient(ctx, to_diagonal, to_squares), None, None, None


def through_columns(ctx: Any, to_diagonal: Tensor, to_squares: Tensor) -> Tensor:
    """The gradient of both views from the matrix [k, k']; the second view is standardised in its place."""
    z, diagonal, matrix, one, one_inverse, two_mean, two_inverse = ctx.saved_tensors
    twice, on_diagonal, less = 2 * to_squares, to_diagonal * diagonal, part_along(z.shape[1], ctx.ddof)
    along_x, along_y = (torch.addcmul(on_diagonal, squares, twice) for squares in squares_beside(matrix))
    grad = torch.empty_like(z)
    two = grad[1].copy_(z[1]).sub_(two_mean).mul_(two_inverse)
    weights = matrix * twice
    weights.diagonal().copy_(to_diagonal)
    over_one = (one_inverse * ctx.scale)[:, None]
    grad[0].addmm_(two, weights.mul_(over_one).mT, beta=0).addcmul_(one, along_x.mul_(one_inverse), value=less)
    two.mul_(along_y.mul_(two_inverse).mul_(less))
    two.addmm_(one, weights.div_(over_one).mul_(two_inverse * ctx.scale))
    return grad


def squares_beside(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Σ of the squares of each row, and of each column."""
    squares = matrix.square()
    return squares.sum(1), squares.sum(0)


def through_rows(ctx: Any, to_diagonal: Tensor, to_squares: Tensor) -> Tensor:
    """The gradient of both views from their matrices [m, m']."""
    z, diagonal, matrix, other = ctx.saved_tensors
    (one, _, one_inverse), (two, _, two_inverse) = (standard_columns(view, ctx.ddof, ctx.eps) for view in z)
    twice, less = 2 * to_squares, part_along(z.shape[1], ctx.ddof)
    beside, grad = to_diagonal - twice * diagonal, torch.empty_like(z)
    for place, values, inverse, across, similar in (
        (0, one, one_inverse, two, other),
        (1, two, two_inverse, one, matrix),
    ):
        over = inverse * ctx.scale
        part = grad[place].copy_(across).mul_(beside * over).addmm_(similar * twice, values * over)
        part.addcmul_(values, torch.linalg.vecdot(part, values, dim=0), value=less)
    return grad


def standard_columns(x: Tensor, ddof: float, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """x [m, k] with mean 0 and deviation 1 along m; the mean, and one over the deviation before [k]; of few rows NaN."""
    left = (len(x) - ddof) / len(x) if len(x) > ddof else math.nan
    mean = x.mean(0)
    centered = x - mean  # batch norm takes the mean off after scaling, which costs digits where it is large
    values, rest, inverse = torch.native_batch_norm(
        centered, None, None, None, None, training=True, momentum=0.0, eps=eps * left
    )
    if left != 1:
        values, inverse = values.mul_(math.sqrt(left)), inverse.mul_(math.sqrt(left))
    return values, mean.add_(rest), inverse


def part_along(rows: int, ddof: float) -> float:
    """What takes off a gradient's part along standardised values, times their product with it; of few rows NaN."""
    return -1 / (rows - ddof) if rows > ddof else math.nan
