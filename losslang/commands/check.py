"""`losslang check`: every diagnostic of method files, and the verdict on those without errors."""

from __future__ import annotations

import sys
from argparse import Namespace

from losslang.commands.arguments import CommandParser
from losslang.commands.failures import OK, WRONG

__all__ = ["add_options", "run"]


def add_options(parser: CommandParser) -> None:
    """The options of `losslang check`."""
    parser.specs()
    parser.add_argument("--format", choices=["text", "json"], default="text", help="text for people, json for tools")
    parser.parameters()


def run(options: Namespace) -> int:
    """Print what is wrong with each file, and what is known of collapse. Raises OSError."""
    from losslang.diagnostics.render import render_json, render_text, wants_color
    from losslang.pipeline import examine
    from losslang.questions import stability
    from losslang.training.overrides import override_mistakes

    found = {spec: examine(spec, parameters=options.set) for spec in options.specs}
    for name, (of_spec, spec) in found.items():
        if spec is not None and (mistakes := override_mistakes(spec)):
            wrong = any(mistake.is_error for mistake in mistakes)
            found[name] = ((*of_spec, *mistakes), None if wrong else spec)
    diagnostics = [diagnostic for of_spec, _ in found.values() for diagnostic in of_spec]
    if options.format == "json":
        print(render_json(diagnostics), end="")
    else:
        print(render_text(diagnostics, color=wants_color(sys.stdout)), end="")
        for name, (_, spec) in found.items():
            if spec is not None:
                print("\n".join([f"{name}: no errors", *(f"  {line}" for line in stability(spec).lines())]))
    return WRONG if any(diagnostic.is_error for diagnostic in diagnostics) else OK
