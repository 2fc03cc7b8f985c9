"""`losslang schema`: the JSON Schema of what people write, for editors."""

from __future__ import annotations

import json
from argparse import Namespace

from losslang.commands.arguments import CommandParser
from losslang.commands.failures import OK

__all__ = ["add_options", "run"]


def add_options(parser: CommandParser) -> None:
    """The options of `losslang schema`."""
    parser.add_argument(
        "what",
        metavar="WHAT",
        nargs="?",
        choices=["method", "recipe", "experiment"],
        default="method",
        help="method (default), recipe or experiment",
    )


def run(options: Namespace) -> int:
    """Print the schema."""
    from losslang.schema import json_schema

    print(json.dumps(json_schema(options.what), indent=2, ensure_ascii=False))
    return OK
