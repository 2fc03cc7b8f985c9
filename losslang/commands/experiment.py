"""`losslang experiment`: methods × data × seeds from one file."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from losslang.commands.arguments import CommandParser
from losslang.diagnostics import LosslangError

__all__ = ["add_options", "run"]


def add_options(parser: CommandParser) -> None:
    """The options of `losslang experiment`."""
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="an experiment file, or one of `losslang list experiments`"
    )
    parser.settings()
    parser.add_argument("--seeds", metavar="N", type=int, help="number of seeds, instead of the file's")
    parser.add_argument("--data", metavar="NAME", nargs="+", default=[], help="data sets, instead of the file's")
    parser.add_argument("--out", metavar="DIR", type=Path, help="the folder of the experiment (runs/NAME)")
    parser.add_argument("--retry", action="store_true", help="try again what failed, by a NaN or a collapse that stops")
    parser.add_argument("--processes", metavar="P", type=int, help="processes at once (one per core)")
    parser.add_argument(
        "--members", metavar="M", type=int, default=16, help="most runs in one ensemble; 1 for none (16)"
    )


def run(options: Namespace) -> int:
    """Train what is missing of an experiment. Raises LosslangError."""
    from losslang.experiment.cli import experiment_main

    for option, count in (("--processes", options.processes), ("--members", options.members)):
        if count is not None and count < 1:
            raise LosslangError(f"{option} {count}: at least one is needed")
    return experiment_main(options.file, options)
