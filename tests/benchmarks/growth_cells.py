"""One step of a small network and a method's loss on some processes, measured: seconds, processor time, memory.

A method on so many processes is one group of fresh processes (gloo, one thread each), in which the batch grows.
"""

from __future__ import annotations

import resource
import socket
import statistics
import time
from dataclasses import dataclass

import torch
from torch import distributed as dist
from torch import multiprocessing, nn

BATCHES = (256, 512, 1024, 2048, 4096)
WORLDS = (1, 2, 4)
DIMENSIONS = {"vicreg": 512, "simclr": 128, "coding_rate": 256}
INPUT, WIDTH = 128, 512
STEPS = 5


@dataclass(frozen=True)
class Cell:
    """A method, the batch of all processes and their number; seconds a step, processor seconds and bytes of each process."""

    method: str
    batch: int
    world: int
    clock: float
    processor: float
    memory: float
    exchange: float
    """Seconds of an exchange of one number."""


def network(dimension: int) -> nn.Module:
    """Two layers, which every process holds."""
    return nn.Sequential(nn.Linear(INPUT, WIDTH), nn.ReLU(), nn.Linear(WIDTH, dimension))


def measure(method: str, world: int) -> list[Cell]:
    """The cells of a method on so many processes, one for every batch."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    answers = multiprocessing.get_context("spawn").SimpleQueue()
    multiprocessing.spawn(_work, (method, world, address, answers), nprocs=world)
    found = [answers.get() for _ in range(world)]
    return [_joined(method, batch, world, [own[at] for own in found]) for at, batch in enumerate(BATCHES)]


def _joined(method: str, batch: int, world: int, own: list[tuple[float, ...]]) -> Cell:
    clock, processor, memory, exchange = zip(*own, strict=True)
    return Cell(method, batch, world, max(clock), statistics.mean(processor), max(memory), max(exchange))


def _work(rank: int, method: str, world: int, address: str, answers: multiprocessing.SimpleQueue) -> None:
    import losslang

    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=world)
    torch.manual_seed(0)
    dimension = DIMENSIONS[method]
    loss, model = losslang.compile_loss(method, sizes={"z": dimension}), network(dimension)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    torch.manual_seed(rank)
    _step(model, loss, optimizer, torch.randn(2, 2, INPUT))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answers.put([_cell(model, loss, optimizer, batch // world, before) for batch in BATCHES])
    dist.barrier()
    dist.destroy_process_group()


def _cell(
    model: nn.Module, loss: nn.Module, optimizer: torch.optim.Optimizer, rows: int, before: int
) -> tuple[float, ...]:
    x = torch.randn(2, rows, INPUT)
    _step(model, loss, optimizer, x)
    clocks, processors = [], []
    for _ in range(STEPS):
        dist.barrier()
        clock, processor = time.perf_counter(), time.process_time()
        _step(model, loss, optimizer, x)
        clocks.append(time.perf_counter() - clock)
        processors.append(time.process_time() - processor)
    memory = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    return statistics.median(clocks), statistics.median(processors), memory, _exchange()


def _step(model: nn.Module, loss: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor) -> None:
    """Forward, backward, the mean of the gradients in one exchange, and the optimiser."""
    optimizer.zero_grad()
    loss(model(x.flatten(0, 1)).unflatten(0, x.shape[:2])).total.backward()
    flat = torch.cat([p.grad.reshape(-1) for p in model.parameters()])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    sizes = [p.numel() for p in model.parameters()]
    for parameter, part in zip(model.parameters(), flat.split(sizes), strict=True):
        parameter.grad.copy_(part.view_as(parameter))
    optimizer.step()


def _exchange() -> float:
    number, seconds = torch.zeros(1), []
    for _ in range(20):
        start = time.perf_counter()
        dist.all_reduce(number)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
