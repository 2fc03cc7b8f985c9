"""`losslang probe`: the forces of a method, or its extra gradient, as text, JSON, CSV or a figure."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from losslang.commands.arguments import CommandParser
from losslang.commands.failures import OK
from losslang.diagnostics import LosslangError

__all__ = ["add_options", "run"]


def add_options(parser: CommandParser) -> None:
    """The options of `losslang probe`."""
    parser.add_argument("spec", metavar="SPEC", help="a method file, or the name of a shipped method")
    parser.add_argument("--extra", action="store_true", help="the extra gradient on unit rows, in place of the forces")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="print it for tools")
    forms.add_argument("--csv", action="store_true", help="print one line for every term and cloud")
    parser.add_argument("--plot", metavar="FILE", type=Path, help="draw the forces: .svg, .png or .pdf")
    parser.parameters()


def run(options: Namespace) -> int:
    """Print or draw what the options ask for. Raises SpecError, LosslangError."""
    print(_probed(options), end="")
    return OK


def _probed(options: Namespace) -> str:
    """What the options ask for, as text. Raises SpecError, and LosslangError for options that do not fit together."""
    from losslang import questions

    if options.extra:
        if options.csv or options.plot:
            raise LosslangError("--extra is shown as text or with --json; --csv and --plot show forces")
        extra = questions.extra_gradient(options.spec, parameters=options.set)
        return f"{extra.json() if options.json else extra.text()}\n"
    found = questions.probe(options.spec, parameters=options.set)
    if options.plot:
        from losslang.analysis.probe.plot import plot

        plot(found, options.plot)
    if options.csv:
        return found.csv()
    return f"{found.json() if options.json else found.text()}\n"
