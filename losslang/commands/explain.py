"""`losslang explain`: a code, or a method as text, page, JSON or graph; and the pages of all methods."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from losslang.commands.arguments import CommandParser
from losslang.commands.failures import OK, USAGE
from losslang.diagnostics import LosslangError

if TYPE_CHECKING:
    from losslang.analysis.explain import Explanation
    from losslang.analysis.explain.stability import Stability

__all__ = ["add_options", "run"]

_CODE = re.compile(r"[EW]\d+|[A-Z]\d{3,}", re.IGNORECASE)
_SIZES = ("batch", "dimension", "world")


def add_options(parser: CommandParser) -> None:
    """The options of `losslang explain`."""
    parser.add_argument("what", metavar="WHAT", nargs="?", help="a method file, a method that ships, or a code")
    parser.add_argument("--latex", action="store_true", help="formulas in LaTeX")
    parser.add_argument("--format", choices=["text", "markdown", "json"], default="text", help="how it is laid out")
    parser.add_argument("--graph", choices=["mermaid", "svg"], help="networks and terms as a flow chart, alone")
    parser.add_argument("--pages", metavar="DIR", type=Path, help="write the pages of all methods that ship")
    parser.add_argument(
        "--cost", action="store_true", help="what a step of the loss costs, as written and as optimised"
    )
    parser.add_argument("--batch", metavar="N", type=int, help="with --cost: images in a batch (1024)")
    parser.add_argument("--dimension", metavar="D", type=int, help="with --cost: features (the method's own)")
    parser.add_argument("--world", metavar="W", type=int, help="with --cost: processes that share the batch (1)")
    parser.estimates()
    parser.parameters()


def run(options: Namespace) -> int:
    """Print the explanation, or write the pages. Raises SpecError, LosslangError, OSError."""
    if (options.what is None) == (options.pages is None):
        print("losslang explain: name a method or a code, such as E301; or --pages DIR", file=sys.stderr)
        return USAGE
    if options.pages is None:
        print(_explained(options), end="")
    else:
        from losslang.commands.pages import pages, write_pages

        print(write_pages(options.pages, pages()), end="")
    return OK


def _explained(options: Namespace) -> str:
    """What the options ask for, as text. Raises SpecError, and LosslangError for a code or a combination that does not exist."""
    alone = [name for name in _SIZES if getattr(options, name) is not None]
    if alone and not options.cost:
        raise LosslangError(f"--{alone[0]} is a size of what a step costs; add --cost, or leave it out")
    if _CODE.fullmatch(options.what) and not Path(options.what).exists():
        from losslang.diagnostics.codes import explain_code

        return explain_code(options.what)
    if options.cost:
        return _cost(options)
    from losslang.questions import explanation, reading

    found = explanation(options.what, options.set)
    if options.graph:
        from losslang.analysis.explain.charts.text import chart_text

        return chart_text(found, options.graph)
    return _FORMS["latex" if options.latex else options.format](found, reading(found.spec))


def _cost(options: Namespace) -> str:
    """What a step of a method's loss costs. Raises SpecError, and LosslangError for a size below 1."""
    from losslang.algebra.cost import Sizes, cost_text
    from losslang.algebra.cost_of_many import text_of_many
    from losslang.algebra.estimates import estimate_of, estimated
    from losslang.pipeline import load

    for name in _SIZES:
        value = getattr(options, name)
        if value is not None and value < 1:
            raise LosslangError(f"--{name} is a number from 1 on, not {value}")
    sizes = Sizes(options.batch or 1024, options.world or 1, options.dimension)
    spec, estimate = load(options.what, parameters=options.set), estimate_of(options.estimate)
    many = text_of_many(estimated(spec, estimate), sizes) if sizes.world > 1 else ""
    return cost_text(spec, sizes, estimate=estimate) + many


# ---------------------------------------------------------------- forms


def _text(explanation: Explanation, stability: Stability) -> str:
    from losslang.analysis.explain.text import explanation_text

    return explanation_text(explanation, stability=stability)


def _latex(explanation: Explanation, stability: Stability) -> str:
    from losslang.analysis.explain.text import explanation_text

    return explanation_text(explanation, stability=stability, tex=True)


def _markdown(explanation: Explanation, stability: Stability) -> str:
    from losslang.analysis.explain.page import method_page

    return method_page(explanation, stability=stability)


def _json(explanation: Explanation, stability: Stability) -> str:
    from losslang.analysis.explain.data import explanation_json

    return explanation_json(explanation, stability=stability)


_FORMS: dict[str, Callable[[Explanation, Stability], str]] = {
    "text": _text,
    "latex": _latex,
    "markdown": _markdown,
    "json": _json,
}
