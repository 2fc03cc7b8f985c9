"""`losslang eval`: runs measured by the frozen protocol."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from losslang.commands.arguments import CommandParser
from losslang.commands.failures import OK

__all__ = ["add_options", "run"]


def add_options(parser: CommandParser) -> None:
    """The options of `losslang eval`."""
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="a run folder")
    parser.add_argument("--data", metavar="D", help="other data, to see what passes over to them")


def run(options: Namespace) -> int:
    """Measure each run, print the numbers and write them into its folder. Raises LosslangError."""
    from losslang.training.evaluate import evaluate

    for folder in options.runs:
        found = evaluate(folder, data=options.data)
        print(f"{folder}, step {found['step']}, on {found['data']}")
        for name, value in found["measured"].items():
            print(f"  {name:22}{value:.4f}")
        print(f"  written to {found['file']}")
    return OK
