"""What processes that share a batch tell each other. Needs torch alone: emission copies the source of what a method uses.

Every process computes the same loss, that of the whole batch, and gradients of parameters are averaged over the processes
(as DistributedDataParallel does). With sums whose gradient is the same sum, and gathers whose gradient is summed and handed
back, that average is the gradient of the whole batch: there is no factor left over, whatever the numbers of rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch import distributed as dist

from losslang.algebra.ways import Way, rows_are_cheaper

__all__ = ["Share", "SumOfAll", "many_processes", "share_of"]


def many_processes() -> bool:
    """Whether other processes hold parts of the batch."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


class SumOfAll(torch.autograd.Function):
    """Tensors summed over all processes, in one exchange; so are their gradients."""

    @staticmethod
    def forward(_ctx: Any, *parts: Tensor) -> tuple[Tensor, ...]:
        """The sums, the same on every process."""
        flat = torch.cat([part.reshape(-1) for part in parts])
        dist.all_reduce(flat)
        pieces = flat.split([part.numel() for part in parts])
        return tuple(piece.view_as(part).to(part.dtype) for piece, part in zip(pieces, parts, strict=True))

    @staticmethod
    def backward(_ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        """Every process holds the gradient of the whole loss with respect to the sum: a part counts in all of them."""
        return SumOfAll.apply(*(gradient.contiguous() for gradient in gradients))


class RowsOfAll(torch.autograd.Function):
    """The rows [row, …] of all processes, those of process 0 first; `counts` says how many each holds."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, counts: Sequence[int]) -> Tensor:
        """[own row, …] to [row, …]: rows travel in blocks of equal length."""
        ctx.counts = counts
        block = x.new_zeros(max(counts), *x.shape[1:])
        block[: len(x)] = x
        blocks = [torch.empty_like(block) for _ in counts]
        dist.all_gather(blocks, block)
        return torch.cat([part[:count] for part, count in zip(blocks, counts, strict=True)])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Summed over the processes, each is given back its own rows."""
        counts = ctx.counts
        blocks = [gradient.new_zeros(max(counts), *gradient.shape[1:]) for _ in counts]
        for block, part in zip(blocks, gradient.split(list(counts)), strict=True):
            block[: len(part)] = part
        own = torch.empty_like(blocks[0])
        dist.reduce_scatter(own, blocks)
        return own[: counts[dist.get_rank()]], None


class Share(NamedTuple):
    """The rows of the batch that this process holds.

    `counts` are the numbers of rows of all processes, `places` [own row] says where in the batch its own stand. `order` is
    there where that is not one process after the other: of every place in the batch, the row that stands there. `exchange` says
    what is sent where there is a choice: "sums", "rows", or what is cheaper ("auto").
    """

    counts: tuple[int, ...]
    places: Tensor
    order: Tensor | None = None
    exchange: str = "auto"

    @property
    def rows(self) -> int:
        """The number of rows of all processes."""
        return sum(self.counts)

    def sum(self, *parts: Tensor) -> tuple[Tensor, ...]:
        """What every process made of its rows, summed."""
        return SumOfAll.apply(*parts)

    @property
    def start(self) -> int:
        """Where own rows begin, one process after the other."""
        return sum(self.counts[: dist.get_rank()])

    def times(self, rows: int) -> Share:
        """The same for values that have so many rows for each of the batch."""
        return self._replace(counts=tuple(rows * count for count in self.counts))

    def rows_of_all(self, x: Tensor) -> Tensor:
        """[..., own row, k] to [..., row, k], one process after the other."""
        return RowsOfAll.apply(x.movedim(-2, 0), self.counts).movedim(0, -2)

    def columns(self, x: Tensor) -> Tensor:
        """[own row, k] to [row, k]: own rows first, then those of the others."""
        return self.rows_of_all(x).roll(-self.start, 0)

    def by_rows(self, x: Tensor, sums: Way, rows: Way) -> bool:
        """Whether rows are gathered, and not products summed: the cheaper of two ways, or what was asked for."""
        return rows_are_cheaper(sums, rows, x.itemsize) if self.exchange == "auto" else self.exchange == "rows"

    @torch.no_grad()
    def largest(self, x: Tensor, dim: Sequence[int], *, keepdim: bool = False) -> Tensor:
        """The largest entry over axes on any process, without gradient. No number counts as infinite, so that it shows."""
        empty = [1 if axis in dim or axis - x.dim() in dim else size for axis, size in enumerate(x.shape)]
        shape = [size for axis, size in enumerate(empty) if keepdim or not (axis in dim or axis - x.dim() in dim)]
        top = x.amax(dim=list(dim), keepdim=keepdim) if x.numel() else x.new_full(shape, -math.inf)
        top = torch.where(top.isnan(), math.inf, top).contiguous()
        dist.all_reduce(top, dist.ReduceOp.MAX)
        return top

    def gather(self, x: Tensor, dim: int) -> Tensor:
        """The rows of all processes along an axis, in the order of the batch."""
        front = x.movedim(dim, 0)
        rows = RowsOfAll.apply(front.to(torch.uint8) if x.dtype == torch.bool else front, self.counts).to(x.dtype)
        return (rows if self.order is None else rows.index_select(0, self.order)).movedim(0, dim)

    def own(self, x: Tensor, dim: int) -> Tensor:
        """Of the rows of all processes those that this one holds."""
        return x.index_select(dim, self.places)

    def same(self) -> Tensor:
        """[own row, row]: where a row meets itself."""
        return self.places.unsqueeze(1) == torch.arange(self.rows, device=self.places.device)


def share_of(rows: int, device: torch.device, places: Tensor | None = None, exchange: str = "auto") -> Share:
    """The share of a process that holds so many rows; all processes ask for theirs together.

    `places` [own row] are the places of its rows in the batch; without, the rows of process 0 come first, and so on.
    """
    mine = torch.tensor([rows], device=device)
    found = [torch.empty_like(mine) for _ in range(dist.get_world_size())]
    dist.all_gather(found, mine)
    counts = tuple(torch.cat(found).tolist())
    if not sum(counts):
        raise ValueError("the batch is empty: no process holds a row")
    start = sum(counts[: dist.get_rank()])
    if places is None:
        return Share(counts, torch.arange(start, start + rows, device=device), None, exchange)
    order = RowsOfAll.apply(places, counts).argsort()
    return Share(counts, places, order, exchange)


def logsumexp_of_all(x: Tensor, dim: Sequence[int], share: Share) -> Tensor:
    """Log of the sum of exponentials over axes, one of them the batch, on all processes; the axes stay, with length 1."""
    top = share.largest(x, dim, keepdim=True).clamp(min=torch.finfo(x.dtype).min)
    (total,) = share.sum((x - top).exp().sum(dim=list(dim), keepdim=True))
    return total.log() + top


@torch.no_grad()
def sinkhorn_of_all(
    scores: Tensor,
    epsilon: float | Tensor,
    iterations: int,
    over: Sequence[int],
    share: Share,
    also: Tensor | None = None,
) -> Tensor:
    """Sinkhorn in the log domain over the samples of all processes, prototypes last; every sample sums to 1 at the end.

    Rows of `also` are assigned together with the batch; every process holds all of them, and they count once.
    """
    logits = scores / epsilon
    earlier = None
    if also is not None:
        earlier = torch.where(also.isfinite().all(), also / epsilon, torch.full_like(also, -math.inf))
    for _ in range(iterations):
        total = logsumexp_of_all(logits, over, share)
        if earlier is not None:
            total = torch.logaddexp(total, earlier.logsumexp(dim=list(over), keepdim=True))
            earlier = rows_of_one(earlier - total)
        logits = rows_of_one(logits - total)
    return logits.exp()


def rows_of_one(logits: Tensor) -> Tensor:
    """Logarithms whose exponentials sum to 1 over the last axis; minus infinity stays."""
    normal = logits - logits.logsumexp(dim=-1, keepdim=True)
    return torch.where(logits == -math.inf, logits, normal)


@torch.no_grad()
def one_hot_of_all(x: Tensor, dim: int, share: Share) -> Tensor:
    """1 at the largest entry along the batch's axis over all processes, the first among equals; 0 elsewhere."""
    shape = [1] * x.dim()
    shape[dim] = -1
    places = share.places.view(shape).expand_as(x)
    top = share.largest(x, (dim,), keepdim=True)
    behind = torch.where(x == top, places, share.rows).to(torch.float64)
    first = -share.largest(-behind, (dim,), keepdim=True)
    return (places == first).to(x.dtype)
