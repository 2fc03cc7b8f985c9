"""Tokens -> logical lines and blocks: what belongs to one statement of the text form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from losslang.diagnostics import Label, Report, Span
from losslang.syntax.comments import comment_text, with_inner
from losslang.syntax.names import STATEMENT_WORDS
from losslang.syntax.tokens import CLOSING, OPENING, Token, span_of
from losslang.syntax.tree import Comments

__all__ = ["Block", "Line", "blocks", "logical_lines", "report_continuation"]

OPERATORS: Final = frozenset({"PLUS", "TIMES", "CARET", "COMPARE", "AND", "OR", "FOR", "IF", "IN", "COMMA", "EQUAL"})
"""What a line cannot begin with. A minus may begin the value of a definition."""

_BODIED: Final = frozenset({"def", "minimize", "recipe"})


@dataclass
class Line:
    """A logical line: its tokens (the comments in it too) and the comments on lines of their own above it."""

    indent: int
    above: list[Token]
    everything: list[Token] = field(default_factory=list)
    continued: bool = False  # the line below was meant to be part of it; that was reported

    @property
    def tokens(self) -> list[Token]:
        """Its tokens without comments (at least one)."""
        return [token for token in self.everything if token.type != "COMMENT"]

    @property
    def comments(self) -> Comments:
        """The comments above, inside and behind it."""
        texts = tuple(comment_text(token.text) for token in self.above)
        return with_inner(Comments(above=texts), self.everything)

    @property
    def first(self) -> Token:
        """Its first token."""
        return self.everything[0]

    @property
    def last_row(self) -> Span:
        """Its last line as people count lines."""
        tokens = self.tokens
        begins = max((at for at, token in enumerate(tokens) if token.indent >= 0), default=0)
        return span_of(tokens[begins:])


@dataclass
class Block:
    """A statement: a line at the left margin, and the indented lines below it."""

    head: Line
    body: list[Line] = field(default_factory=list)


def logical_lines(tokens: Sequence[Token]) -> tuple[list[Line], list[Token]]:
    """The logical lines of a text, and the comments below the last.

    Inside brackets a line break is white space. A bracket left open does not take the rest of the file with it: a
    line that begins like an entry, no further right than the line of the bracket, begins a new one.
    """
    lines: list[Line] = []
    above: list[Token] = []
    still_open: list[str] = []
    for at, token in enumerate(tokens):
        starts_row = token.indent >= 0
        if token.type == "COMMENT":
            inside = lines and not above and (still_open or not starts_row)
            (lines[-1].everything if inside else above).append(token)
            continue
        if not lines or (starts_row and (not still_open or _begins_entry(tokens, at, lines[-1]))):
            lines.append(Line(max(token.indent, 0), above))
            above, still_open = [], []
        lines[-1].everything.append(token)
        if token.type in OPENING or token.text == '"""':
            still_open.append(token.type)
        elif token.type in CLOSING and still_open and still_open[-1] in OPENING:
            still_open.pop()
    return lines, above


def blocks(lines: Iterable[Line], report: Report) -> list[Block]:
    """Lines grouped into statements; a line that continues another without brackets is reported at that one."""
    found: list[Block] = []
    for line in lines:
        _refuse_tab(line, report)
        if line.indent == 0 and not _begins_otherwise(line):
            found.append(Block(line))
        elif not found:
            place = line.first.span
            if line.indent:
                report.add("E131", "the first statement is indented", place, help="begin it at the left margin")
            else:
                report.add("E130", f"no statement begins with `{line.first.text}`", place)
        elif line.indent and _has_body(found[-1].head):
            found[-1].body.append(line)
        elif line.indent and [token.type for token in line.tokens[:2]] == ["NAME", "EQUAL"]:
            message = "this line is indented, and the line above takes none below it"
            report.add("E131", message, line.first.span, help="begin it at the left margin, or wrap both in brackets")
            found.append(Block(line))
        else:
            above = found[-1].body[-1] if found[-1].body else found[-1].head
            report_continuation(above, line, report)
    return found


def _begins_otherwise(line: Line) -> bool:
    """Whether a line at the margin begins as no statement can (`for = 1` is a wrong name, and not the rest of a loop)."""
    tokens = line.tokens
    return tokens[0].type in OPERATORS | {"MINUS"} and not (len(tokens) > 1 and tokens[1].type == "EQUAL")


def _has_body(head: Line) -> bool:
    """Whether indented lines below belong to a statement; to an unknown one such as `minimise` they would, too."""
    tokens = head.tokens
    if tokens[0].text in STATEMENT_WORDS:
        return tokens[0].text in _BODIED or len(tokens) == 1
    return tokens[0].type == "NAME" and (len(tokens) == 1 or tokens[1].type != "EQUAL")


def report_continuation(above: Line, below: Line, report: Report) -> None:
    """`below` goes on with what `above` began, without brackets. Said once for each line that is continued."""
    if not above.continued:
        above.continued = True
        report.add(
            "E131",
            "this line continues on the line below without a bracket",
            above.last_row,
            labels=[Label(below.last_row, "this continues the line above")],
            help="wrap it in brackets: `z = (` … `)`; inside brackets line breaks do not count",
        )


def _begins_entry(tokens: Sequence[Token], at: int, line: Line) -> bool:
    """Whether a token inside open brackets begins an entry all the same: `name =`, `name:`, `network name`."""
    token = tokens[at]
    if token.indent > line.indent or at + 1 == len(tokens):
        return False
    following = tokens[at + 1]
    if token.type == "NAME" and following.indent < 0 and following.type == ("COLON" if line.indent else "EQUAL"):
        return True
    if token.indent:
        return False
    if token.text == "minimize":
        return following.indent > 0
    is_word = token.text in STATEMENT_WORDS or token.type == "AT"
    return is_word and following.indent < 0 and following.type in {"NAME", "TEXT", "LONGTEXT", "NUMBER"}


def _refuse_tab(line: Line, report: Report) -> None:
    start = line.first.start
    text = line.first.source.text
    row = text.rfind("\n", 0, start) + 1
    tab = text.find("\t", row, start)
    if tab >= 0 and not text[row:start].strip():
        place = Span(line.first.source, tab, tab + 1)
        report.add("E132", "a tab stands in the indentation", place, help="indent with spaces")
