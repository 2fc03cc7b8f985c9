"""What a process of the pool does: a module of its own, which it can import (the one that `-m` runs, it cannot)."""

from __future__ import annotations

from itertools import product

from tests.benchmarks.foresight.objectives import Objective
from tests.benchmarks.foresight.records import DATA, SEEDS, Record

__all__ = ["trained"]


def trained(part: str, objective: Objective) -> Record:
    """An objective with its runs on every data set from every seed."""
    from tests.benchmarks.foresight.training import train

    return Record.of(part, objective, [train(objective.text, data, seed) for data, seed in product(DATA, SEEDS)])
