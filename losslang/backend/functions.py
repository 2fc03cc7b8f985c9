"""Functions that emitted modules call. Each needs torch alone: emission copies the source of those a method uses."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from losslang.backend.precision import in_own_precision

__all__ = ["Output"]


class Output(NamedTuple):
    """The loss, its terms by name (they sum to the total), and weighted terms before their leading weight."""

    total: Tensor
    terms: dict[str, Tensor]
    raw: dict[str, Tensor]


# ---------------------------------------------------------------- inputs


def as_views(value: Tensor | Mapping[str, Tensor] | Sequence[Tensor], views: Sequence[str]) -> Tensor:
    """[view, batch, …] from one tensor in view order, a list in view order, or tensors by view name."""
    if isinstance(value, Tensor):
        if value.shape[0] != len(views):
            raise ValueError(f"{len(views)} views are needed ({', '.join(views)}), and the tensor has {value.shape[0]}")
        return value
    if isinstance(value, Mapping):
        missing = [view for view in views if view not in value]
        if missing:
            raise ValueError(f"the view `{missing[0]}` is missing; needed are {', '.join(views)}")
        value = [value[view] for view in views]
    other = next((kind.__name__ for kind in map(type, value) if not issubclass(kind, Tensor)), None)
    if other:
        raise TypeError(f"views are tensors, and here is {other}; torch.from_numpy makes one of an array")
    if any(rows.shape != value[0].shape for rows in value):
        found = ", ".join(f"{view} is {list(rows.shape)}" for view, rows in zip(views, value, strict=False))
        raise ValueError(f"views have one shape, and here {found}")
    return torch.stack(list(value))


def checked_input(x: Tensor, name: str, axes: Sequence[str], sizes: Sequence[int | None]) -> Tensor:
    """The input itself, if it has the axes and sizes the method was compiled for."""
    fits = x.dim() == len(sizes) and all(s is None or s == n for s, n in zip(sizes, x.shape, strict=True))
    if not fits:
        wanted = ", ".join(a if s is None else f"{a}={s}" for a, s in zip(axes, sizes, strict=True))
        raise ValueError(f"`{name}` must be [{wanted}], and has the shape {list(x.shape)}; compile_loss takes sizes=")
    if not x.is_floating_point():
        raise TypeError(f"`{name}` holds {x.dtype}, and embeddings are real numbers: take {name}.float()")
    return x


def check_batches(**rows: int) -> None:
    """All inputs hold the same number of rows."""
    if len(set(rows.values())) > 1:
        found = ", ".join(f"{name} has {count}" for name, count in rows.items())
        raise ValueError(f"the inputs hold batches of different size: {found}")


def widened_input(x: Tensor) -> Tensor:
    """Half precision as float32: statistics, softmax and log-det need its range."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def kept_wide(convert: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A conversion of tensors (to a device, to a type) that leaves out the step to half precision."""

    def wide(x: Tensor) -> Tensor:
        converted = convert(x)
        return x.to(converted.device) if converted.dtype in (torch.float16, torch.bfloat16) else converted

    return wide


def taken_over(now: Tensor, coming: Tensor, step: Tensor) -> Tensor:
    """The value of a state after a step: the one that is to come.

    Where a compiled call takes over and writes the next one, too, torch's compiler (2.13) has the way back read what was
    written: there the value is made anew.
    """
    return torch.where(step < 0, now, coming) if torch.compiler.is_compiling() else coming


# ---------------------------------------------------------------- networks on views and rows


def separately(network: nn.Module, x: Tensor | Sequence[Tensor]) -> Tensor:
    """Every view as its own batch."""
    return torch.stack([network(view) for view in x])


def jointly(network: nn.Module, x: Tensor | Sequence[Tensor]) -> Tensor:
    """All views of equal size as one batch."""
    views = list(x)
    outputs: list[Tensor | None] = [None] * len(views)
    for shape in dict.fromkeys(view.shape for view in views):
        places = [i for i, view in enumerate(views) if view.shape == shape]
        together = network(torch.cat([views[i] for i in places]))
        for i, output in zip(places, together.chunk(len(places)), strict=True):
            outputs[i] = output
    return torch.stack([output for output in outputs if output is not None])


