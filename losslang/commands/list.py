"""`losslang list`: what ships."""

from __future__ import annotations

from argparse import Namespace

from losslang.commands.arguments import CommandParser
from losslang.commands.failures import OK

__all__ = ["add_options", "run"]


def add_options(parser: CommandParser) -> None:
    """The options of `losslang list`."""
    from losslang.commands.inventory import INVENTORY

    parser.add_argument("what", metavar="WHAT", nargs="?", choices=[*INVENTORY], help=", ".join(INVENTORY))


def run(options: Namespace) -> int:
    """Print the rows of one kind, or of all."""
    from losslang.commands.inventory import inventory_text

    print(inventory_text(options.what), end="")
    return OK
