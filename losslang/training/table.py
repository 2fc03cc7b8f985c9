"""The tables at the end: one row per run, and over the seeds of each method."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from losslang.evaluation.verdict import WORDS, counted

__all__ = ["runs_table", "seeds_table"]


@dataclass(frozen=True)
class Column:
    """A measurement and how it is shown."""

    title: str
    key: str
    digits: int = 3


COLUMNS = (
    Column("kNN", "knn"),
    Column("linear probe", "linear_probe"),
    Column("kNN z", "embedding_knn"),
    Column("center norm", "center_norm"),
    Column("effective rank", "effective_rank", 1),
)

Result = dict[str, Any]


def runs_table(results: Iterable[Result]) -> Table:
    """One row per run. kNN and linear probe are of the backbone's features; the rest is of the embedding."""
    table = _table("seed")
    for result in results:
        values = (f"{result[column.key]:.{column.digits}f}" for column in COLUMNS)
        table.add_row(result["method"], result["data"], str(result["seed"]), *values, WORDS[result["collapsed"]])
    return table


def seeds_table(results: Sequence[Result]) -> Table:
    """One row per method and data set: mean and standard deviation over seeds, and how many runs collapsed."""
    table = _table("seeds")
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result["method"], result["data"]), []).append(result)
    for (method, data), runs in groups.items():
        values = (_mean([run[column.key] for run in runs], column.digits) for column in COLUMNS)
        table.add_row(method, data, str(len(runs)), *values, counted([run["collapsed"] for run in runs]))
    return table


def _table(seed: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("method", no_wrap=True)
    table.add_column("data", no_wrap=True)
    for title in (seed, *(column.title for column in COLUMNS)):
        table.add_column(title.replace(" ", "\n"), justify="right", no_wrap=True)
    table.add_column("collapse", no_wrap=True)
    return table


def _mean(values: Sequence[float], digits: int) -> str:
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{statistics.fmean(values):.{digits}f}±{statistics.stdev(values):.{digits}f}"
