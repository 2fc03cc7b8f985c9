"""Time and peak memory of every implementation of one method at one size, turn about in one process."""

from __future__ import annotations

import gc
import linecache
import math
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, Protocol

import torch
from torch import Tensor

from tests.benchmarks.peers.cases import Case, formula, inputs_of, ours
from tests.benchmarks.peers.libraries import Run

__all__ = ["METERS", "OURS", "SLOW", "Cell", "digest", "measure"]

OURS = "losslang"
FORMULA = "formula"
SLOW = 20
"""A library that takes so many times the time of the formula is no match, and left out at larger sizes."""

SECONDS, ROUNDS = 1.5, 200
"""What the rounds of a cell may take together, and how many they are at most."""

TINY, LEAST = (1.5e-3, 50), ((5.0, 3), (60.0, 2))
"""No fewer rounds than this where the shortest step, or all of them together, take less than so many seconds."""


@dataclass(frozen=True)
class Cell:
    """What one method took at one size.

    Attributes:
        seconds: least time of a step, by implementation.
        memory: peak of a step in bytes beyond inputs and state, by implementation.
        rounds: how many steps each has had.
        left_out: implementations without figures, and why.
        code: digest of the code that we emitted.
    """

    method: str
    batch: int
    size: int
    seconds: Mapping[str, float]
    memory: Mapping[str, int]
    rounds: int = 1
    left_out: Mapping[str, str] = field(default_factory=dict)
    code: str = ""

    @property
    def compared(self) -> bool:
        """Whether there is anything to compare."""
        return OURS in self.seconds and len(self.seconds) > 1

    def ratio(self, of: str) -> float:
        """Ours over the best of the others; `of` is `seconds` or `memory`."""
        values: Mapping[str, float] = getattr(self, of)
        return values[OURS] / self.best(of)

    def best(self, of: str) -> float:
        """The least of the others."""
        values: Mapping[str, float] = getattr(self, of)
        return min(value for name, value in values.items() if name != OURS)

    def record(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)


def step(run: Run, inputs: Mapping[str, Tensor]) -> None:
    """Forward and backward."""
    run().backward()  # type: ignore[no-untyped-call]
    for value in inputs.values():
        value.grad = None


class Meter(Protocol):
    """How a device is measured."""

    def seconds(self, run: Run, inputs: Mapping[str, Tensor]) -> float:
        """The time of a step."""

    def both(self, run: Run, inputs: Mapping[str, Tensor]) -> tuple[float, int]:
        """The time of a step, and the peak of what the allocator gave in it."""


class Processor:
    """Time of the processor (user and system, all threads); memory from the events of torch's profiler."""

    def seconds(self, run: Run, inputs: Mapping[str, Tensor]) -> float:
        start = time.process_time()
        step(run, inputs)
        return time.process_time() - start

    def both(self, run: Run, inputs: Mapping[str, Tensor]) -> tuple[float, int]:
        """The peak is the largest sum of what came and went."""
        activities = [torch.profiler.ProfilerActivity.CPU]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Warning: Profiler clears events", UserWarning)  # torch 2.11 and 2.12
            with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
                seconds = self.seconds(run, inputs)
        results: Any = profile.profiler.kineto_results  # type: ignore[union-attr]
        events = sorted((event.start_ns(), event.nbytes()) for event in results.events() if event.name() == "[memory]")
        now = peak = 0
        for _, size in events:
            now += size
            peak = max(peak, now)
        return seconds, peak


class Cuda:
    """Time between two events on the device; memory from the allocator."""

    def seconds(self, run: Run, inputs: Mapping[str, Tensor]) -> float:
        start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        start.record()
        step(run, inputs)
        stop.record()
        torch.cuda.synchronize()
        return start.elapsed_time(stop) / 1000

    def both(self, run: Run, inputs: Mapping[str, Tensor]) -> tuple[float, int]:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        seconds = self.seconds(run, inputs)
        return seconds, torch.cuda.max_memory_allocated() - before


METERS: Mapping[str, Meter] = {"cpu": Processor(), "cuda": Cuda()}


def digest(loss: torch.nn.Module) -> str:
    """Of the code that was emitted for a loss, but for the line that names the spec's file: other code is measured again."""
    lines = linecache.getlines(f"<{type(loss).__module__}>")
    return sha256("".join(line for line in lines if "Written by losslang" not in line).encode()).hexdigest()[:12]


def measure(
    case: Case, batch: int, size: int, *, device: str = "cpu", left_out: Mapping[str, str], before: Cell | None = None
) -> Cell:
    """Every implementation of a method but those left out already; beside a cell of `before` ours alone.

    The first step of each, from a fresh state, gives its memory. Where steps are long it gives the time too; else the least
    of many rounds counts, in which the order of the implementations turns. Raises MemoryError where ours has no room.
    """
    meter, missing = METERS[device], dict(left_out)
    inputs = inputs_of(case, batch, size, device)
    loss = ours(case, size, device)
    makes = {OURS: lambda i: lambda: loss(**i).total, FORMULA: lambda i: formula(case, i), **case.peers}
    runs: dict[str, Run] = {}
    seconds: dict[str, float] = {}
    memory: dict[str, int] = {}
    for name, make in makes.items():
        if name in missing or (before is not None and name != OURS):
            continue
        gc.collect()
        try:
            runs[name] = make(inputs)
            seconds[name], memory[name] = meter.both(runs[name], inputs)
        except (ImportError, RuntimeError, MemoryError, ValueError) as error:
            runs.pop(name, None)
            missing[name] = _reason(error)
    if OURS not in seconds:
        raise MemoryError(f"{OURS} {missing[OURS]}")
    timed = {
        name: run
        for name, run in runs.items()
        if name == OURS or seconds[name] <= SLOW * seconds.get(FORMULA, math.inf)
    }
    rounds = _rounds([seconds[name] for name in timed])
    if rounds > 1:
        seconds |= _least(timed, inputs, meter, rounds)
    if before is not None:
        rounds = before.rounds
        seconds, memory = {**before.seconds, **seconds}, {**before.memory, **memory}
    return Cell(case.method, batch, size, seconds, memory, rounds, missing, digest(loss))


def _reason(error: Exception) -> str:
    """Why there is no figure; what is no lack of memory or of a library is an error."""
    if isinstance(error, ImportError):
        return f"not installed ({error})"
    if isinstance(error, MemoryError) or "memory" in str(error) or "bad_alloc" in str(error):
        return "asks for more memory than there is"
    raise error


def _rounds(first: Sequence[float]) -> int:
    """How often every run has its turn, from the times of first steps."""
    (tiny, many), together = TINY, sum(first)
    least = many if min(first) < tiny else next((few for short, few in LEAST if together < short), 1)
    return max(min(int(SECONDS / together), ROUNDS), least)


def _least(runs: Mapping[str, Run], inputs: Mapping[str, Tensor], meter: Meter, rounds: int) -> dict[str, float]:
    """The least of the times of every run; in each round another one begins."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    names = list(runs)
    gc.collect()
    gc.disable()
    try:
        for turn in range(rounds):
            start = turn % len(names)
            for name in [*names[start:], *names[:start]]:
                times[name].append(meter.seconds(runs[name], inputs))
    finally:
        gc.enable()
    return {name: min(values) for name, values in times.items()}
