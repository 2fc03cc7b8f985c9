"""`losslang report`: the page of runs, and their numbers as tables."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from losslang.commands.arguments import CommandParser

__all__ = ["add_options", "run"]


def add_options(parser: CommandParser) -> None:
    """The options of `losslang report`."""
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="run folders, or folders that hold some")
    parser.add_argument("-o", metavar="FILE", dest="out", type=Path, help="where to write the page (report.html)")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write every number as CSV, one line per run and step")
    parser.add_argument("--parquet", metavar="FILE", type=Path, help="the same as Parquet, one row per number")
    parser.add_argument("--watch", action="store_true", help="serve the page on this machine while runs train")
    parser.add_argument("--port", metavar="N", type=int, default=8765, help="port of --watch (8765; 0 for any)")


def run(options: Namespace) -> int:
    """Write what is asked for. Raises LosslangError, OSError."""
    from losslang.commands.page import report_main

    return report_main(options)
