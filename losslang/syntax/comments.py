"""Comments: their text, the entries they belong to, and the one kind that is an instruction."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from losslang.diagnostics import Report, Span
from losslang.syntax.tokens import Token
from losslang.syntax.tree import NO_COMMENTS, Comments, View

__all__ = ["Comment", "allowed_codes", "comment_text", "join", "of_token", "settle_views", "with_inner"]


@dataclass(frozen=True)
class Comment:
    """A comment and its place; `own_line` if nothing stands before it on its line."""

    text: str
    own_line: bool
    span: Span


_INSTRUCTION: Final = re.compile(r"\s*losslang:\s*(.*?)\s*")
_ALLOW: Final = re.compile(r"allow\(\s*(W[0-9]{3}(?:\s*,\s*W[0-9]{3})*)\s*,?\s*\)")


def comment_text(raw: str) -> str:
    """`# text` without its `#`, the blank after it, and blanks at the end."""
    return raw.removeprefix("#").removeprefix(" ").rstrip()


def of_token(token: Token) -> Comment:
    """The comment that a token of type COMMENT is."""
    return Comment(comment_text(token.text), token.indent >= 0, token.span)


def join(comments: Comments, above: Iterable[str], after: str = "") -> Comments:
    """Comments with more of them: those `above` last, and `after` at the end of the line if that is free."""
    more = tuple(above)
    if after and comments.after:
        more, after = (*more, after), ""
    return replace(comments, above=comments.above + more, after=comments.after or after)


def with_inner(comments: Comments, tokens: Sequence[Token]) -> Comments:
    """With the comments that stand among the tokens of an expression: the last may end its line, the rest go above."""
    inner = [of_token(token) for token in tokens if token.type == "COMMENT"]
    if not inner:
        return comments
    ends = tokens[-1].type == "COMMENT" and tokens[-1].indent < 0
    above = [comment.text for comment in (inner[:-1] if ends else inner)]
    return join(comments, above, inner[-1].text if ends else "")


def settle_views(views: tuple[View, ...], header: Comments) -> tuple[tuple[View, ...], Comments]:
    """One home for the comments on views: the header while they are one list, or one view; else the views themselves."""
    if len(views) == 1:
        own = views[0].comments
        return (replace(views[0], comments=NO_COMMENTS),), join(header, own.above, own.after)
    if any(view.comments != NO_COMMENTS for view in views):
        above = (*header.above, header.after) if header.after else header.above
        first = replace(views[0].comments, above=above + views[0].comments.above)
        return (replace(views[0], comments=first), *views[1:]), NO_COMMENTS
    return views, header


def allowed_codes(comments: Iterable[Comment], report: Report) -> frozenset[str]:
    """The codes that comments such as `# losslang: allow(W104, W105)` answer."""
    codes: set[str] = set()
    for comment in comments:
        instruction = _INSTRUCTION.fullmatch(comment.text)
        if instruction is None:
            continue
        allow = _ALLOW.fullmatch(instruction[1])
        if allow is None:
            report.add(
                "E148",
                "a comment that begins with `losslang:` is an instruction, and this one is not known",
                comment.span,
                help="write `# losslang: allow(W104)` to answer a warning; errors cannot be answered",
            )
            continue
        codes.update(code.strip() for code in allow[1].split(","))
    return frozenset(codes)
