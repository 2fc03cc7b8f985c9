"""What processes that share a batch tell each other. Needs torch alone: emission copies the source of what a method uses.

Every process computes the same loss, that of the whole batch, and gradients of parameters are averaged over the processes
(as DistributedDataParallel does). With sums whose gradient is the same sum, and gathers whose gradient is summed and handed
back, that average is the gradient of the whole batch: there is no factor left over, whatever the numbers of rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch import distributed as dist

from losslang.algebra.ways import Way, rows_are_cheaper
from losslang.networks.exchange import UnderWay, begun

__all__ = ["Columns", "Coming", "Largest", "Later", "LogSum", "Rows", "Share", "Sum", "many_processes", "share_of"]


def many_processes() -> bool:
    """Whether other processes hold parts of the batch."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


class Sum(NamedTuple):
    """What every process made of its rows, to be summed; `alike`: the gradient of the sum is the same on every process."""

    x: Tensor
    alike: bool = False

    def sent(self) -> Tensor:
        """As it travels."""
        return self.x

    def come(self, value: Tensor, _share: Share) -> Tensor:
        """As it is used."""
        return value


class Largest(NamedTuple):
    """The largest entry over axes on any process, without gradient. No number counts as infinite, so that it shows."""

    x: Tensor
    dim: tuple[int, ...]
    keepdim: bool = False
    alike: bool = False

    @torch.no_grad()
    def sent(self) -> Tensor:
        """That of own rows, minus infinity where there are none."""
        x, over = self.x, {axis % self.x.dim() for axis in self.dim}
        shape = [1 if axis in over else size for axis, size in enumerate(x.shape) if self.keepdim or axis not in over]
        top = x.amax(dim=self.dim, keepdim=self.keepdim) if x.numel() else x.new_full(shape, -math.inf)
        return torch.where(top.isnan(), math.inf, top)

    def come(self, value: Tensor, _share: Share) -> Tensor:
        """As it is used."""
        return value


class Rows(NamedTuple):
    """The rows of all processes along an axis, in the order of the batch."""

    x: Tensor
    dim: int
    alike: bool = False

    def sent(self) -> Tensor:
        """Rows first; masks as numbers."""
        front = self.x.movedim(self.dim, 0)
        return front.to(torch.uint8) if self.x.dtype == torch.bool else front

    def come(self, value: Tensor, share: Share) -> Tensor:
        """As it is used."""
        rows = value.to(self.x.dtype)
        return (rows if share.order is None else rows.index_select(0, share.order.rows())).movedim(0, self.dim)


class Columns(NamedTuple):
    """The rows of all processes along an axis: own rows first, then those of the others."""

    x: Tensor
    dim: int
    alike: bool = False

    def sent(self) -> Tensor:
        """Rows first."""
        return self.x.movedim(self.dim, 0)

    def come(self, value: Tensor, share: Share) -> Tensor:
        """As it is used."""
        return value.roll(-share.start, 0).movedim(0, self.dim)


class LogSum(NamedTuple):
    """The logarithm of the sum of exponentials of what every process has."""

    x: Tensor
    alike: bool = False

    def sent(self) -> Tensor:
        """As it travels."""
        return self.x

    def come(self, value: Tensor, _share: Share) -> Tensor:
        """As it is used."""
        return value.logsumexp(0)


KINDS = {Sum: "sum", Largest: "largest", Rows: "rows", Columns: "rows", LogSum: "each"}
"""The collective that brings what is asked for."""


class Numbers:
    """How many rows every process holds, asked for at once and waited for where somebody wants to know."""

    def __init__(self, rows: int, device: torch.device) -> None:
        self.own, self.device = rows, device
        self.coming = begun([torch.tensor(rows, device=device)], ["each"])
        self.known: tuple[int, ...] = ()

    def all(self) -> tuple[int, ...]:
        """The numbers by process. Raises ValueError where no process holds a row."""
        if not self.known:
            self.known = tuple(self.coming.wait()[0].tolist())
        if not sum(self.known):
            raise ValueError("the batch is empty: no process holds a row")
        return self.known


class Order:
    """Of every place in the batch the row that stands there: asked for with the first rows, if any are, and waited for with them.

    `places` [own row] are those of own rows.
    """

    def __init__(self, places: Tensor) -> None:
        self.places = places
        self.coming: UnderWay | None = None
        self.known: Tensor | None = None

    def begin(self, counts: Sequence[int]) -> None:
        """Ask for the places of the rows of all processes, of which there are so many, once."""
        if self.coming is None:
            self.coming = begun([self.places], ["rows"], counts=counts)

    def rows(self) -> Tensor:
        """[place in the batch]: the row, of those of one process after the other."""
        if self.known is None:
            assert self.coming is not None
            self.known = self.coming.wait()[0].argsort()
        return self.known


