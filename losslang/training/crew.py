"""Training on several processes: who they are, what they agree on, and the mean of their gradients.

Process 0 leads: it keeps the run folder, measures and prints. The others follow; what ends the run of the leader ends theirs.
Every process holds its own rows of every batch, and all hold the same model.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist

from losslang.diagnostics import LosslangError
from losslang.networks.processes import many_processes
from losslang.training.signals import Pending

__all__ = ["Crew", "agreed", "asked_to_end", "average_gradients", "crew", "failed_somewhere", "joined", "shared"]

TIMEOUT = timedelta(minutes=30)
"""How long a process waits for the others; the leader measures meanwhile. One that ends is noticed at once."""

ALONE_FOR = 10
"""Steps between questions whether somebody was asked to end, where asking means waiting for a GPU."""

T = TypeVar("T")


@dataclass(frozen=True)
class Crew:
    """The number of this process among those that train together."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process keeps the books."""
        return self.rank == 0

    def rows(self, batch: int) -> slice:
        """The rows of a batch that this process holds: one process after the other, so that order is the sampler's."""
        return slice(self.rank * batch // self.size, (self.rank + 1) * batch // self.size)


def crew() -> Crew:
    """The processes that train together; alone where there is no other."""
    return Crew(dist.get_rank(), dist.get_world_size()) if many_processes() else Crew()


@contextmanager
def joined(device: str) -> Iterator[Crew]:
    """Within, the processes that a launcher started (`losslang train --processes`, torchrun) are one crew.

    No thread of theirs is left behind: one that lets go of a tensor while Python ends aborts the process (torch 2.13), which
    a launcher takes for a lost one.

    Raises LosslangError where they do not meet, and where one of them is lost on the way.
    """
    rank, size = os.environ.get("RANK"), int(os.environ.get("WORLD_SIZE", "1"))
    if rank is None or size == 1:
        yield Crew()
        return
    # optimisers would load it, and after init_process_group gloo's threads then outlive the crew
    import_module("torch._dynamo")
    on_gpu = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    if on_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    try:
        dist.init_process_group("nccl" if on_gpu else "gloo", timeout=TIMEOUT)
        yield crew()
    except (dist.DistError, RuntimeError) as error:
        if isinstance(error, LosslangError) or not _of_communication(error):
            raise
        raise LosslangError(
            f"process {rank} of {size} lost the others; what went wrong is what another of them says"
        ) from error
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def _of_communication(error: Exception) -> bool:
    words = ("gloo", "NCCL", "Connection", "connection", "Timed out", "timeout", "peer", "Broken pipe")
    return isinstance(error, dist.DistError) or any(word in str(error) for word in words)


# ---------------------------------------------------------------- agreeing


def shared(value: T) -> T:
    """The leader's value, on every process."""
    if not many_processes():
        return value
    box: list[Any] = [value]
    dist.broadcast_object_list(box, src=0)
    found: T = box[0]
    return found


def agreed(act: Callable[[], T]) -> T:
    """Do something on all processes; what the leader gets of it, or raises, all do."""
    result, failure = None, None
    try:
        result = act()
    except LosslangError as error:
        failure = error
    result, of_leader = shared((result, failure))
    if failure or of_leader:
        raise failure or of_leader  # type: ignore[misc]
    return result  # type: ignore[return-value]


def failed_somewhere(failure: Exception | None) -> bool:
    """Whether something failed on any of the processes, of which each asks at the same place."""
    found: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(found, failure is not None)
    return any(found)


def asked_to_end(pending: Pending, device: torch.device, step: int) -> int:
    """The signal that any of the processes was sent, the same number on all of them."""
    if not many_processes():
        return pending.number
    if device.type != "cpu" and step % ALONE_FOR:
        return 0
    number = torch.tensor(pending.number, device=device)
    dist.all_reduce(number, dist.ReduceOp.MAX)
    pending.number = int(number)
    return pending.number


@torch.no_grad()
def average_gradients(model: nn.Module) -> None:
    """The mean over the processes, in one exchange: that is the gradient of the whole batch (docs/processes.md)."""
    if not many_processes():
        return
    gradients: list[Tensor] = [p.grad for p in model.parameters() if p.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    pieces = flat.split([gradient.numel() for gradient in gradients])
    for gradient, piece in zip(gradients, pieces, strict=True):
        gradient.copy_(piece.view_as(gradient))
