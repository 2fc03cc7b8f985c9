"""`losslang eval`: runs measured by the frozen protocol."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from losslang.commands.arguments import CommandParser
from losslang.commands.failures import OK
from losslang.diagnostics import LosslangError

__all__ = ["add_options", "run"]


def add_options(parser: CommandParser) -> None:
    """The options of `losslang eval`."""
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="a run folder")
    parser.add_argument("--data", metavar="D", help="other data, to see what passes over to them")
    parser.add_argument(
        "--linear",
        choices=["ridge", "sgd"],
        help="the linear classifier: ridge, in closed form (quick); sgd, as in papers too",
    )
    parser.add_argument("--epochs", metavar="N", type=int, help="length of the linear evaluation by SGD (100)")


def run(options: Namespace) -> int:
    """Measure each run, print the numbers and write them into its folder. Raises LosslangError."""
    from losslang.training.evaluate import evaluate

    if options.epochs is not None and options.epochs < 1:
        raise LosslangError(f"--epochs {options.epochs}: at least one is needed")
    for folder in options.runs:
        found = evaluate(folder, data=options.data, linear=options.linear, epochs=options.epochs, tell=_tell)
        print(f"{folder}, step {found['step']}, on {found['data']}")
        for name, value in found["measured"].items():
            print(f"  {name:22}{value:.4f}")
        print(f"  written to {found['file']}")
    return OK


def _tell(epoch: int) -> None:
    if epoch % 10 == 0:
        print(f"  linear evaluation by SGD: {epoch} epochs are done", file=sys.stderr, flush=True)
