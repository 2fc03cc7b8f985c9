"""Why the words of a loop (`for`, `in`, `if`) do not fit."""

from __future__ import annotations

from losslang.syntax.case import Case

__all__ = ["in_missing", "loop_words"]


def in_missing(case: Case) -> bool:
    """A loop without `in`, or with two names."""
    if case.token is None or case.before is None or case.level.types[-2:] != ["FOR", "NAME"]:
        return False
    if case.token.type == "COMMA":
        following = case.following
        other = following.text if following is not None and following.type == "NAME" else "v"
        remedy = f"write `for {case.before.text} in views for {other} in views`"
        return case.says("E116", "a loop has one name", remedy=remedy)
    return case.says("E116", f"`in` is missing after `for {case.before.text}`", remedy="write `for u in views`")


def loop_words(case: Case) -> bool:
    """`for`, `in` or `if` where none can stand."""
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
