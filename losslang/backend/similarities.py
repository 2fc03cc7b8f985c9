"""Torch forms of fused operations on similarities of rows, with gradients of their own. Each needs torch alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losslang.backend.functions import scaled_rows, with_signature
from losslang.backend.fused import rows_at_once, symmetric_product
from losslang.backend.precision import in_own_precision

__all__: list[str] = []

KEPT = 2**26  # products of rows that are held at once; more are computed some rows at a time


def rows_in_parts(x: Tensor, columns: int) -> list[tuple[int, Tensor]]:
    """Consecutive rows, a quarter at once but no fewer than 256 (products of few rows are slow), and where they start.

    They have no more than sixteen million products, where that leaves 64 rows.
    """
    step = max(min(max(-(-len(x) // 4), 256), 2**24 // max(columns, 1)), 64)
    return [(start, x[start : start + step]) for start in range(0, len(x), step)]


def products_but(products: Tensor, scale: float | Tensor, start: int, dropped: Sequence[int]) -> Tensor:
    """Products times the scale; minus infinity on diagonals `dropped` of the matrix of which these are rows `start` and on."""
    products.mul_(scale)
    for diagonal in crossed(products, start, dropped):
        diagonal.fill_(-math.inf)
    return products


def crossed(products: Tensor, start: int, diagonals: Sequence[int]) -> list[Tensor]:
    """The parts of diagonals of a matrix that lie in these rows of it, `start` and on."""
    rows, columns = products.shape
    return [products.diagonal(d + start) for d in diagonals if -rows < d + start < columns]


def into_softmax(products: Tensor, *, empty: bool) -> Tensor:
    """[rows]: the log-sum-exps of rows of products, which are replaced by their softmax (zeros where nothing counts).

    `empty` says that a row may hold nothing but minus infinity. A softmax takes a fraction of the time of its
    exponentials; the log-sum-exp is the largest entry less the logarithm of its share.
    """
    values = []
    for part in products.split(max(2**17 // products.shape[1], 1)):
        top, shares = part.amax(-1, keepdim=True), part.softmax(-1)
        found = top - shares.amax(-1, keepdim=True).log()
        if empty:
            found = torch.where(top == -math.inf, top, found)
            shares.masked_fill_(top == -math.inf, 0)
        part.copy_(shares)
        values.append(found.squeeze(-1))
    return torch.cat(values) if len(values) > 1 else values[0]


# ---------------------------------------------------------------- log-sum-exps, row by row


def logsumexp_of_products(x: Tensor, y: Tensor | None, scale: float | Tensor, dropped: Sequence[int] = ()) -> Tensor:
    """[rows]: log Σⱼ exp(scale · xᵢ·yⱼ) of rows x [rows, k] and y [columns, k]; y is x if None.

    `dropped` are diagonals of [rows, columns] that do not count, of x with itself symmetric ones. The matrix is held once
    at most; where it is large it is never held, and computed again on the way back, some rows at a time (Gao et al. 2021;
    Dao et al. 2022).
    """
    return LogSumExpOfProducts.apply(x, y, scale, tuple(dropped))


class LogSumExpOfProducts(torch.autograd.Function):
    """The gradient is that of a softmax: Σⱼ softmaxᵢⱼ yⱼ to xᵢ, and Σᵢ softmaxᵢⱼ xᵢ to yⱼ."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor | None, scale: float | Tensor, dropped: tuple[int, ...]) -> Tensor:
        """The log-sum-exp of every row; the softmax is kept if it is small."""
        columns, shares = x if y is None else y, None
        if len(x) * len(columns) <= KEPT:
            shares = products_but(symmetric_product(x) if y is None else x @ y.mT, scale, 0, dropped)
            result = into_softmax(shares, empty=len(dropped) >= len(columns))
        else:
            result = x.new_empty(len(x))
            for start, here in rows_in_parts(x, len(columns)):
                products = products_but(here @ columns.mT, scale, start, dropped)
                result[start : start + len(here)] = into_softmax(products, empty=len(dropped) >= len(columns))
        ctx.scale, ctx.dropped = scale, dropped
        ctx.save_for_backward(x, y, result, shares)
        return result

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Some rows at a time; what is symmetric, is a row and a column at once."""
        x, y, result, shares = ctx.saved_tensors
        columns, grad = x if y is None else y, torch.where(result == -math.inf, 0.0, grad * ctx.scale)
        grad_x = torch.empty_like(x)
        grad_y = None if y is None or not ctx.needs_input_grad[1] else torch.zeros_like(y)
        for start, here in rows_in_parts(x, len(columns)):
            rows = slice(start, start + len(here))
            if shares is not None:
                weights = shares[rows] * grad[rows, None]
                if y is None:
                    weights.addcmul_(shares[:, rows].mT, grad)
            else:
                products = products_but(here @ columns.mT, ctx.scale, start, ctx.dropped)
                weights = (products - result[rows, None]).exp_().mul_(grad[rows, None])
                if y is None:
                    weights += (products - result).exp_().mul_(grad)
            grad_x[rows] = weights @ columns
            if grad_y is not None:
                grad_y.addmm_(weights.mT, here)
        return grad_x, grad_y, None, None


# ---------------------------------------------------------------- contrast: the mean of log-sum-exps, less attraction


def contrast_of_products(
    x: Tensor,
    y: Tensor | None,
    scale: float | Tensor,
    dropped: Sequence[int] = (),
    attracted: Sequence[int] = (),
    pairs: Sequence[tuple[int, int]] | None = None,
    beside: Tensor | None = None,
) -> Tensor:
    """The mean over rows i of log Σⱼ exp(scale · xᵢ·yⱼ) less that of scale · xᵢ·yⱼ on the diagonals `attracted`.

    Of rows x [rows, k] and y [columns, k] (y is x if None), where `dropped` diagonals of [rows, columns] do not count; with
    `pairs` of x [view, rows, k] and y [view, columns, k], the sum over those pairs of views. With `beside` [rows, k] every x
    has one more product, with its own row there, and that is attracted. Each row weighs the same, so the gradient is known
    as soon as the value is: it is computed with it, and neither the matrix nor an operand is kept.
    """
    wanted = [torch.is_grad_enabled() and value is not None and value.requires_grad for value in (x, y, beside)]
    return ContrastOfProducts.apply(x, y, beside, scale, (tuple(dropped), tuple(attracted)), pairs, wanted)


class ContrastOfProducts(torch.autograd.Function):
    """The gradient to xᵢ is scale / rows · Σⱼ (softmaxᵢⱼ - shareᵢⱼ) yⱼ, where attracted entries share one; likewise to yⱼ."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        y: Tensor | None,
        beside: Tensor | None,
        scale: float | Tensor,
        diagonals: tuple[tuple[int, ...], tuple[int, ...]],
        pairs: Sequence[tuple[int, int]] | None,
        wanted: Sequence[bool],
    ) -> Tensor:
        """The value; the gradients are kept."""
        grads = [
            torch.zeros_like(v) if v is not None and w else None for v, w in zip((x, y, beside), wanted, strict=True)
        ]
        both = (grads[0], grads[0 if y is None else 1])
        if beside is not None:
            value = contrast_beside(x, x if y is None else y, beside, scale, (*both, grads[2]))
        elif pairs is None:
            value = contrast_and_gradient(x, x if y is None else y, scale, diagonals, both)
        else:
            value = contrast_of_pairs(x, y, scale, diagonals, pairs, both)
        for grad in grads:
            if grad is not None:
                grad.mul_(scale / x.shape[-2])
        ctx.save_for_backward(*grads)
        return value / x.shape[-2]

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients, times what comes in."""
        return *(None if kept is None else kept * grad for kept in ctx.saved_tensors), None, None, None, None


def contrast_of_pairs(
    x: Tensor,
    y: Tensor | None,
    scale: float | Tensor,
    diagonals: tuple[tuple[int, ...], tuple[int, ...]],
    pairs: Sequence[tuple[int, int]],
    grads: Sequence[Tensor | None],
) -> Tensor:
    """The sum over pairs of views, both directions of one at once."""
    total, left, (grad_x, grad_y) = x.new_zeros(()), list(pairs), grads
    while left:
        one, two = left.pop(0)
        mirrored = y is None and (two, one) in left and is_mirrored(x[one], diagonals)
        if mirrored:
            left.remove((two, one))
        rows, columns = x[one], (x if y is None else y)[two]
        both = (None if grad_x is None else grad_x[one], None if grad_y is None else grad_y[two])
        total += contrast_and_gradient(rows, columns, scale, diagonals, both, mirrored=mirrored)
    return total


def is_mirrored(x: Tensor, diagonals: tuple[tuple[int, ...], ...]) -> bool:
    """Whether the products of rows with others serve both ways: they are held, and what is done to them is symmetric."""
    return len(x) ** 2 <= KEPT and all({-d for d in some} == set(some) for some in diagonals)


def contrast_and_gradient(
    x: Tensor,
    y: Tensor,
    scale: float | Tensor,
    diagonals: tuple[tuple[int, ...], tuple[int, ...]],
    grads: tuple[Tensor | None, Tensor | None],
    *,
    mirrored: bool = False,
) -> Tensor:
    """The sum over rows of what `contrast_of_products` is the mean of; mirrored: also of y with x.

    Adds (softmaxᵢⱼ - shareᵢⱼ) yⱼ to one gradient, and the same with xᵢ to the other.
    """
    (_, attracted), total = diagonals, x.new_zeros(())
    whole = mirrored or (x is y and len(x) ** 2 <= KEPT)
    share = len(x) / max(sum(len(x) - abs(d) for d in attracted), 1)
    for start, here in [(0, x)] if whole else rows_in_parts(x, len(y)):
        products = (symmetric_product(x) if whole and x is y else here @ y.mT).mul_(scale)
        total += into_weights(products, start, diagonals, share, mirrored=mirrored)
        rows = slice(start, start + len(here))
        add_gradients(products, here, y, (None if grads[0] is None else grads[0][rows], grads[1]))
        del products  # before the next ones are made
    return total


def into_weights(
    products: Tensor, start: int, diagonals: tuple[tuple[int, ...], tuple[int, ...]], share: float, *, mirrored: bool
) -> Tensor:
    """The sum over rows of log-sum-exps, less the attracted products; products become softmaxᵢⱼ - shareᵢⱼ.

    Mirrored: of columns, too.
    """
    (dropped, attracted), share = diagonals, 2 * share if mirrored else share
    pulled = crossed(products, start, attracted)
    total = products.new_zeros(()) - sum(diagonal.sum() for diagonal in pulled) * share
    empty = len(dropped) >= products.shape[1]
    products_but(products, 1, start, dropped)
    across = products.mT.clone(memory_format=torch.contiguous_format) if mirrored else None
    total += into_softmax(products, empty=empty).sum()
    if across is not None:
        total += into_softmax(across, empty=empty).sum()
        products += across.mT
    for diagonal in pulled:
        diagonal.sub_(share)
    return total


def contrast_beside(
    x: Tensor, y: Tensor, beside: Tensor, scale: float | Tensor, grads: Sequence[Tensor | None]
) -> Tensor:
    """The sum over rows, each with one more product, that with its own row, which is attracted; adds to the gradients."""
    total = x.new_zeros(())
    for start, here in rows_in_parts(x, len(y)):
        rows = slice(start, start + len(here))
        own = (here * beside[rows]).sum(-1, keepdim=True).mul_(scale)
        products = (here @ y.mT).mul_(scale)
        others = into_softmax(products, empty=False).unsqueeze(-1)
        both = torch.logaddexp(own, others)
        total += (both - own).sum()
        products *= (others - both).exp_()
        weight = (own - both).expm1()
        add_gradients(products, here, y, (None if grads[0] is None else grads[0][rows], grads[1]))
        for grad, row in ((grads[0], beside), (grads[2], x)):
            if grad is not None:
                grad[rows].addcmul_(row[rows], weight)
        del products  # before the next ones are made
    return total


def add_gradients(weights: Tensor, x: Tensor, y: Tensor, grads: tuple[Tensor | None, Tensor | None]) -> None:
    """Adds weights y to the gradient of x, and weightsᵀ x to that of y; of x with itself both are one product."""
    if x is y and grads[0] is not None:
        grads[0].addmm_(symmetrized(weights), x)
        return
    if grads[0] is not None:
        grads[0].addmm_(weights, y)
    if grads[1] is not None:
        grads[1].addmm_(weights.mT, x)


def symmetrized(matrix: Tensor) -> Tensor:
    """The matrix itself, to which its transpose is added, some rows at a time."""
    step = rows_at_once(len(matrix))
    for start in range(0, len(matrix), step):
        stop = start + step
        part = matrix[start:stop, start:] + matrix[start:, start:stop].mT
        matrix[start:stop, start:] = part
        matrix[stop:, start:stop] = part[:, step:].mT
    return matrix


# ---------------------------------------------------------------- cosines


def cosines_of_views(x: Tensor, y: Tensor, eps: float, others: Sequence[int]) -> Tensor:
    """[view, rows]: the cosine of every row of x [view, rows, k] with that of the view of y that `others` lists in its place.

    Rows are divided by max(length, eps). Lengths and cosines are kept, no unit rows.
    """
    return CosinesOfViews.apply(x, y, eps, tuple(others))[0]


class CosinesOfViews(torch.autograd.Function):
    """The gradient to x is (unit y - cos · unit x) / length of x, and likewise to y. Has a form for torch.vmap."""

    @staticmethod
    @with_signature
    def forward(x: Tensor, y: Tensor, eps: float, others: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """View by view: the cosines, and the lengths [..., view, rows, 1] of both; all axes before the view's are kept."""
        pairs = zip(x.unbind(-3), (y.select(-3, view) for view in others), strict=True)
        cosines, near, far = zip(*(cosines_of_rows(one, other, eps) for one, other in pairs), strict=True)
        return torch.stack(cosines, -2), torch.stack(near, -3), torch.stack(far, -3)

    @staticmethod
    def setup_context(
        ctx: Any, inputs: tuple[Tensor, Tensor, float, tuple[int, ...]], output: tuple[Tensor, ...]
    ) -> None:
        """All but unit rows is kept."""
        x, y, ctx.eps, ctx.others = inputs
        ctx.save_for_backward(x, y, *output)
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor, *_lengths: None) -> tuple[Tensor | None, ...]:
        """View by view, in place."""
        x, y, cosines, near, far = ctx.saved_tensors
        grad_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        grad_y = torch.zeros_like(y) if ctx.needs_input_grad[1] else None
        for place, view in enumerate(ctx.others):
            one, other = (x.select(-3, place), near.select(-3, place)), (y.select(-3, view), far.select(-3, place))
            factors = cosines.select(-2, place)[..., None], grad.select(-2, place)[..., None]
            if grad_x is not None:
                cosine_gradient(one, other, factors, ctx.eps, grad_x.select(-3, place))
            if grad_y is not None:
                grad_y.select(-3, view).add_(cosine_gradient(other, one, factors, ctx.eps, torch.empty_like(one[0])))
        return grad_x, grad_y, None, None

    @staticmethod
    def vmap(
        info: Any, places: tuple[int | None, ...], x: Tensor, y: Tensor, eps: float, others: tuple[int, ...]
    ) -> tuple[tuple[Tensor, ...], int]:
        """The same on one more axis in front."""
        x, y = (
            value.expand(info.batch_size, *value.shape) if place is None else value.movedim(place, 0)
            for value, place in zip((x, y), places, strict=False)
        )
        return CosinesOfViews.apply(x, y, eps, others), 0


