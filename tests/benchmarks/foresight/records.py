"""The file of results: what was used, then one objective with its runs and what the verdict said of it to a line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from tests.benchmarks.foresight.judging import Said
from tests.benchmarks.foresight.objectives import Objective, draw

__all__ = ["DATA", "MEASURES", "SEEDS", "SETS", "Record", "objectives", "read", "write"]

SETS = {"calibration": (120, 4101), "fresh": (300, 9337), "calibration_2": (120, 5203), "fresh_2": (300, 12011)}
"""How many objectives, and the seed that draws them. `fresh` was fresh in an earlier round and calibrates now; the rules and
numbers of the verdict were committed before any result of `fresh_2` was read, and its seed before its training."""

DATA = ("blobs", "digits")
SEEDS = (0, 1)
"""Of the networks and the batches."""

MEASURES = ("center_0", "rank_0", "residual_0", "center", "rank", "residual")
"""What is kept of a run, before (`_0`) and after training; NaN after a training that did not stay finite."""


@dataclass(frozen=True)
class Record:
    """An objective of a set and its runs: data set and seed, as `blobs/0`, -> measurement -> value."""

    part: str
    objective: Objective
    runs: dict[str, dict[str, float]]
    said: Said | None = None

    @classmethod
    def of(cls, part: str, objective: Objective, measured: Iterable[dict[str, float]]) -> Record:
        """A record of the runs on every data set from every seed, in that order."""
        names = [f"{data}/{seed}" for data, seed in product(DATA, SEEDS)]
        return cls(part, objective, dict(zip(names, measured, strict=True)))

    def judged(self, said: Said) -> Record:
        """The record with what the verdict said."""
        return replace(self, said=said)

    def line(self) -> str:
        """The record as JSON: numbers of a run in the order of `MEASURES`, to four digits."""
        runs = {name: [float(f"{run[key]:.4g}") for key in MEASURES] for name, run in self.runs.items()}
        line: dict[str, Any] = {"set": self.part, "number": self.objective.number, "text": _hash(self.objective)}
        line["runs"] = runs
        if self.said is not None:
            line["said"] = asdict(self.said)
        return json.dumps(line, separators=(",", ":"), ensure_ascii=False)


@cache
def objectives(part: str) -> tuple[Objective, ...]:
    """The objectives of a set; no other set has one of them."""
    known: set[str] = set()
    for name, (size, seed) in SETS.items():
        drawn = draw(size, seed, known=known)
        if name == part:
            return drawn
        known |= {one.text for one in drawn}
    raise KeyError(part)


def _hash(objective: Objective) -> str:
    return hashlib.sha256(objective.text.encode()).hexdigest()[:8]


def write(path: Path, about: dict[str, str], records: Iterable[Record]) -> None:
    """A new file."""
    lines = [json.dumps({"about": about}), *(record.line() for record in records)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read(path: Path) -> tuple[dict[str, str], list[Record]]:
    """What was used, and the records by set and number. Raises ValueError where the generator now draws other objectives."""
    about, *rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    order = list(SETS)
    records = sorted(_records(rows), key=lambda record: (order.index(record.part), record.objective.number))
    return about["about"], records


def _records(rows: Iterable[dict[str, Any]]) -> Iterator[Record]:
    for row in rows:
        objective = objectives(row["set"])[row["number"]]
        if _hash(objective) != row["text"]:
            raise ValueError(
                f"{row['set']} {row['number']} is not the objective that was trained: draw and train again"
            )
        runs = {name: dict(zip(MEASURES, values, strict=True)) for name, values in row["runs"].items()}
        said = Said(**row["said"]) if "said" in row else None
        yield Record(row["set"], objective, runs, said)
