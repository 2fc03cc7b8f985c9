"""Why tokens do not parse, in words: a table of rules over what was seen, what stood before it, and what was open.

The rules never look at the parser's states (their numbers change with the grammar), only at tokens. The first rule
that knows the case reports it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from losslang.diagnostics import Label, Report, Span
from losslang.syntax.case import Case, case_at
from losslang.syntax.signs import explain_wrong
from losslang.syntax.tokens import CLOSING, Token, span_of

__all__ = ["explain"]

VALUE_BEGINS: Final = frozenset({"NAME", "NUMBER", "TEXT", "LONGTEXT", "TRUTH", "LPAR", "LSQB"})
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


def _in_missing(case: Case) -> bool:
    if case.token is None or case.before is None or case.level.types[-2:] != ["FOR", "NAME"]:
        return False
    if case.token.type == "COMMA":
        following = case.following
        other = following.text if following is not None and following.type == "NAME" else "v"
        remedy = f"write `for {case.before.text} in views for {other} in views`"
        return case.says("E116", "a loop has one name", remedy=remedy)
    return case.says("E116", f"`in` is missing after `for {case.before.text}`", remedy="write `for u in views`")


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


def _loop_words(case: Case) -> bool:
    token = case.token
    if token is None or token.type not in {"FOR", "IF", "IN"}:
        return False
    if case.before is not None and case.before.type == "FOR":
        return case.says("E122", "a loop needs a new name after `for`", remedy="write `for u in views`")
    if not case.after_value:
        message = f"`{token.text}` is a word of the language; a value is missing before it, or it is no name"
        return case.says("E122", message)
    types = case.level.types
    if token.type == "IN":
        return case.says("E116", "`in` stands in loops only: `for u in views`", remedy="compare views with == or !=")
    if token.type == "IF" and "FOR" in types:
        return case.says("E116", "a loop has one `if`", remedy="join the conditions with `and`")
    if token.type == "IF":
        return case.says(
            "E110",
            "there is no `… if … else …`",
            remedy="leave out parts of a mean with where=, as in mean(x, where=x > 0), or of a loop with if",
        )
    return _wrong_for(case, types)


def _wrong_for(case: Case, types: list[str]) -> bool:
    if "IF" in types:
        return case.says("E116", "all `for` of a loop come before its `if`")
    if case.level.kind == "list":
        return case.says(
            "E110", "a list cannot be made by a loop", remedy="write mean(… for u in views), or sum, max, logsumexp"
        )
    if "COMMA" in types:
        return case.says("E116", "a loop must be alone in its brackets", remedy="mean(… for u in views)")
    return case.says(
        "E116",
        "a loop stands in the brackets of a reduction",
        remedy="write mean(… for u in views), or sum, max, logsumexp",
    )


def _comma(case: Case) -> bool:
    token = case.token
    if token is None or token.type != "COMMA":
        return False
    if not case.after_value:
        return case.says("E106", "a value is missing before this comma")
    if "FOR" in case.level.types and case.types_behind[:2] == ["NAME", "IN"]:
        return case.says("E116", "each name has a `for` of its own", remedy="write `for u in views for v in views`")
    if "FOR" in case.level.types:
        return case.says(
            "E116",
            "a loop must be alone in its brackets",
            remedy="reduce inside: mean(mean(x[u], over=batch) for u in views)",
        )
    if _named_lately(case):
        return _unnamed(case)
    if case.level.kind == "index":
        return case.says("E121", "brackets select views, one or a union", remedy="write z[a + b] for both")
    before, following = case.before, case.following
    remedy = "a list is written [view, batch]"
    if before is not None and following is not None and before.type == following.type == "NUMBER":
        remedy = f"write `{before.text}.{following.text}`"
    elif following is None:
        remedy = "leave it out"
    message = "a comma separates arguments and the items of a list"
    return case.says("E129", message + "; here is neither", remedy=remedy)


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


def _named_lately(case: Case) -> bool:
    """Whether a named argument stands in these brackets, and none was begun since the last comma."""
    types = case.level.types
    if case.level.kind != "call" or "EQUAL" not in types:
        return False
    since = types[len(types) - types[::-1].index("COMMA") :] if "COMMA" in types else types
    return "EQUAL" not in since


def _unnamed(case: Case) -> bool:
    """An argument without a name after one with a name."""
    if not _named_lately(case) or case.level.types[-1:] == [] or "FOR" in case.level.types:
        return False
    begun = case.level.tokens[len(case.level.types) - case.level.types[::-1].index("COMMA") :]
    place = begun[0].span if begun else (case.token or case.tokens[-1]).span
    token = case.token
    if not begun and (token is None or token.type not in VALUE_BEGINS | {"MINUS", "NOT"}):
        return False
    return case.says("E117", "arguments without a name come before those with one", place)


def _two_values(case: Case) -> bool:
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


def _value_missing(case: Case) -> bool:
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
    _in_missing,
    _closing,
    _colon,
    _loop_words,
    _unnamed,
    _equal,
    _comma,
    _compared_twice,
    _not_inside,
    _two_values,
    _value_missing,
)