def cosines_of_rows(x: Tensor, y: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """[rows]: cosines, and the lengths of both."""
    (one, most, length), (other, highest, far) = scaled_rows(x, (-1,)), scaled_rows(y, (-1,))
    scales = (most / length.clamp(min=eps)).mul_(highest / far.clamp(min=eps))
    return one.mul_(other).sum(-1).mul_(scales.squeeze(-1)), length, far


def cosine_gradient(
    one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor], factors: tuple[Tensor, Tensor], eps: float, out: Tensor
) -> Tensor:
    """Of cosines times what comes in, to rows of one; rows come with their lengths. A row shorter than eps is x / eps."""
    (x, length), (y, far), (cosine, grad) = one, other, factors
    near = length.clamp(min=eps)
    torch.div(y, far.clamp(min=eps), out=out)
    return out.addcmul_(x, torch.where(length < eps, 0.0, cosine / near), value=-1).mul_(grad / near)


# ---------------------------------------------------------------- the nearest row


def nearest_rows(
    query: Tensor, keys: Tensor, chosen: Tensor, scale: float | Tensor, diagonal: float | Tensor
) -> Tensor:
    """[..., rows, m]: of chosen [..., columns, m] the row whose key [..., columns, k] has the largest scale · query · key.

    `diagonal` is added to the product of a row with the key at its own place. First among equals; query [..., rows, k] and
    keys get no gradient, and their products are never held all at once.
    """
    if keys.dim() == 2:
        places = nearest_places(query.flatten(0, -2), keys, scale, diagonal)
        return chosen.index_select(0, places).unflatten(0, query.shape[:-1])
    columns = keys.shape[-2]
    both = zip(query.flatten(0, -3), keys.flatten(0, -3), strict=True)
    places = torch.cat([nearest_places(q, k, scale, diagonal) + n * columns for n, (q, k) in enumerate(both)])
    return chosen.flatten(0, -2).index_select(0, places).unflatten(0, query.shape[:-1])


