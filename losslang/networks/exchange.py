"""What travels between processes: values that are ready together in one collective of their kind, while work goes on.

An exchange begins as soon as its values are there and is waited for where they are used. Its gradient is the exchange of the
gradients, which begins where the way back comes to the wait, and is waited for where it comes to the beginning: what lies
between them forward lies between them on the way back, too. Needs torch alone: emission copies the source of what a method uses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch import distributed as dist
from torch.autograd.function import once_differentiable

__all__ = ["UnderWay", "begun", "begun_in_place", "sum_of_all"]


def pieces_of(flat: Tensor, parts: Sequence[Tensor]) -> list[Tensor]:
    """One long tensor as tensors of the shapes of `parts`."""
    pieces = flat.split([part.numel() for part in parts])
    return [piece.view(part.shape) for piece, part in zip(pieces, parts, strict=True)]


def sums_begun(parts: Sequence[Tensor], _counts: Sequence[int]) -> Callable[[], list[Tensor]]:
    """The sums over the processes begin; what is given back waits for them."""
    flat = torch.cat([part.reshape(-1) for part in parts])
    work = dist.all_reduce(flat, async_op=True)
    return lambda: (work.wait(), pieces_of(flat, parts))[1]


def largest_begun(parts: Sequence[Tensor], _counts: Sequence[int]) -> Callable[[], list[Tensor]]:
    """The largest of what each process has, entry by entry."""
    flat = torch.cat([part.reshape(-1) for part in parts])
    work = dist.all_reduce(flat, dist.ReduceOp.MAX, async_op=True)
    return lambda: (work.wait(), pieces_of(flat, parts))[1]


def side_by_side(parts: Sequence[Tensor]) -> Tensor:
    """Values [row, …] as one [row, number]."""
    flat = [part.reshape(len(part), math.prod(part.shape[1:])) for part in parts]
    return flat[0] if len(flat) == 1 else torch.cat(flat, 1)


def apart(rows: Tensor, parts: Sequence[Tensor]) -> list[Tensor]:
    """The way back: values [row, …] with the other axes of `parts`."""
    pieces = rows.split([math.prod(part.shape[1:]) for part in parts], 1)
    return [piece.reshape(len(rows), *part.shape[1:]) for piece, part in zip(pieces, parts, strict=True)]


def rows_begun(parts: Sequence[Tensor], counts: Sequence[int]) -> Callable[[], list[Tensor]]:
    """[own row, …] to [row, …], those of process 0 first; rows travel in blocks of equal length."""
    own = side_by_side(parts)
    block = own.contiguous()
    if len(own) < max(counts):
        block = own.new_zeros(max(counts), own.shape[1])
        block[: len(own)] = own
    blocks = block.new_empty(len(counts), *block.shape)
    work = dist.all_gather(list(blocks.unbind()), block, async_op=True)

    def wait() -> list[Tensor]:
        work.wait()
        even = len(set(counts)) == 1
        held = [part[:count] for part, count in zip(blocks, counts, strict=True)]
        return apart(blocks.flatten(0, 1) if even else torch.cat(held), parts)

    return wait


def own_rows_begun(parts: Sequence[Tensor], counts: Sequence[int]) -> Callable[[], list[Tensor]]:
    """[row, …] summed over the processes, of which each is given its own rows."""
    whole = side_by_side(parts)
    blocks = [whole.new_zeros(max(counts), whole.shape[1]) for _ in counts]
    for block, rows in zip(blocks, whole.split(list(counts)), strict=True):
        block[: len(rows)] = rows
    own = torch.empty_like(blocks[0])
    work = dist.reduce_scatter(own, blocks, async_op=True)
    return lambda: (work.wait(), apart(own[: counts[dist.get_rank()]], parts))[1]


def each_begun(parts: Sequence[Tensor], _counts: Sequence[int]) -> Callable[[], list[Tensor]]:
    """[…] to [process, …]: what each has."""
    flat = torch.cat([part.reshape(-1) for part in parts])
    found = [torch.empty_like(flat) for _ in range(dist.get_world_size())]
    work = dist.all_gather(found, flat, async_op=True)

    def wait() -> list[Tensor]:
        work.wait()
        pieces = torch.stack(found).split([part.numel() for part in parts], 1)
        return [piece.reshape(len(found), *part.shape) for piece, part in zip(pieces, parts, strict=True)]

    return wait


def own_begun(parts: Sequence[Tensor], _counts: Sequence[int]) -> Callable[[], list[Tensor]]:
    """[process, …] summed over the processes, of which each is given its own."""
    sums = sums_begun(parts, ())
    return lambda: [part[dist.get_rank()] for part in sums()]


BEGUN = {
    "sum": sums_begun,
    "largest": largest_begun,
    "rows": rows_begun,
    "own_rows": own_rows_begun,
    "each": each_begun,
    "own": own_begun,
}
"""The collectives, by what is made of the values of all processes."""

BACK = {"sum": "sum", "rows": "own_rows", "each": "own"}
"""What brings the gradients back. Every process holds the gradient of the whole loss, in which a part of each counts."""


class Exchange:
    """What is asked for: of every value what is to be made of it, and whether its gradient is everywhere the same.

    `counts` are the numbers of rows of all processes. A gradient that is everywhere the same need not be sent: the sum over
    the processes is their number times it.
    """

    def __init__(self, kinds: Sequence[str], alike: Sequence[bool], counts: Sequence[int]) -> None:
        self.kinds, self.alike, self.counts = kinds, alike, counts
        self.trains: Sequence[bool] = ()
        self.known: dict[int, Tensor] = {}
        self.waits: list[tuple[list[int], Callable[[], list[Tensor]]]] = []

    def begin(self, kinds: Sequence[str], values: Mapping[int, Tensor]) -> None:
        """Send values, by their places: those of a kind and a type of numbers together."""
        groups: dict[tuple[str, torch.dtype], list[int]] = {}
        for place, value in values.items():
            groups.setdefault((kinds[place], value.dtype), []).append(place)
        self.waits = [
            (places, BEGUN[kind]([values[place] for place in places], self.counts))
            for (kind, _), places in groups.items()
        ]

    def end(self) -> dict[int, Tensor]:
        """What came of them, by their places."""
        waits, self.waits = self.waits, []
        return {place: value for places, wait in waits for place, value in zip(places, wait(), strict=True)}

    def times(self, gradient: Tensor, kind: str) -> Tensor:
        """Of a gradient that is everywhere the same, what an exchange would bring."""
        rank = dist.get_rank()
        if kind == "rows":
            gradient = gradient.narrow(0, sum(self.counts[:rank]), self.counts[rank])
        elif kind == "each":
            gradient = gradient[rank]
        return gradient * dist.get_world_size()


class Beginning(torch.autograd.Function):
    """Values go on their way. What is given back is empty: it ties the end to the beginning."""

    @staticmethod
    def forward(ctx: Any, exchange: Exchange, *values: Tensor) -> Tensor:
        """All of them at once."""
        ctx.exchange, exchange.trains = exchange, ctx.needs_input_grad[1:]
        exchange.begin(exchange.kinds, dict(enumerate(values)))
        return torch.empty(0, device=values[0].device)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, _grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients have come back."""
        exchange = ctx.exchange
        found = exchange.end() | exchange.known
        return None, *(found.get(place) for place in range(len(exchange.kinds)))