def checked_features(x: Tensor, name: str, size: int, axes: int) -> Tensor:
    """The output of a backbone, if it has one vector of the size that was said for every image."""
    if x.dim() != axes or x.shape[-1] != size:
        found = list(x.shape[axes - 2 :])
        raise ValueError(f"the backbone `{name}` gives {found}, not [batch, feature={size}]; feature_size= is its size")
    return x


def on_rows(network: nn.Module, x: Tensor) -> Tensor:
    """Every row by itself, whatever axes stand before the last."""
    return network(x.flatten(0, -2)).unflatten(0, x.shape[:-1])


# ---------------------------------------------------------------- elementwise and reductions


def with_signature(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself, which knows its signature.

    With every call of a function that has a form for torch.vmap, torch asks for the signature of its `forward`; to work that
    out takes longer than small matrices do.
    """
    function.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return function


def ratio_of(x: float, y: float) -> float:
    """x / y of numbers, infinite or NaN where y is 0, as it is of tensors."""
    return x / y if y else x * math.inf


def safe_sqrt(x: Tensor) -> Tensor:
    """Square root with gradient 0 at 0."""
    zero = x == 0
    return torch.where(zero, torch.zeros_like(x), torch.where(zero, 1.0, x).sqrt())


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


def axes_behind(dim: Sequence[int]) -> tuple[int, ...]:
    """Places of axes, after one more axis came in front."""
    return tuple(axis if axis < 0 else axis + 1 for axis in dim)


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


def lost_along(products: Tensor, length: Tensor, eps: float) -> Tensor:
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


def variance_over(x: Tensor, dim: Sequence[int], ddof: float, where: Tensor | None = None) -> Tensor:
    """Variance over axes with divisor n - ddof, in two passes."""
    dims = list(dim)
    if where is None:
        return Variance.apply(x, tuple(dims), ddof)[0].squeeze(tuple(dims))
    x, where = torch.broadcast_tensors(x, where)
    weight = where.to(x.dtype)
    total = weight.sum(dim=dims, keepdim=True)
    centered = (x - (x * weight).sum(dim=dims, keepdim=True) / total) * weight
    return centered.square().sum(dim=dims) / (weight.sum(dim=dims) - ddof)


class Variance(torch.autograd.Function):
    """The gradient is 2 (x - mean) / (n - ddof). Has a form for torch.vmap."""

    @staticmethod
    @with_signature
    def forward(x: Tensor, dim: tuple[int, ...], ddof: float) -> tuple[Tensor, Tensor]:
        """The variance (the axes keep size 1), and the mean."""
        mean = x.mean(dim, keepdim=True)
        return (x - mean).square_().sum(dim, keepdim=True) / divisor_of(x, dim, ddof), mean

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, tuple[int, ...], float], output: tuple[Tensor, Tensor]) -> None:
        """The value and its mean are kept."""
        x, dim, ddof = inputs
        ctx.divisor = divisor_of(x, dim, ddof)
        ctx.save_for_backward(x, output[1])
        ctx.mark_non_differentiable(output[1])
        ctx.set_materialize_grads(False)

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor, _mean: None) -> tuple[Tensor, None, None]:
        """The gradient, times what comes in."""
        x, mean = ctx.saved_tensors
        return (x - mean).mul_(2 * grad / ctx.divisor), None, None

    @staticmethod
    def vmap(
        _info: Any, places: tuple[int, None, None], x: Tensor, dim: tuple[int, ...], ddof: float
    ) -> tuple[tuple[Tensor, Tensor], int]:
        """The same on one more axis in front."""
        return Variance.apply(x.movedim(places[0], 0), axes_behind(dim), ddof), 0


def divisor_of(x: Tensor, dim: Sequence[int], ddof: float) -> Tensor:
    """The number of entries along axes less ddof, as a tensor: what is divided by 0 is NaN."""
    return x.new_tensor(math.prod([x.shape[axis] for axis in dim]) - ddof)


def masked_mean(x: Tensor, where: Tensor, dim: Sequence[int]) -> Tensor:
    """Mean over the true entries."""
    x, where = torch.broadcast_tensors(x, where)
    kept = torch.where(where, x, torch.zeros_like(x))
    return kept.sum(dim=list(dim)) / where.sum(dim=list(dim))


def masked_sum(x: Tensor, where: Tensor, dim: Sequence[int]) -> Tensor:
    """Sum over the true entries."""
    x, where = torch.broadcast_tensors(x, where)
    return torch.where(where, x, torch.zeros_like(x)).sum(dim=list(dim))


def masked_count(x: Tensor, where: Tensor, dim: Sequence[int]) -> Tensor:
    """The number of true entries."""
    x, where = torch.broadcast_tensors(x, where)
    return where.sum(dim=list(dim)).to(x.dtype)


def kept_where(x: Tensor, where: Tensor) -> Tensor:
    """The true entries, and minus infinity elsewhere."""
    return torch.where(where, x, torch.full((), -math.inf, dtype=x.dtype, device=x.device))


def largest_over(x: Tensor, dim: Sequence[int]) -> Tensor:
    """Largest entry over axes; the gradient is shared among equals."""
    return x.amax(dim=list(dim))


def log_softmax_over(x: Tensor, dim: Sequence[int]) -> Tensor:
    """The value minus its log-sum-exp over axes."""
    if len(dim) == 1:
        return x.log_softmax(dim[0])
    return x - x.logsumexp(dim=list(dim), keepdim=True)


# ---------------------------------------------------------------- matrices [..., a, a']


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
        return torch.cholesky_inverse(factor) * grad[..., None, None]

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


def nuclear_norm_of(matrix: Tensor) -> Tensor:
    """Sum of the singular values."""
    return torch.linalg.svdvals(matrix).sum(-1)


# ---------------------------------------------------------------- assignment and random draws


@torch.no_grad()
def sinkhorn_codes(
    scores: Tensor,
    epsilon: float | Tensor,
    iterations: int,
    samples: int,
    over: Sequence[int],
    also: Tensor | None = None,
) -> Tensor:
    """Sinkhorn in the log domain: samples over the axes `over`, prototypes last; every sample sums to 1 at the end.

    Rows of `also`, joined along the axis `samples`, are assigned together with the batch and then dropped; while they are
    not all there (a queue that is not full holds NaN) none counts.
    """
    logits = scores / epsilon
    earlier = 0
    if also is not None:
        earlier = also.shape[samples]
        absent = torch.full_like(also, -math.inf)
        logits = torch.cat([torch.where(also.isfinite().all(), also / epsilon, absent), logits], dim=samples)
    for _ in range(iterations):
        logits = logits - logits.logsumexp(dim=list(over), keepdim=True)
        normal = logits - logits.logsumexp(dim=-1, keepdim=True)
        logits = torch.where(logits == -math.inf, logits, normal)
    return logits.narrow(samples, earlier, scores.shape[samples]).exp()


@torch.no_grad()
def one_hot_largest(x: Tensor, dim: int) -> Tensor:
    """1 at the first of the largest entries, 0 elsewhere."""
    return torch.zeros_like(x).scatter_(dim, x.argmax(dim=dim, keepdim=True), 1.0)


@torch.no_grad()
def unit_directions(count: int, size: int, like: Tensor, step: Tensor, salt: int) -> Tensor:
    """[direction, feature]: unit vectors drawn anew each step, the same on every process.

    Counter-based (a hash of step, salt and position gives uniform numbers, Box-Muller normal ones), so that the draw
    needs no generator state, survives a resume and does not break the graph of torch.compile.
    """
    key = ((step.to(like.device) * 2654435761 + salt * 40503) & 0xFFFFFFFF) * 7919
    at_once = count if like.device.type != "cpu" or torch.compiler.is_compiling() else max(2**17 // size, 1)
    drawn = []
    for first in range(0, count, at_once):
        rows = min(at_once, count - first)
        position = torch.arange(first * size, (first + rows) * size, device=like.device, dtype=torch.int64)
        normal = normal_numbers(position * 2 + key).to(like.dtype)
        drawn.append(unit_rows(normal.view(rows, size), (1,), 1e-12))
    return torch.cat(drawn) if len(drawn) > 1 else drawn[0]


def normal_numbers(keys: Tensor) -> Tensor:
    """A normal number in float64 of every even key and the odd one after it, by Box and Muller's transform."""
    radius = scrambled(keys).add_(1).div_(4294967297.0).log_().mul_(-2).sqrt_()
    return scrambled(keys + 1).mul_(2 * math.pi / 4294967296.0).cos_().mul_(radius)


def scrambled(x: Tensor) -> Tensor:
    """A 32-bit hash of integers, as float64 (lowbias32 by Wellons)."""
    x = x & 0xFFFFFFFF
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x ^= x >> shift
        x *= factor
        x &= 0xFFFFFFFF
    x ^= x >> 16
    return x.to(torch.float64)


@torch.no_grad()
def quantiles_of_normal(count: int, like: Tensor) -> Tensor:
    """The quantiles of the standard normal at i/(n + 1), i = 1 … n."""
    places = torch.arange(1, count + 1, device=like.device, dtype=torch.float64) / (count + 1)
    return torch.special.ndtri(places).to(like.dtype)


@torch.no_grad()
def shuffled_order(count: int, like: Tensor, step: Tensor) -> Tensor:
    """A permutation of the rows, drawn anew each step, the same on every process."""
    position = torch.arange(count, device=like.device, dtype=torch.int64)
    return scrambled(position + (step.to(like.device) + 1) * 2654435761).argsort()


def in_groups(x: Tensor, rows: int, dim: int, order: Tensor | None = None) -> Tensor:
    """[…, batch, …] to [group, …, rows, …]: consecutive groups, an incomplete last one dropped."""
    count = x.shape[dim]
    rows = min(rows, count)
    if order is not None:
        x = x.index_select(dim, order)
    return x.narrow(dim, 0, count // rows * rows).unflatten(dim, (-1, rows)).movedim(dim, 0)


# ---------------------------------------------------------------- state and schedules


@torch.no_grad()
def spherical_kmeans(rows: Tensor, count: int, iterations: int) -> Tensor:
    """[prototype, feature]: unit centroids of unit rows [image, feature] by the largest cosine; empty ones stay.

    The first centroids are rows spread evenly over the images, so that every process finds the same.
    """
    unit = torch.nn.functional.normalize(rows, dim=-1)
    start = (torch.arange(count, device=rows.device) * unit.shape[0] // count) % unit.shape[0]
    centers = unit[start].clone()
    for _ in range(iterations):
        nearest = (unit @ centers.mT).argmax(dim=1)
        sums = torch.zeros_like(centers).index_add_(0, nearest, unit)
        norms = sums.norm(dim=-1, keepdim=True)
        centers = torch.where(norms > 0, sums / norms.clamp(min=1e-12), centers)
    return centers


@torch.no_grad()
def pushed_queue(queue: Tensor, rows: Tensor, dim: int, step: Tensor, start: int) -> Tensor:
    """The queue after new rows came in at its end, the oldest gone; before step `start` nothing comes in."""
    size = queue.shape[dim]
    together = torch.cat([queue, rows.to(queue.dtype)], dim=dim)
    pushed = together.narrow(dim, together.shape[dim] - size, size)
    return torch.where(step >= start, pushed, queue) if start else pushed


@torch.no_grad()
def push_rows(after: Tensor, queue: Tensor, rows: Tensor, dim: int, step: Tensor, start: int) -> None:
    """Writes the queue into `after` with new rows at its end, the oldest gone; before step `start` as it is."""
    size = queue.shape[dim]
    new = min(rows.shape[dim], size)
    after.narrow(dim, 0, size - new).copy_(queue.narrow(dim, new, size - new))
    after.narrow(dim, size - new, new).copy_(rows.narrow(dim, rows.shape[dim] - new, new))
    if start:
        after.copy_(torch.where(step >= start, after, queue))


def schedule_value(
    step: Tensor, kind: str, start: float, end: float, warm: int, last: int, span: int, quantum: int
) -> Tensor:
    """The value of a schedule after `step` finished steps: `warm` steps of rise from 0, then from start to end."""
    t = (step // quantum * quantum).to(torch.float64)
    if kind == "step":
        value = torch.where(t < last, torch.full_like(t, start), torch.full_like(t, end))
    else:
        progress = ((t - warm) / span).clamp(0.0, 1.0)
        if kind == "cosine":
            progress = (1 - (math.pi * progress).cos()) / 2
        value = start + (end - start) * progress
    return torch.where(t < warm, start * t / max(warm, 1), value)
