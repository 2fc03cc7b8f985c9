"""Text -> expression: Lark's LALR tables, fed with our tokens; every failure becomes one diagnostic."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from losslang.diagnostics import Report, Span
from losslang.syntax.fragment import Fragment
from losslang.syntax.limits import acceptable, parsable
from losslang.syntax.tokens import Token, tokenize
from losslang.syntax.tree import DefinitionParameter, Expression

if TYPE_CHECKING:
    from lark import Lark

__all__ = ["parse_expression", "parse_parameters", "parse_tokens"]


def parse_expression(fragment: Fragment, report: Report) -> Expression | None:
    """The expression that a text holds, or None and a diagnostic in the report. Comments in it are skipped."""
    tokens = [token for token in tokenize(fragment) if token.type != "COMMENT"]
    return parse_tokens(tokens, fragment.span(), report)


def parse_tokens(tokens: Sequence[Token], place: Span, report: Report) -> Expression | None:
    """The same from tokens (without comments); `place` is where an empty text is reported."""
    if not tokens:
        remedy = "all of it is a comment" if place.text.lstrip("\"'| \n").startswith("#") else ""
        report.add("E101", "an expression is missing here", place, help=remedy)
        return None
    expression: Expression | None = _parse(tokens, "expression", report)
    if expression is None or not acceptable(expression, len(tokens), report):
        return None
    return expression


def parse_parameters(tokens: Sequence[Token], report: Report) -> tuple[DefinitionParameter, ...] | None:
    """The parameters of a definition, from its opening bracket to the closing one."""
    result: tuple[DefinitionParameter, ...] | None = _parse(tokens, "parameters", report)
    defaults = [each.default for each in result or () if each.default is not None]
    return result if all(acceptable(each, len(tokens), report) for each in defaults) else None


@cache
def _lark() -> Lark:
    """Read or built once, at the first expression."""
    from losslang.syntax.tables import kept_tables, parser

    return parser(kept_tables())


def _parse(tokens: Sequence[Token], start: str, report: Report) -> Any:
    """Feeds the tokens; the first one that does not fit is explained."""
    from lark.exceptions import UnexpectedToken

    if not parsable(tokens, report):
        return None
    state = _lark().parse_interactive(start=start).parser_state
    at = 0
    try:
        for at, token in enumerate(tokens):  # noqa: B007 - the place of the failure
            state.feed_token(token)  # type: ignore[arg-type]
        at = len(tokens)
        last = tokens[-1]
        return state.feed_token(Token("$END", "", last.source, last.end, last.end), is_end=True)  # type: ignore[arg-type]
    except UnexpectedToken:
        from losslang.syntax.mistakes import explain

        explain(tokens, at, start, report)
        return None
