"""Comments of a YAML text, which its parser drops: they stand in the gaps between the texts it found."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field
from typing import Final

from losslang.diagnostics import Source, Span
from losslang.syntax.comments import Comment, comment_text, join
from losslang.syntax.tree import NO_COMMENTS, Comments
from losslang.syntax.yaml_text import Document, Mapping, Node, Pair, Scalar, Sequence

__all__ = ["Placed", "place_comments"]

_COMMENT: Final = re.compile(r"#[^\n]*")

SECTIONS: Final = frozenset({"parameters", "networks", "functions", "define", "objective", "forward", "views"})
"""Keys whose entries own comments; every other key owns them itself (`recipes` is both)."""


@dataclass
class Placed:
    """Where the comments of a document went: to entries, by the offset of their key, or to the head or tail."""

    of: dict[int, Comments] = field(default_factory=dict)
    head: list[str] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    all: list[Comment] = field(default_factory=list)


@dataclass(frozen=True)
class _Owner:
    """Something comments can belong to. `line` is where a comment at the end of its line goes."""

    start: int
    end: int
    line: int


def place_comments(document: Document, source: Source) -> Placed:
    """Every comment of a document with its entry."""
    placed = Placed(all=list(_find(document, source)))
    owners: list[_Owner] = []
    if isinstance(document.root, Mapping):
        for pair in document.root.pairs:
            owners += _owners(pair)
    owners.sort(key=lambda owner: owner.start)
    starts = [owner.start for owner in owners]
    for comment in placed.all:
        at = bisect.bisect_right(starts, comment.span.start)
        _place(comment, owners[at - 1] if at else None, owners[at] if at < len(owners) else None, placed)
    return placed


def _find(document: Document, source: Source) -> list[Comment]:
    found: list[Comment] = []
    at = 0
    for span in [*sorted(document.texts, key=lambda span: span.start), Span(source, document.end, document.end)]:
        found += [_comment(source, match) for match in _COMMENT.finditer(source.text, at, max(at, span.start))]
        # The line of `|` is part of its text, and may hold a comment.
        block = source.text.startswith(("|", ">"), span.start) and "\n" in span.text
        if block:
            line_end = source.text.index("\n", span.start)
            found += [_comment(source, match) for match in _COMMENT.finditer(source.text, span.start, line_end)]
        at = max(at, span.end)
    return found


def _comment(source: Source, match: re.Match[str]) -> Comment:
    line_start = source.text.rfind("\n", 0, match.start()) + 1
    own_line = not source.text[line_start : match.start()].strip()
    return Comment(comment_text(match.group()), own_line, Span(source, match.start(), match.end()))


def _owners(pair: Pair) -> list[_Owner]:
    key, value = pair.key.text, pair.value
    if key == "recipes" and isinstance(value, Mapping):
        return [owner for recipe in value.pairs for owner in _recipe(recipe)]
    inside = _entries(value) if key in SECTIONS and not (key == "views" and _is_flow(value)) else []
    return inside or [_Owner(pair.key.span.start, _end(value), pair.key.span.start)]


def _recipe(recipe: Pair) -> list[_Owner]:
    start = recipe.key.span.start
    leaves = _leaves(recipe.value)
    return [_Owner(start, recipe.key.span.end if leaves else _end(recipe.value), start), *leaves]


def _leaves(node: Node) -> list[_Owner]:
    """The settings of a recipe, however deep their keys are nested."""
    if not isinstance(node, Mapping):
        return []
    found: list[_Owner] = []
    for pair in node.pairs:
        start = pair.key.span.start
        found += _leaves(pair.value) or [_Owner(start, _end(pair.value), start)]
    return found


def _entries(node: Node) -> list[_Owner]:
    """The entries of a section; a comment behind `{ }` on one line speaks of all, so it goes above the first."""
    if isinstance(node, Mapping):
        spans = [(pair.key.span.start, _end(pair.value)) for pair in node.pairs]
    elif isinstance(node, Sequence):
        spans = [(item.span.start, _end(item)) for item in node.items]
    else:
        return []
    one_line = _is_flow(node) and len(spans) > 1 and "\n" not in node.span.text
    return [_Owner(start, end, spans[0][0] if one_line else start) for start, end in spans]


def _is_flow(node: Node) -> bool:
    return isinstance(node, Mapping | Sequence) and node.flow


def _end(node: Node) -> int:
    """The end of a value on its last line (a block ends before its last line break)."""
    text = node.span.text
    if isinstance(node, Scalar) and node.style == "|":
        return node.span.start + len(text.rstrip())
    if isinstance(node, Mapping | Sequence) and not node.flow:
        last: Node | None = None
        if isinstance(node, Mapping):
            last = node.pairs[-1].value if node.pairs else None
        else:
            last = node.items[-1] if node.items else None
        return _end(last) if last is not None else node.span.start
    return node.span.end


def _place(comment: Comment, before: _Owner | None, following: _Owner | None, placed: Placed) -> None:
    """An own-line comment belongs to the entry below it, one at the end of a line to the entry that ends there."""
    if before is not None and comment.span.start < before.end:
        _give(placed, before.start, comment, at_end=not comment.own_line and _first_line(before, comment))
    elif before is not None and not comment.own_line and _same_line(before.end, comment):
        _give(placed, before.line, comment, at_end=before.line == before.start)
    elif before is not None and not comment.own_line and _behind_bracket(comment):
        _give(placed, before.start, comment, at_end=False)
    elif before is None and following is None:
        placed.head.append(comment.text)
    elif following is None:
        placed.tail.append(comment.text)
    elif before is None and comment.own_line:
        placed.head.append(comment.text)
    else:
        _give(placed, following.start, comment, at_end=False)


def _give(placed: Placed, owner: int, comment: Comment, *, at_end: bool) -> None:
    old = placed.of.get(owner, NO_COMMENTS)
    placed.of[owner] = join(old, () if at_end else (comment.text,), comment.text if at_end else "")


def _first_line(owner: _Owner, comment: Comment) -> bool:
    return _same_line(owner.start, comment)


def _behind_bracket(comment: Comment) -> bool:
    """Whether only closing brackets stand before a comment on its line."""
    text, at = comment.span.source.text, comment.span.start
    return not text[text.rfind("\n", 0, at) + 1 : at].strip(" \t}],")


def _same_line(start: int, comment: Comment) -> bool:
    return comment.span.source.text.find("\n", start, comment.span.start) < 0