@torch.no_grad()
def nearest_places(query: Tensor, keys: Tensor, scale: float | Tensor, diagonal: float | Tensor) -> Tensor:
    """[rows]: the place of the key with the largest product."""
    parts = rows_in_parts(query, len(keys))
    return torch.cat([nearest_of_rows(here, keys, scale, diagonal, start) for start, here in parts])


def nearest_of_rows(query: Tensor, keys: Tensor, scale: float | Tensor, diagonal: float | Tensor, start: int) -> Tensor:
    """The same for rows of which the first is at `start`."""
    products = (query @ keys.mT).mul_(scale)
    for entries in crossed(products, start, (0,)):
        entries.add_(diagonal)
    return places_of_largest(products)


def places_of_largest(x: Tensor) -> Tensor:
    """[rows]: the first of the largest entries; of many, in the first of the stretches of 64 with the largest maximum."""
    stretch, columns = 64, x.shape[1]
    if columns % stretch or columns < 8 * stretch:
        return x.argmax(-1)
    parts = x.unflatten(1, (-1, stretch))
    part = parts.amax(-1).argmax(-1)
    return part * stretch + parts.take_along_dim(part[:, None, None], 1).squeeze(1).argmax(-1)


def chosen_rows(scores: Tensor, y: Tensor, dim: int) -> Tensor:
    """The rows of y [..., rows, k] where the scores are largest along `dim`, first among equals."""
    best = scores.argmax(dim)
    return y[best] if y.dim() == 2 else y.take_along_dim(best.unsqueeze(-1), -2)
