"""The file of results: one objective with its runs to a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

from tests.benchmarks.foresight.objectives import Objective, draw
from tests.benchmarks.foresight.training import MEASURES, NOISE, train

__all__ = ["SEEDS", "SETS", "Record", "objectives", "read", "trained", "write"]

SETS = {"calibration": (120, 4101), "fresh": (300, 9337), "calibration_2": (120, 5203)}
"""How many objectives, and the seed that draws them. The verdict's rules were frozen before any of `fresh` was trained."""

SEEDS = (0, 1)
"""Of the networks and the batches."""


@dataclass(frozen=True)
class Record:
    """An objective of a set and its runs: data set and seed, as `blobs/0`, -> measurement -> value."""

    part: str
    objective: Objective
    runs: dict[str, dict[str, float]]


def objectives(part: str, count: int | None = None) -> tuple[Objective, ...]:
    """The objectives of a set, or its first ones; no other set has one of them."""
    known: set[str] = set()
    for name, (size, seed) in SETS.items():
        drawn = draw(size, seed, known=known)
        if name == part:
            return drawn[:count]
        known |= {one.text for one in drawn}
    raise KeyError(part)


def trained(part: str, objective: Objective) -> Record:
    """An objective with its runs on every data set and seed."""
    runs = {f"{data}/{seed}": train(objective.text, data, seed) for data, seed in product(NOISE, SEEDS)}
    return Record(part, objective, runs)


def write(record: Record) -> str:
    """One line; numbers of a run in the order of `MEASURES`, to four digits."""
    runs = {name: [float(f"{run[key]:.4g}") for key in MEASURES] for name, run in record.runs.items()}
    line = {"set": record.part, **asdict(record.objective), "runs": runs}
    return json.dumps(line, separators=(",", ":"), ensure_ascii=False)


def read(path: Path) -> Iterator[Record]:
    """The records of a file, in its order."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        runs = {name: dict(zip(MEASURES, values, strict=True)) for name, values in row.pop("runs").items()}
        yield Record(row.pop("set"), Objective(**row | {"terms": tuple(row["terms"])}), runs)
