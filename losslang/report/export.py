"""Every number of the metrics as a table in long form: CSV, or Parquet for pandas and polars."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from losslang.diagnostics import LosslangError
from losslang.report.runs import Group

__all__ = ["COLUMNS", "csv_text", "every", "long_rows", "write_parquet"]

COLUMNS = ("group", "method", "data", "seed", "step", "name", "value")

Row = tuple[str, str, str, int, int, str, float]


def long_rows(groups: Sequence[Group]) -> Iterator[Row]:
    """One row per number."""
    for group in groups:
        for run in group.runs:
            for step, row in run.rows.items():
                for name, value in row.items():
                    yield group.label, run.method, run.data, run.seed, step, name, value


def every(groups: Sequence[Group], most: int) -> int:
    """Of how many steps one must be kept, for there to be at most so many numbers."""
    count = sum(len(row) for group in groups for run in group.runs for row in run.rows.values())
    return max(-(-count // most), 1)


def csv_text(groups: Sequence[Group], *, digits: int = 6, most: int | None = None) -> str:
    """The wide form: one line per run and step, one column per name of a number, empty where a step has none.

    Where there are more numbers than `most`, only every so manyth line of a run is written, from its first.
    """
    kept = 1 if most is None else every(groups, most)
    names = list(dict.fromkeys(name for g in groups for run in g.runs for row in run.rows.values() for name in row))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["group", "method", "data", "seed", "step", *names])
    for group in groups:
        for run in group.runs:
            for step, row in list(run.rows.items())[::kept]:
                cells = (f"{row[name]:.{digits}g}" if name in row else "" for name in names)
                writer.writerow([group.label, run.method, run.data, run.seed, step, *cells])
    return out.getvalue()


def write_parquet(path: Path, groups: Sequence[Group]) -> None:
    """The long form. Raises LosslangError without pyarrow, OSError."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise LosslangError("Parquet needs pyarrow: pip install 'losslang[parquet]'; or write .csv") from error
    columns = list(zip(*long_rows(groups), strict=True)) or [() for _ in COLUMNS]
    parquet.write_table(pa.table(dict(zip(COLUMNS, map(list, columns), strict=True))), path)
