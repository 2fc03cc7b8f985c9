"""Products of rows, made into what each weighs in the gradient of a contrast. Each function needs torch alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from losslang.backend.lengths import lost_along
from losslang.backend.similarities import crossed, into_softmax, products_but, sums_on_diagonals

__all__: list[str] = []


def into_weights(
    products: Tensor, start: int, diagonals: Sequence[Sequence[int]], count: int, *, mirrored: bool
) -> Tensor:
    """The sum over rows of log-sum-exps, less the attracted products; products become softmaxᵢⱼ - shareᵢⱼ.

    They are those of rows `start` and on, of `count`. Mirrored: of columns, too.
    """
    dropped, attracted = diagonals
    share = count / max(sum(count - abs(d) for d in attracted), 1)
    empty = len(dropped) >= products.shape[1]
    pulled = pulled_of(products, start, attracted, share)
    pulled_back = pulled_of(products.mT, start, attracted, share) if mirrored else None
    products_but(products, 1, start, dropped)
    across = products.mT.clone(memory_format=torch.contiguous_format) if mirrored else None
    total = into_softmax(products, pulled, empty=empty).sum()
    if across is not None:
        total += into_softmax(across, pulled_back, empty=empty).sum()
        products += across.mT
    for diagonal in crossed(products, start, attracted):
        diagonal.sub_(share * (2 if mirrored else 1))
    return total


def pulled_of(products: Tensor, start: int, attracted: Sequence[int], share: float) -> Tensor | None:
    """[rows]: the share of every row's attracted products, which its log-sum-exp is less."""
    return sums_on_diagonals(products, start, attracted).mul_(share) if attracted else None


def beside_weights(products: Tensor, own: Tensor) -> Tensor:
    """The same of products [rows, columns] with one more of every row, own [rows, 1], which is attracted and weighs, too."""
    others = into_softmax(products, empty=False).unsqueeze(-1)
    both = torch.logaddexp(own, others)
    total = torch.logaddexp(others - own, torch.zeros_like(own)).sum()
    products *= (others - both).exp_()
    own.sub_(both).expm1_()
    return total


def add_gradients(weights: Tensor, x: Tensor, y: Tensor, grads: tuple[Tensor | None, Tensor | None]) -> None:
    """Adds weights y to the gradient of x, and weightsᵀ x to that of y."""
    of_x, of_y = grads
    if of_x is not None:
        of_x.addmm_(weights, y)
    if of_y is not None:
        of_y.addmm_(weights.mT, x)


def symmetrized(matrix: Tensor) -> Tensor:
    """The matrix itself, to which its transpose is added, some rows at a time."""
    step = max(len(matrix) // 16, 64)
    for start in range(0, len(matrix), step):
        stop = start + step
        matrix[start:stop, start:] += matrix[start:, start:stop].mT.clone()
        matrix[stop:, start:stop] = matrix[start:stop, stop:].mT
    return matrix


def less_part_along(grad: Tensor, x: Tensor, length: Tensor, eps: float, factor: Tensor | float) -> None:
    """From a gradient to unit rows, in place, that to x [..., rows, k], times a factor; some rows at a time.

    It is less its part along them, over their lengths [..., rows, 1].
    """
    near, inverse = length.clamp(min=eps), lost_along(1.0, length, eps)
    step = max(2**16 // x.shape[-1], -(-near.numel() // 16), 1)
    parts = (value.flatten(0, -2).split(step) for value in (grad, x, near, inverse, factor / near))
    for part, row, own, share, over in zip(*parts, strict=True):
        lost = (row * part).sum(-1, keepdim=True).div_(own).mul_(share)
        part.addcmul_(row, lost, value=-1).mul_(over)
