"""Why tokens do not parse, in words: a table of rules over what was seen, what stood before it, and what was open.

The rules never look at the parser's states (their numbers change with the grammar), only at tokens. The first rule
that knows the case reports it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from losslang.diagnostics import Label, Report
from losslang.syntax.case import Case, case_at
from losslang.syntax.mistakes_commas import comma, unnamed
from losslang.syntax.mistakes_loops import in_missing, loop_words
from losslang.syntax.mistakes_values import two_values, value_missing
from losslang.syntax.signs import explain_wrong
from losslang.syntax.tokens import CLOSING, Token, span_of

__all__ = ["explain"]

INFIX: Final = frozenset({"PLUS", "MINUS", "TIMES", "CARET", "COMPARE", "AND", "OR"})


def explain(tokens: Sequence[Token], at: int, start: str, report: Report) -> None:
    """Reports why token `at` (or the end) does not fit after those before it."""
    case = case_at(tokens, at, report)
    rules = RULES if start == "expression" else (_of_parameters, *RULES)
    if not any(rule(case) for rule in rules):
        seen = f"`{case.token.text}`" if case.token is not None else "the end"
        case.says("E129", f"{seen} does not fit here")


# ---------------------------------------------------------------- the rules


def _end(case: Case) -> bool:
    if case.token is not None:
        return False
    opening = case.level.opening
    if opening is not None:
        closing = ")" if opening.type == "LPAR" else "]"
        return case.says("E103", f"this `{opening.text}` is never closed", opening.span, remedy=f"add `{closing}`")
    last = case.tokens[-1]
    return case.says("E102", f"the expression ends after `{last.text}`, where a value should follow", last.span)


def _wrong(case: Case) -> bool:
    token = case.token
    if token is None or token.type not in {"WRONG", "AT"}:
        return False
    explain_wrong(token, case.before if case.after_value else None, case.following, case.report)
    return True


def _closing(case: Case) -> bool:
    token, opening = case.token, case.level.opening
    if token is None or token.type not in CLOSING:
        return False
    if opening is None:
        return case.says(
            "E104", f"this `{token.text}` closes nothing", remedy="remove it, or add the bracket it closes"
        )
    if CLOSING[token.type] != opening.type:
        case.report.add(
            "E104",
            f"`{token.text}` cannot close `{opening.text}`",
            token.span,
            labels=[Label(opening.span, "opened here")],
            help=f"write `{')' if opening.type == 'LPAR' else ']'}`",
        )
        return True
    if case.before is opening:
        what = {"index": "the name of a view", "group": "a value"}.get(case.level.kind, "a value")
        return case.says("E106", f"these brackets are empty; {what} is missing", opening.span.to(token.span))
    return False


def _colon(case: Case) -> bool:
    token = case.token
    if token is None or token.type != "COLON":
        return False
    if case.level.kind == "index":
        return case.says(
            "E110",
            "slices do not exist here; axes have names",
            remedy="z[a] selects a view; first(z, 10, over=feature) takes the first along an axis",
        )
    return case.says("E109", "`:` has no meaning inside an expression")


def _equal(case: Case) -> bool:
    token = case.token
    if token is None or token.type != "EQUAL":
        return False
    before = case.before
    if before is not None and before.type in {"PLUS", "MINUS", "TIMES", "CARET"} and before.end == token.start:
        remedy = f"write `{before.text}`; a value has one definition and never changes"
        return case.says("E109", f"there is no `{before.text}=`", span_of([before, token]), remedy=remedy)
    if not case.after_value:
        return case.says("E106", "a value is missing before `=`")
    return case.says(
        "E108",
        "`=` gives a value to a named argument and nothing else",
        label="did you mean `==`?",
    )


def _compared_twice(case: Case) -> bool:
    token = case.token
    if token is None or token.type != "COMPARE" or not case.after_value:
        return False
    return case.says("E107", "comparisons cannot be chained", remedy="write `u < v and v < w`")


def _not_inside(case: Case) -> bool:
    token, before = case.token, case.before
    if token is None or token.type != "NOT" or before is None or before.type not in INFIX:
        return False
    return case.says("E120", f"`not` cannot follow `{before.text}` without brackets", remedy="write `(not …)`")


def _of_parameters(case: Case) -> bool:
    """Parameters of a definition: a name, its axes, its default."""
    token, before = case.token, case.before
    if token is None or token.type in {"WRONG", "AT"}:
        return False
    types = case.level.types
    since = types[len(types) - types[::-1].index("COMMA") :] if "COMMA" in types else types
    if len(case.levels) > 3 or (len(case.levels) == 2 and "EQUAL" in since):
        return False
    if len(case.levels) == 3 and "EQUAL" in case.levels[1].types[-3:]:
        return False
    if before is not None and before.type == "COLON":
        return case.says("E138", "the axes of a parameter stand in brackets", remedy="write `z: [batch, feature]`")
    return case.says(
        "E138",
        f"`{token.text[:40]}` does not fit into the parameters of a definition",
        remedy="a parameter is a name, with axes `z: [batch, feature]` or a default `eps=1e-4`",
    )


RULES: Final[tuple[Callable[[Case], bool], ...]] = (
    _end,
    _wrong,
    in_missing,
    _closing,
    _colon,
    loop_words,
    unnamed,
    _equal,
    comma,
    _compared_twice,
    _not_inside,
    two_values,
    value_missing,
)