class Ending(torch.autograd.Function):
    """Values have come."""

    @staticmethod
    def forward(ctx: Any, exchange: Exchange, _tie: Tensor) -> tuple[Tensor, ...]:
        """All of them at once."""
        ctx.exchange, found = exchange, exchange.end()
        ctx.mark_non_differentiable(*(found[place] for place, trains in enumerate(exchange.trains) if not trains))
        return tuple(found[place] for place in range(len(found)))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        """Gradients go on their way, but those that are everywhere the same."""
        exchange = ctx.exchange
        back = {place: grad for place, grad in enumerate(gradients) if exchange.trains[place]}
        same = {place for place in back if exchange.alike[place]}
        exchange.known = {place: exchange.times(back[place], exchange.kinds[place]) for place in same}
        sent = {place: grad.contiguous() for place, grad in back.items() if place not in same}
        exchange.begin([BACK.get(kind, "") for kind in exchange.kinds], sent)
        return None, torch.empty(0, device=gradients[0].device)


class UnderWay(NamedTuple):
    """Values that the processes exchange, until somebody waits for them."""

    exchange: Exchange
    tie: Tensor

    def wait(self) -> tuple[Tensor, ...]:
        """What came of them, in the order in which they were given."""
        return Ending.apply(self.exchange, self.tie)


def begun(
    values: Sequence[Tensor], kinds: Sequence[str], alike: Sequence[bool] = (), counts: Sequence[int] = ()
) -> UnderWay:
    """Begin to exchange values: "sum" or "largest" of those of all processes, "each" of them, or the "rows" [row, …] of all."""
    exchange = Exchange(kinds, alike or [False] * len(kinds), counts)
    return UnderWay(exchange, Beginning.apply(exchange, *values))


def begun_in_place(partial: Tensor) -> Callable[[], Tensor]:
    """What every process made of its rows begins to be summed, in place and without gradient."""
    partial = partial.contiguous()
    work = dist.all_reduce(partial, async_op=True)
    return lambda: (work.wait(), partial)[1]


def sum_of_all(*parts: Tensor) -> tuple[Tensor, ...]:
    """Tensors summed over all processes, in one exchange; so are their gradients."""
    return begun(parts, ["sum"] * len(parts)).wait()
