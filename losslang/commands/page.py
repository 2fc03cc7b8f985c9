"""`losslang report`: the page, the tables, and the page served while runs train."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from losslang.analysis.difference.difference import Difference
from losslang.diagnostics import LosslangError
from losslang.report.build import contents
from losslang.report.export import csv_text, write_parquet
from losslang.report.found import Found, find_runs
from losslang.report.page import plotly_source, render
from losslang.report.runs import RunData, group_runs
from losslang.report.theory import Theory

__all__ = ["difference_of", "left_out", "page_text", "report_main", "theory_of"]


def report_main(options: Namespace) -> int:
    """Write what is asked for. Raises LosslangError, OSError."""
    if options.watch:
        from losslang.report.serve import serve

        plotly_source()  # what is missing is said before anything is served
        return serve(options.runs, partial(_page_now, options.runs), options.port, partial(print, flush=True))
    found = find_runs(options.runs)
    tables = [path for path in (options.csv, options.parquet) if path is not None]
    if tables:
        _write_tables(options, found)
    if options.out is not None or not tables:
        from losslang.commands.files import write

        out = options.out or Path("report.html")
        text = page_text(found)
        write(out, text)
        print(f"{out}: {len(text.encode()) / 1e6:.1f} MB, needs no network")
    return left_out(found)


def left_out(found: Found) -> int:
    """Say which runs could not be read; the exit status for that."""
    for line in found.unread:
        print(f"losslang: left out: {line}", file=sys.stderr)
    return int(bool(found.unread))


def page_text(found: Found, *, live: bool = False) -> str:
    """The page of some runs. Raises LosslangError."""
    plotly = plotly_source()
    return render(contents(found, theory_of, difference_of, live=live), plotly)


def _page_now(paths: list[Path]) -> str:
    """The page of the runs that folders hold at this moment. Raises LosslangError."""
    return page_text(find_runs(paths), live=True)


def theory_of(path: Path, parameters: Mapping[str, int | float]) -> Theory:
    """The theory of a method file with parameters. Raises SpecError."""
    from losslang.questions import explanation, probe, stability

    found = explanation(path, parameters)
    return Theory(found, stability(found.spec), probe(found.spec))


def difference_of(left: RunData, right: RunData) -> Difference:
    """The difference of the methods of two runs."""
    from losslang.pipeline import load
    from losslang.questions import diff

    def spec(run: RunData) -> object:
        numbers = {name: row["value"] for name, row in run.settings["parameters"].items()}
        return load(run.method_file, parameters={n: v for n, v in numbers.items() if isinstance(v, int | float)})

    return diff(spec(left), spec(right))  # type: ignore[arg-type]


def _write_tables(options: Namespace, found: Found) -> None:
    groups = group_runs(found.runs)
    if options.csv is not None:
        from losslang.commands.files import write

        write(options.csv, csv_text(groups, digits=17))
        print(f"{options.csv}: one line per run and step")
    if options.parquet is not None:
        if options.parquet.is_dir():
            raise LosslangError(f"{options.parquet} is a folder")
        write_parquet(options.parquet, groups)
        print(f"{options.parquet}: one row per number")
