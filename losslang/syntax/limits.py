"""What the grammar cannot say: how long and how deep an expression may be, the range of numbers, names given twice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from losslang.diagnostics import Label, Report, Span
from losslang.syntax.texts import wrong_escape
from losslang.syntax.tokens import CLOSING, OPENING, Token, span_of
from losslang.syntax.tree import Call, Expression
from losslang.syntax.walk import walk

__all__ = ["MAX_DEPTH", "MAX_TOKENS", "acceptable", "parsable"]

MAX_DEPTH: Final = 100
"""Levels of nesting an expression may have, so that nothing that walks it recursively can overflow."""

MAX_TOKENS: Final = 4000
"""Words and signs that one expression may have."""

MAX_INTEGER: Final = 2**63 - 1


def parsable(tokens: Sequence[Token], report: Report) -> bool:
    """Whether tokens may be given to the parser; otherwise the reason is in the report."""
    if len(tokens) > MAX_TOKENS:
        report.add(
            "E115",
            f"this expression has {len(tokens)} words and signs; at most {MAX_TOKENS} are read",
            span_of(tokens[:1]),
            help="give its parts names of their own, as definitions",
        )
        return False
    if len(tokens) > MAX_DEPTH and not _few_brackets(tokens, report):
        return False
    unsound = [at for at, token in enumerate(tokens) if token.type in _DELICATE and not _sound(tokens, at, report)]
    return not unsound


def acceptable(expression: Expression, size: int, report: Report) -> bool:
    """Whether a parsed expression of `size` tokens is not too deep and gives no argument twice."""
    if size < 5:
        return True
    for node, depth in walk(expression):
        if depth > MAX_DEPTH:
            _too_deep(report, node)
            return False
        if isinstance(node, Call) and len(node.keywords) > 1 and not _each_once(node, report):
            return False
    return True


_DELICATE: Final = frozenset({"NUMBER", "NAME", "TEXT"})


def _sound(tokens: Sequence[Token], at: int, report: Report) -> bool:
    token = tokens[at]
    if token.type == "NUMBER":
        return _in_range(token, report)
    if token.type == "TEXT":
        return _known_escapes(token, report)
    if token.text == "null":
        report.add(
            "E123",
            "`null` is not a value",
            token.span,
            help="it stands alone in YAML and removes an inherited entry (as text: `remove value z`)",
        )
        return False
    return token.text[-1] != "'" or _prime_allowed(tokens, at, report)


def _in_range(token: Token, report: Report) -> bool:
    text = token.text
    if len(text) < 16 and "e" not in text and "E" not in text:
        return True
    if text.isdigit():
        fits = len(text) < 20 and int(text) <= MAX_INTEGER
    else:
        value = float(text)
        mantissa = text.lower().partition("e")[0]
        fits = math.isfinite(value) and (value != 0 or not mantissa.strip("0."))
    if not fits:
        shown = text if len(text) <= 24 else text[:20] + "…"
        report.add("E113", f"the number {shown} is out of the range of the machine's numbers", token.span)
    return fits


def _known_escapes(token: Token, report: Report) -> bool:
    at = wrong_escape(token.text)
    plain = token.end - token.start == len(token.text)  # none of its characters is an escape of YAML
    if at is not None:
        report.add(
            "E119",
            f"`{token.text[at : at + 2]}` means nothing in a quoted text",
            Span(token.source, token.start + at, token.start + at + 2) if plain else token.span,
            help='write `\\\\` for a backslash, `\\"` for a quote, `\\n` for a new line',
        )
    return at is None


def _prime_allowed(tokens: Sequence[Token], at: int, report: Report) -> bool:
    """A prime marks the second copy of an axis; functions, arguments and loop names have none."""
    follows = tokens[at + 1].type if at + 1 < len(tokens) else ""
    leads = tokens[at - 1].type if at else ""
    kind = {"LPAR": "a function", "EQUAL": "an argument", "COLON": "a parameter"}.get(follows)
    kind = "a loop" if leads == "FOR" else kind
    if kind is None:
        return True
    bare = tokens[at].text.rstrip("'")
    report.add(
        "E118",
        f"the name of {kind} has no prime; `'` marks the second copy of an axis, as in batch'",
        tokens[at].span,
        help=f"write `{bare}`",
    )
    return False


def _few_brackets(tokens: Sequence[Token], report: Report) -> bool:
    depth = 0
    for token in tokens:
        if token.type in OPENING:
            depth += 1
            if depth > MAX_DEPTH:
                report.add("E114", f"brackets are nested more than {MAX_DEPTH} deep here", token.span)
                return False
        elif token.type in CLOSING:
            depth -= 1
    return True


def _too_deep(report: Report, node: Expression) -> None:
    report.add(
        "E114",
        f"this expression is nested more than {MAX_DEPTH} deep (a sum of {MAX_DEPTH} terms is as deep)",
        node.span,
        help="give its parts names of their own, as definitions",
    )


def _each_once(call: Call, report: Report) -> bool:
    first = {each.name: each for each in reversed(call.keywords)}
    for each in call.keywords:
        if first[each.name] is not each:
            labels = [Label(first[each.name].span, "given here first")]
            report.add("E117", f"`{each.name}` is given twice to {call.function}", each.span, labels=labels)
            return False
    return True
