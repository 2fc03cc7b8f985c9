"""`@role(decentering, mechanism=variance)`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from losslang.diagnostics import Report
from losslang.syntax.names import nearest
from losslang.syntax.parser import parse_tokens
from losslang.syntax.tokens import Token, span_of
from losslang.syntax.tree import Call, Expression, Name, Role, Text

__all__ = ["ROLES", "read_role"]

ROLES: Final = ("alignment", "decentering", "decorrelation")
"""The roles that the analysis of collapse knows; a word near one of them is a misspelling, any other is free."""


def read_role(tokens: Sequence[Token], report: Report) -> Role | None:
    """The role on a line that begins with `@`, or None and a diagnostic."""
    place = span_of(tokens)
    call = parse_tokens(tokens[1:], place, report)
    if call is None:
        return None
    if isinstance(call, Call) and call.function == "role" and not call.loops:
        misspelled = [each for each in call.arguments if _meant(each)]
        if misspelled:
            word = misspelled[0]
            report.add("E140", f"there is no role `{_word(word)}`", word.span, label=f"did you mean `{_meant(word)}`?")
            return None
        names = [_word(each) for each in call.arguments]
        options = [(each.name, _word(each.value)) for each in call.keywords]
        if names + options and None not in names and all(value is not None for _, value in options):
            return Role(
                tuple(name for name in names if name is not None),
                tuple((name, value) for name, value in options if value is not None),
                place,
            )
    report.add(
        "E140",
        "a role names what a primitive does, in words",
        place,
        help="write `@role(decorrelation)` or `@role(decentering, mechanism=variance)`",
    )
    return None


def _meant(value: Expression) -> str | None:
    """The role that a word is a misspelling of."""
    word = _word(value)
    return nearest(word, ROLES) if word and word not in ROLES else None


def _word(value: Expression) -> str | None:
    if isinstance(value, Name) and not value.primes:
        return value.id
    return value.value if isinstance(value, Text) else None