class Share(NamedTuple):
    """The rows of the batch that this process holds.

    `order` is there where they do not stand in the batch one process after the other. `way` says what is sent where there is a
    choice: "sums", "rows", or what is cheaper ("auto"). `factor` is the number of rows for each of the batch.
    """

    numbers: Numbers
    order: Order | None = None
    way: str = "auto"
    factor: int = 1

    @property
    def counts(self) -> tuple[int, ...]:
        """The numbers of rows of all processes."""
        return tuple(self.factor * count for count in self.numbers.all())

    @property
    def places(self) -> Tensor:
        """[own row]: where in the batch own rows stand."""
        if self.order is not None:
            return self.order.places
        return torch.arange(self.start, self.start + self.numbers.own, device=self.numbers.device)

    @property
    def rows(self) -> int:
        """The number of rows of all processes."""
        return sum(self.counts)

    def begin(self, *parts: Sum | Largest | Rows | Columns | LogSum) -> Coming:
        """Send what is asked for: what is of one kind goes together."""
        counts = self.counts if {Rows, Columns} & {type(part) for part in parts} else ()
        if self.order is not None and any(isinstance(part, Rows) for part in parts):
            self.order.begin(self.counts)
        kinds, alike = [KINDS[type(part)] for part in parts], [part.alike for part in parts]
        return Coming(self, parts, begun([part.sent() for part in parts], kinds, alike, counts))

    def exchange(self, *parts: Sum | Largest | Rows | Columns | LogSum) -> tuple[Tensor, ...]:
        """What is asked for, where there is nothing to do meanwhile."""
        return self.begin(*parts).wait()

    def sum(self, *parts: Tensor) -> tuple[Tensor, ...]:
        """What every process made of its rows, summed."""
        return self.exchange(*(Sum(part) for part in parts))

    @property
    def start(self) -> int:
        """Where own rows begin, one process after the other."""
        return sum(self.counts[: dist.get_rank()])

    def times(self, rows: int) -> Share:
        """The same for values that have so many rows for each of the batch."""
        return self._replace(factor=rows * self.factor)

    def begin_rows(self, *parts: Tensor, alike: bool = False) -> Coming:
        """Of each [..., own row, k] the [..., row, k], one process after the other, are on their way."""
        return self._replace(order=None).begin(*(Rows(part, -2, alike) for part in parts))

    def rows_of_all(self, *parts: Tensor) -> tuple[Tensor, ...]:
        """Of each [..., own row, k] the [..., row, k], one process after the other."""
        return self.begin_rows(*parts).wait()

    def by_rows(self, x: Tensor, sums: Way, rows: Way) -> bool:
        """Whether rows are gathered, and not products summed: the cheaper of two ways, or what was asked for."""
        return rows_are_cheaper(sums, rows, x.itemsize) if self.way == "auto" else self.way == "rows"

    def own(self, x: Tensor, dim: int) -> Tensor:
        """Of the rows of all processes those that this one holds."""
        return x.index_select(dim, self.places)

    def same(self) -> Tensor:
        """[own row, row]: where a row meets itself."""
        return self.places.unsqueeze(1) == torch.arange(self.rows, device=self.places.device)


class Coming(NamedTuple):
    """What a process asked the others for, until it waits for it."""

    share: Share
    parts: tuple[Sum | Largest | Rows | Columns | LogSum, ...]
    under_way: UnderWay

    def wait(self) -> tuple[Tensor, ...]:
        """What was asked for, in order."""
        values = self.under_way.wait()
        return tuple(part.come(value, self.share) for part, value in zip(self.parts, values, strict=True))


class Later(NamedTuple):
    """A value that is made of what others send, until somebody waits for it."""

    value: Callable[[], Tensor]

    def wait(self) -> Tensor:
        """The value."""
        return self.value()


def share_of(rows: int, device: torch.device, places: Tensor | None = None, exchange: str = "auto") -> Share:
    """The share of a process that holds so many rows; all processes ask for theirs together.

    `places` [own row] are the places of its rows in the batch; without, the rows of process 0 come first, and so on.
    """
    return Share(Numbers(rows, device), None if places is None else Order(places), exchange)
