"""Why a comma does not fit, or an argument without a name after one with a name."""

from __future__ import annotations

from losslang.syntax.case import Case
from losslang.syntax.mistakes_values import VALUE_BEGINS

__all__ = ["comma", "unnamed"]


def comma(case: Case) -> bool:
    """A comma that separates nothing."""
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
        return unnamed(case)
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


def unnamed(case: Case) -> bool:
    """An argument without a name after one with a name."""
    if not _named_lately(case) or case.level.types[-1:] == [] or "FOR" in case.level.types:
        return False
    begun = case.level.tokens[len(case.level.types) - case.level.types[::-1].index("COMMA") :]
    place = begun[0].span if begun else (case.token or case.tokens[-1]).span
    token = case.token
    if not begun and (token is None or token.type not in VALUE_BEGINS | {"MINUS", "NOT"}):
        return False
    return case.says("E117", "arguments without a name come before those with one", place)


def _named_lately(case: Case) -> bool:
    """Whether a named argument stands in these brackets, and none was begun since the last comma."""
    types = case.level.types
    if case.level.kind != "call" or "EQUAL" not in types:
        return False
    since = types[len(types) - types[::-1].index("COMMA") :] if "COMMA" in types else types
    return "EQUAL" not in since
