"""`losslang diff`: what two methods differ in; of more of them, a table."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Sequence

from losslang.commands.arguments import CommandParser
from losslang.commands.failures import OK, USAGE, WRONG, tell
from losslang.diagnostics import LosslangError

__all__ = ["add_options", "run"]


def add_options(parser: CommandParser) -> None:
    """The options of `losslang diff`."""
    parser.add_argument("left", metavar="A", help="a method file, or the name of a shipped method")
    parser.add_argument("right", metavar="B", help="another")
    parser.add_argument("more", metavar="C", nargs="*", default=[], help="more of them: a table with a column for each")
    parser.add_argument("--json", action="store_true", help="print it for tools")
    parser.add_argument("--full", action="store_true", help="show what is equal, too")
    parser.add_argument(
        "--measure", action="store_true", help="add ratio and angle of the gradients on the same clouds"
    )


def run(options: Namespace) -> int:
    """Print the difference; the exit status is that of `diff`."""
    from losslang.questions import diff, diff_many

    methods = [options.left, options.right, *options.more]
    try:
        found = diff_many(methods) if options.more else diff(*methods)
        text = found.json() if options.json else found.text(full=options.full)
        if options.measure:
            text = _measured(text, methods, as_json=options.json)
    except (LosslangError, OSError) as error:
        tell(error)
        return USAGE
    print(text)
    return WRONG if found else OK


def _measured(difference: str, methods: Sequence[str], *, as_json: bool) -> str:
    """The difference of methods, as text or as JSON, with every other one measured against the first."""
    from losslang.questions import measure

    found = [measure(methods[0], other) for other in methods[1:]]
    if not as_json:
        return "\n\n".join([difference, *(each.text() for each in found)])
    plain = [{"left": each.left, "right": each.right, **each.plain()} for each in found]
    return json.dumps({**json.loads(difference), "measured": plain}, indent=2, ensure_ascii=False)
