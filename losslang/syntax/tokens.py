"""Text -> tokens: one regular expression that reads any text; what is no token becomes one of type WRONG."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from losslang.diagnostics import Source, Span
from losslang.syntax.fragment import Fragment

__all__ = ["CLOSING", "OPENING", "RESERVED", "Token", "span_of", "tokenize"]

RESERVED: Final = frozenset({"for", "in", "if", "and", "or", "not", "true", "false"})
"""The words of the expression language; every other name is free (`lambda`, `global`, `class`)."""

OPENING: Final = {"LPAR": "RPAR", "LSQB": "RSQB"}
CLOSING: Final = {"RPAR": "LPAR", "RSQB": "LSQB"}

# A number is read as far as it could be meant (`1e`, `1..2`, `1_000`, `2x`), so that it is one mistake and not three.
_TOKEN: Final = re.compile(
    r'''
    (?P<SPACE>[ \t\n]+)
  | (?P<COMMENT>\#[^\n]*)
  | (?P<NAME>[A-Za-z_][A-Za-z0-9_]*'*)
  | (?P<NUMBER>(?:[0-9]|\.[0-9])(?:(?<=[0-9.][eE])[+-](?=[0-9])|[0-9A-Za-z_.])*)
  | (?P<LONGTEXT>"""(?:[^"]|"(?!""))*""")
  | (?P<OPENTEXT>""")
  | (?P<TEXT>"(?:[^"\\\n]|\\[^\n])*")
  | (?P<COMPARE>==|!=|<=|>=|<(?!>)|>)
  | (?P<WRONG>\*\*|//|&&|\|\||:=|->|<>|\.\.+|"[^"\n]*)
  | (?P<MARK>[-+*/^=(),\[\]:@])
  | (?P<OTHER>.)
    ''',
    re.VERBOSE | re.DOTALL,
)

_GOOD_NUMBER: Final = re.compile(r"(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

_MARKS: Final = {
    "-": "MINUS",
    "+": "PLUS",
    "*": "TIMES",
    "/": "TIMES",
    "^": "CARET",
    "=": "EQUAL",
    "(": "LPAR",
    ")": "RPAR",
    ",": "COMMA",
    "[": "LSQB",
    "]": "RSQB",
    ":": "COLON",
    "@": "AT",
}
_WORDS: Final = {word: word.upper() for word in RESERVED} | {"true": "TRUTH", "false": "TRUTH"}


class Token:
    """A token; `start` and `end` are places in the source, `indent` the column where it starts a line, otherwise -1."""

    __slots__ = ("end", "indent", "source", "start", "text", "type")

    def __init__(self, kind: str, text: str, source: Source, start: int, end: int, indent: int = -1) -> None:
        self.type = kind
        self.text = text
        self.source = source
        self.start = start
        self.end = end
        self.indent = indent

    @property
    def span(self) -> Span:
        """Its place."""
        return Span(self.source, self.start, self.end)

    def __repr__(self) -> str:
        return f"{self.type}({self.text!r})"


def span_of(tokens: Sequence[Token]) -> Span:
    """From the first token to the last (at least one)."""
    return Span(tokens[0].source, tokens[0].start, tokens[-1].end)


def tokenize(fragment: Fragment) -> list[Token]:
    """All tokens of a text, comments among them (type COMMENT); never fails."""
    tokens: list[Token] = []
    source, shift, offsets = fragment.source, fragment.start, fragment.offsets
    indent = 0
    for match in _TOKEN.finditer(fragment.text):
        kind, text = match.lastgroup, match.group()
        start, end = match.span()
        if kind == "SPACE":
            newline = text.rfind("\n")
            indent = len(text) - newline - 1 if newline >= 0 or start == 0 else -1
            continue
        if kind == "NAME":
            kind = _WORDS.get(text, kind)
        elif kind == "MARK":
            kind = _MARKS[text]
        elif kind in {"OTHER", "OPENTEXT"} or (kind == "NUMBER" and not _GOOD_NUMBER.fullmatch(text)):
            kind = "WRONG"
        if offsets is None:
            tokens.append(Token(kind or "WRONG", text, source, shift + start, shift + end, indent))
        else:
            tokens.append(Token(kind or "WRONG", text, source, offsets[start], offsets[end - 1] + 1, indent))
        indent = -1
    return tokens
