"""All methods at all sizes: what is done is kept in a file of lines and not done again; what is too dear has its reason."""

from __future__ import annotations

import functools
import json
import math
import resource
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.peers.apart import apart
from tests.benchmarks.peers.cases import Case, ours
from tests.benchmarks.peers.measuring import OURS, SLOW, Cell, digest, measure

__all__ = ["Grid", "Skipped", "limit_memory", "read"]

GIB = 2**30


@dataclass(frozen=True)
class Skipped:
    """A cell without figures, and why."""

    method: str
    batch: int
    size: int
    reason: str


@dataclass(frozen=True)
class Grid:
    """What is to be measured, and what that may take.

    Attributes:
        cases: the methods.
        sizes: batch and dimension of each column.
        device: `cpu` or `cuda`.
        minutes: what all implementations of a method together may be expected to take for a step.
        keep: the file of what is done, one cell a line.
        again: methods whose kept cells do not count.
        total: minutes after which nothing more is measured.
    """

    cases: Collection[Case]
    sizes: Collection[tuple[int, int]]
    device: str
    minutes: float
    keep: Path | None
    again: Collection[str] = ()
    total: float = math.inf

    def cells(self) -> Iterator[Cell | Skipped]:
        """Every cell, small sizes of all methods first.

        Where our code has changed and a step takes seconds, ours is measured again beside the others' kept figures.
        """
        end, codes = time.monotonic() + 60 * self.total, functools.cache(lambda case, size: digest(ours(case, size)))
        done = {key: cell for key, cell in self._kept().items() if cell.method not in self.again}
        for batch, size in sorted(self.sizes, key=lambda pair: (pair[0] * pair[1], pair[0])):
            for case in self.cases:
                key = (case.method, batch, size)
                kept = done.get(key)
                if kept is not None and kept.code == codes(case, size):
                    yield kept
                    continue
                before = [cell for cell in done.values() if cell.method == case.method]
                alone = kept if kept is not None and kept.rounds == 1 else None
                expected = expected_seconds(before, batch, size) if alone is None else alone.seconds[OURS]
                if expected > 60 * self.minutes:
                    yield Skipped(*key, f"a step of all would take more than {self.minutes:g} minutes")
                elif time.monotonic() > end:
                    yield Skipped(*key, "the time of the run was over")
                else:
                    found = self._measured(case, batch, size, hopeless(before), alone)
                    if isinstance(found, Cell):
                        done[key] = found
                        self._write(found)
                    yield found

    def _measured(
        self, case: Case, batch: int, size: int, left_out: Mapping[str, str], alone: Cell | None
    ) -> Cell | Skipped:
        try:
            left_out = left_out if alone is None else alone.left_out
            work = lambda: measure(case, batch, size, device=self.device, left_out=left_out, before=alone)  # noqa: E731
            return apart(work) if self.device == "cpu" else work()
        except MemoryError as error:
            return Skipped(case.method, batch, size, str(error))

    def _kept(self) -> dict[tuple[str, int, int], Cell]:
        cells = read(self.keep) if self.keep is not None and self.keep.exists() else []
        return {(cell.method, cell.batch, cell.size): cell for cell in cells}

    def _write(self, cell: Cell) -> None:
        if self.keep is not None:
            with self.keep.open("a", encoding="utf-8") as file:
                file.write(json.dumps(cell.record()) + "\n")


def read(file: Path) -> list[Cell]:
    """The cells of a file; of one that was done again the last."""
    return [Cell(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def expected_seconds(done: Iterable[Cell], batch: int, size: int) -> float:
    """Seconds of a step of all that are not left out, from the nearest smaller cell.

    Work is taken to grow with both axes, and once more with the larger growth.
    """
    smaller = [cell for cell in done if cell.batch <= batch and cell.size <= size and cell.seconds]
    if not smaller:
        return 0.0
    nearest = max(smaller, key=lambda cell: cell.batch * cell.size)
    by, left_out = (batch / nearest.batch, size / nearest.size), hopeless(smaller)
    return sum(seconds for name, seconds in nearest.seconds.items() if name not in left_out) * by[0] * by[1] * max(by)


def hopeless(done: Iterable[Cell]) -> Mapping[str, str]:
    """Libraries that took far longer than the formula at a smaller size."""
    found = {}
    for cell in done:
        for name, seconds in cell.seconds.items():
            if name not in {OURS, "formula"} and seconds > SLOW * cell.seconds.get("formula", seconds):
                times = seconds / cell.seconds["formula"]
                found[name] = f"took {times:.0f} times as long as the formula at {cell.batch} × {cell.size}"
    return found


def limit_memory(gib: float) -> None:
    """No more than so many GiB beyond what the process holds now: who asks for more gets an error."""
    if sys.platform != "linux":
        return
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + int(gib * GIB)
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
