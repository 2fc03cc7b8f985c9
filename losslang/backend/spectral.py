"""Torch forms of functions of the eigenvalues of matrices [..., a, a']. Each needs torch alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from losslang.backend.precision import in_own_precision
from losslang.backend.vmapped import with_signature

__all__: list[str] = []


def cholesky_factor(matrix: Tensor, size: int = 0) -> Tensor:
    """The Cholesky factor; says what a matrix without one means, which may be part of one of a larger `size`."""
    try:
        return torch.linalg.cholesky(matrix)
    except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
        size = size or matrix.shape[-1]
        raise torch.linalg.LinAlgError(  # type: ignore[attr-defined]
            f"a covariance of {size} dimensions is not positive definite and has no Cholesky factor: the embeddings have"
            f" collapsed, or a batch (or group of rows) has no more than {size} rows; take more rows or fewer dimensions,"
            " or add to the diagonal (W-MSE: `shrink` above 0)"
        ) from error


def log_determinant(matrix: Tensor) -> Tensor:
    """Log-determinant of positive definite matrices, by Cholesky."""
    value, _ = LogDeterminant.apply(matrix)
    return value


class LogDeterminant(torch.autograd.Function):
    """The gradient is the inverse, which is cheaper than the way back through the Cholesky factor. Has a form for torch.vmap."""

    @staticmethod
    @with_signature
    def forward(matrix: Tensor) -> tuple[Tensor, Tensor]:
        """The log-determinant, and the factor."""
        factor = cholesky_factor(matrix)
        return 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1), factor

    @staticmethod
    def setup_context(ctx: Any, _inputs: tuple[Tensor], output: tuple[Tensor, Tensor]) -> None:
        """The factor is kept."""
        ctx.save_for_backward(output[1])
        ctx.mark_non_differentiable(output[1])
        ctx.set_materialize_grads(False)

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor, _factor: None) -> Tensor:
        """The inverse, times what comes in."""
        (factor,) = ctx.saved_tensors
        return torch.cholesky_inverse(factor).mul_(grad[..., None, None])

    @staticmethod
    def vmap(_info: Any, places: tuple[int], matrix: Tensor) -> tuple[tuple[Tensor, Tensor], int]:
        """The same on one more axis in front."""
        return LogDeterminant.apply(matrix.movedim(places[0], 0)), 0


def log_series(matrix: Tensor, order: int) -> Tensor:
    """Taylor polynomial of the matrix logarithm about the identity; two powers at a time, which saves half the products."""
    x = matrix - torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    if order == 1:
        return x
    square = x @ x
    total: Tensor | None = None
    for k in range(order - 1 + order % 2, 0, -2):
        pair = (x / k).sub_(square, alpha=1 / (k + 1)) if k < order else x / k
        total = pair if total is None else pair.add_(square @ total)
    assert total is not None
    return total


def inverse_cholesky(matrix: Tensor) -> Tensor:
    """W with Wᵀ M W = I: the inverse of the Cholesky factor, transposed."""
    factor = cholesky_factor(matrix)
    eye = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    return torch.linalg.solve_triangular(factor, eye.expand_as(matrix), upper=False).mT


def inverse_symmetric(matrix: Tensor, floor: float) -> Tensor:
    """The symmetric inverse square root; eigenvalues below the floor count as the floor.

    The derivative is that of Daleckii and Krein, which exists where eigenvalues are equal (that of the vectors does not).
    """
    values, vectors = torch.linalg.eigh(matrix.detach())
    root = values.clamp(min=floor).sqrt()
    one, two = root.unsqueeze(-1), root.unsqueeze(-2)
    low, lower = (values <= floor).unsqueeze(-1), (values <= floor).unsqueeze(-2)
    gap = values.unsqueeze(-1) - values.unsqueeze(-2)
    free = -1 / (one * two * (one + two))
    mixed = (1 / one - 1 / two) / torch.where(gap == 0, torch.ones_like(gap), gap)
    slope = torch.where(low & lower, torch.zeros_like(gap), torch.where(low | lower, mixed, free))
    change = vectors.mT @ (matrix - matrix.detach()) @ vectors
    return vectors @ (torch.diag_embed(1 / root) + slope * change) @ vectors.mT


def nuclear_norm_of(matrix: Tensor, also: Tensor | None = None) -> Tensor:
    """Sum of the singular values of matrices [..., a, b]; of the rows of both."""
    rows = matrix if also is None else torch.cat([matrix, also], dim=-2)
    return NuclearNorm.apply(rows)[0]


class NuclearNorm(torch.autograd.Function):
    """The gradient is UVᵀ of the singular vectors, which is kept in place of both. Has a form for torch.vmap."""

    @staticmethod
    @with_signature
    def forward(matrix: Tensor) -> tuple[Tensor, Tensor]:
        """The sums, and the gradients of each; some matrices at a time, as their vectors take more than they do."""
        flat, sums = matrix.flatten(0, -3) if matrix.dim() > 2 else matrix[None], []
        slopes = torch.empty(flat.shape, dtype=flat.dtype, device=flat.device)
        for some, slope in zip(flat.split(matrices_at_once(flat)), slopes.split(matrices_at_once(flat)), strict=True):
            left, values, right = torch.linalg.svd(some, full_matrices=False)
            torch.bmm(left, right, out=slope)
            sums.append(values.sum(-1))
        return torch.cat(sums).view(matrix.shape[:-2]), slopes.view(matrix.shape)

    @staticmethod
    def setup_context(ctx: Any, _inputs: tuple[Tensor], output: tuple[Tensor, Tensor]) -> None:
        """The gradients are kept."""
        ctx.save_for_backward(output[1])
        ctx.mark_non_differentiable(output[1])
        ctx.set_materialize_grads(False)

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor, _slopes: None) -> Tensor:
        """The gradients, times what comes in."""
        (slopes,) = ctx.saved_tensors
        return slopes * grad[..., None, None]

    @staticmethod
    def vmap(_info: Any, places: tuple[int], matrix: Tensor) -> tuple[tuple[Tensor, Tensor], int]:
        """The same on one more axis in front."""
        return NuclearNorm.apply(matrix.movedim(places[0], 0)), 0


def matrices_at_once(flat: Tensor) -> int:
    """An eighth of matrices [n, a, b] at once, but no fewer than have so many entries that a call takes little of the time."""
    return max(-(-len(flat) // 8), 2**14 // max(flat.shape[-2] * flat.shape[-1], 1), 1)
