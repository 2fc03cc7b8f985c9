"""The command line: a table of commands, each a module of `losslang.commands` that is imported when it is asked for.

Exit status: 0 done and clean; 1 a method, a file or a setting is wrong (for `fmt --check`: a layout would change);
2 the command line itself is wrong; 70 an error of ours; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from losslang import __version__
from losslang.commands.arguments import CommandParser, did_you_mean
from losslang.commands.failures import BROKEN_PIPE, INTERRUPTED, OK, USAGE, tell

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "train": "train methods; the default recipe `toy` ends in seconds on a CPU",
    "data": "prepare images as a fast cache, or look at one",
    "report": "make one page of run folders: mathematics, curves, embeddings, settings",
    "experiment": "train methods × data × seeds as one experiment; goes on where it stopped",
    "figure": "draw the papers' figures from run folders and decide their claims",
    "eval": "measure a finished or unfinished run by the frozen protocol",
    "export": "write a run's backbone for torchvision, timm, safetensors or ONNX",
    "check": "say everything that is wrong with method files",
    "probe": "print the forces of a method on center, residual and weak directions",
    "ablate": "give the verdict without each term and mechanism in turn",
    "diff": "say what two methods differ in; exit 0 same mathematics, 1 different, 2 error",
    "fmt": "lay method files out canonically, or convert between .yaml and .loss",
    "compile": "write a method as one readable torch module",
    "list": "list what ships: specs, primitives, backbones, data, recipes, experiments, codes",
    "schema": "print the JSON Schema of method files or recipes, for editors",
    "explain": "explain a method, its mathematics first, or a code such as E301",
}
"""What each command does; `losslang/commands/NAME.py` holds it."""

_SMALL_NUMBERS = {"check", "diff", "explain", "probe", "ablate"}
"""Commands that compute with a few small arrays."""


class Command(Protocol):
    """What a module of `losslang.commands` with the name of a command holds."""

    def add_options(self, parser: CommandParser) -> None:
        """Say which options it takes."""

    def run(self, options: Namespace) -> int:
        """Do it, and give the exit status. Raises LosslangError (also SpecError) and OSError."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command (by default the process's own) and give its exit status. Never a traceback."""
    _tolerate_narrow_encodings()
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except SystemExit as exit_:  # argparse: help, or wrong usage
        return exit_.code if isinstance(exit_.code, int) else USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_left()
    except Exception as error:  # noqa: BLE001 - whatever it is, a user gets a message
        return tell(error)
    return status


def _run(arguments: list[str]) -> int:
    if len(arguments) > 1 and arguments[0] == "help":
        arguments = [arguments[1], "--help"]
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(_overview())
        return OK if arguments else USAGE
    if arguments[0] == "--version":
        print(f"losslang {__version__}")
        return OK
    name, *rest = arguments
    if name not in COMMANDS:
        print(f"losslang: there is no command `{name}`{did_you_mean(name, COMMANDS)}\n\n{_overview()}", file=sys.stderr)
        return USAGE
    if name in _SMALL_NUMBERS:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # starting numpy's threads costs more than all their sums
    command = cast(Command, import_module(f"losslang.commands.{name}"))
    parser = CommandParser(prog=f"losslang {name}", description=COMMANDS[name])
    command.add_options(parser)
    return command.run(parser.parse(rest))


def _overview() -> str:
    width = max(map(len, COMMANDS)) + 2
    rows = [f"  {name:<{width}}{words}" for name, words in COMMANDS.items()]
    status = "Exit status: 0 clean, 1 a method, file or setting is wrong, 2 the command line is wrong."
    return "\n".join(["usage: losslang COMMAND …   (losslang COMMAND --help says more)", "", *rows, "", status])


def _reader_left() -> int:
    """`losslang … | head`: nobody reads on, so stop quietly, and keep Python from complaining at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


def _tolerate_narrow_encodings() -> None:
    """On a terminal that knows only ASCII, messages show escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # tests put other streams there
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
