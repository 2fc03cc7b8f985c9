"""The torch form of whitening by a Cholesky factor, with a gradient of its own. Needs torch alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from losslang.backend.precision import in_own_precision
from losslang.backend.spectral import cholesky_factor

__all__: list[str] = []


def whitened(x: Tensor, scale: float | Tensor, shift: float | Tensor) -> Tensor:
    """L⁻¹ applied to every row of x […, m, k], where L Lᵀ = shift · I + scale · xᵀx."""
    return Whitened.apply(x, scale, shift)


class Whitened(torch.autograd.Function):
    """By columns: y = p x L⁻ᵀ of some columns, with L Lᵀ = shift · I + scale · xᵀp x and p = I - scale · Σ yyᵀ of those before.

    Where there are few rows, [k, k'] is never made: p is [m, m'], and what lies below the blocks of the factor is scale · xᵀy.
    With g the gradient of y, that of x is (g - 2 scale · y s) L⁻¹, s the symmetric part of the lower triangle of gᵀy, whose
    diagonal counts half (Murray 2016, Differentiation of the Cholesky decomposition, where xᵀx is put in).
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: float | Tensor, shift: float | Tensor) -> Tensor:
        """Values are kept with the blocks on the diagonal of the factor, and with x where there are several."""
        parts, values, factors, project = columns_in_parts(x), torch.empty_like(x), [], None
        for part in parts:
            rest = x[..., part] if project is None else project @ x[..., part]
            matrix = (x[..., part].mT @ rest).mul_(scale)
            matrix.diagonal(dim1=-2, dim2=-1).add_(shift)
            factors.append(cholesky_factor(matrix, size=x.shape[-1]))
            del matrix  # before more is made
            values[..., part] = torch.linalg.solve_triangular(factors[-1], rest.mT, upper=False).mT
            if part is not parts[-1]:
                project = taken_off(project, values[..., part], scale)
        ctx.scale = scale
        ctx.save_for_backward(values, x if len(parts) > 1 else None, *factors)
        return values

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        """From the last columns to the first; `later` is what columns have to do with those after them."""
        values, x, *factors = ctx.saved_tensors
        parts, scale, later, project = columns_in_parts(values), ctx.scale, None, None
        for part in parts[:-1]:
            project = taken_off(project, values[..., part], scale)
        grad_x = torch.empty_like(values)
        for place in reversed(range(len(parts))):
            part = parts[place]
            y, g = values[..., part], grad[..., part]
            among = (g.mT @ y).tril_()
            among = among + among.mT
            among.diagonal(dim1=-2, dim2=-1).mul_(0.5)
            less = y @ among if later is None else (y @ among).add_(later @ y)
            del among  # before more is made
            left = less.mul_(-scale).add_(g if project is None or place == 0 else project @ g)
            grad_x[..., part] = torch.linalg.solve_triangular(factors[place].mT, left.mT, upper=True).mT
            if place > 0:
                new = y @ g.mT + grad_x[..., part] @ x[..., part].mT
                later = new if later is None else later + new
                project = taken_off(project, values[..., parts[place - 1]], -scale)
        return grad_x, None, None


def columns_in_parts(x: Tensor) -> list[slice]:
    """Places of columns of x […, m, k]: all of them, or as many as there are rows, no fewer than 128, where rows are few."""
    rows, count = x.shape[-2:]
    step = count if 2 * rows > count else max(rows, 128)
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]


def taken_off(project: Tensor | None, y: Tensor, scale: float | Tensor) -> Tensor:
    """p - scale · yyᵀ; p is the identity if None."""
    product = (y @ y.mT) * -scale
    if project is not None:
        return product.add_(project)
    product.diagonal(dim1=-2, dim2=-1).add_(1)
    return product
