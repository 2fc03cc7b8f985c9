"""Why two values stand beside each other, or none where there should be one."""

from __future__ import annotations

from typing import Final

from losslang.diagnostics import Span
from losslang.syntax.case import Case
from losslang.syntax.tokens import CLOSING, span_of

__all__ = ["VALUE_BEGINS", "two_values", "value_missing"]


VALUE_BEGINS: Final = frozenset({"NAME", "NUMBER", "TEXT", "LONGTEXT", "TRUTH", "LPAR", "LSQB"})


def two_values(case: Case) -> bool:
    """A value right behind a value."""
    token, before = case.token, case.before
    if token is None or before is None or not case.after_value or token.type not in VALUE_BEGINS | {"NOT"}:
        return False
    if before.text == "lambda":
        return case.says(
            "E110", "there are no functions without a name", before.span, remedy="define one: def name(x) = …"
        )
    if before.text == "return":
        return case.says("E110", "a value stands without `return`", before.span, remedy="leave it out")
    if token.type == "LPAR" and (before.type in CLOSING or before.type == "TRUTH"):
        return case.says("E118", "only a name can be called", remedy="put an operator between, or name the value first")
    many = case.level.kind in {"call", "list"}
    missing = "an operator or a comma" if many else "an operator"
    if many and token.type == "NAME" and case.following is not None and case.following.type == "EQUAL":
        return case.says(
            "E105", f"a comma is missing before `{token.text}=`", remedy="arguments are separated by commas"
        )
    remedy = f"write `{before.text} * {token.text}…`" if token.type == "LPAR" else f"`{before.text} * {token.text}`?"
    if token.type == "NOT":
        remedy = ""
    elif before.type == "NAME" and token.type == "NUMBER":
        remedy = f"`{before.text}({token.text}, …)`, or `{before.text} * {token.text}`?"
    short = len(before.text) + len(token.text) <= 40 and before.type not in CLOSING
    between = Span(before.source, before.start, token.end)
    shown = f" between `{before.text}` and `{token.text}`" if short else " before this"
    return case.says("E105", f"{missing} is missing{shown}", between if short else None, remedy=remedy if short else "")


def value_missing(case: Case) -> bool:
    """Something else where a value should stand."""
    token, before = case.token, case.before
    if token is None or case.after_value:
        return False
    if token.type in {"FOR", "IN", "IF", "TRUTH"}:
        return case.says("E122", f"`{token.text}` is a word of the language and no name")
    if before is not None and before.type == "FOR":
        return case.says("E122", "a loop has a new name after `for`", remedy="write `for u in views`")
    if token.type == "PLUS":
        return case.says(
            "E106", "a value is missing before `+`; numbers have no plus sign in front", remedy="leave it out"
        )
    where = f"between `{before.text}` and `{token.text}`" if before is not None else f"before `{token.text}`"
    if before is not None and len(before.text) + len(token.text) > 40:
        where = "here"
    return case.says("E106", f"a value is missing {where}", span_of([before, token]) if before is not None else None)
