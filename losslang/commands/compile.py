"""`losslang compile`: a method as one torch module, or as a stage of the compiler prints it."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from losslang.commands.arguments import CommandParser
from losslang.commands.failures import OK

__all__ = ["add_options", "run"]


def add_options(parser: CommandParser) -> None:
    """The options of `losslang compile`."""
    parser.add_argument("spec", metavar="SPEC", help="a method file")
    parser.add_argument("-o", metavar="FILE", dest="out", type=Path, help="where to write the torch module")
    parser.add_argument(
        "--show",
        choices=["tree", "graph", "canonical", "optimised", "python"],
        help="print what the compiler has after this stage",
    )
    parser.add_argument(
        "--without", metavar="PASS", action="append", default=[], help="leave out a pass of the optimiser (repeatable)"
    )
    parser.parameters()


def run(options: Namespace) -> int:
    """Print or write the module. Raises SpecError, LosslangError, OSError."""
    from losslang import pipeline

    if options.show:
        print(pipeline.show(options.spec, options.show, parameters=options.set, without=options.without).rstrip("\n"))
    if options.out:
        from losslang.commands.files import write

        write(options.out, pipeline.emit(options.spec, parameters=options.set, without=options.without))
    elif not options.show:
        print(pipeline.emit(options.spec, parameters=options.set, without=options.without), end="")
    return OK
