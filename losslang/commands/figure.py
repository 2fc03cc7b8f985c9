"""`losslang figure`: the papers' figures from run folders."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from losslang.commands.arguments import CommandParser

__all__ = ["add_options", "run"]


def add_options(parser: CommandParser) -> None:
    """The options of `losslang figure`."""
    from losslang.report.claims import FIGURES

    names = ["figure1", *FIGURES]
    parser.add_argument(
        "names", metavar="NAME", nargs="+", help=f"a figure of the papers ({', '.join(names)}), or any other experiment"
    )
    parser.add_argument(
        "--runs", metavar="DIR", type=Path, default=Path("runs"), help="runs of NAME are in DIR/NAME (runs)"
    )
    parser.add_argument(
        "-o", metavar="DIR", dest="out", type=Path, default=Path("figures"), help="where to write (figures)"
    )
    parser.add_argument("--png", action="store_true", help="write PNG files beside the SVG files")


def run(options: Namespace) -> int:
    """Draw the figures that are named. Raises LosslangError, OSError."""
    from losslang.commands.figures import figure_main

    return figure_main(options)
