"""How source text looks on a terminal: escapes, widths of characters, the part of a long line that is shown."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

__all__ = ["TAB", "Window", "printable", "window"]

TAB = 4  # columns a tab advances to a multiple of

_COMBINING = frozenset({"Mn", "Me"})


def printable(text: str) -> str:
    """`text` with every character that could move a terminal's cursor, reorder its line, or hide, as an escape.

    Python calls these not printable: controls, formats (directions of text, spaces of no width), surrogates, private
    and unassigned characters, and separators other than the space.
    """
    if text.isprintable():
        return text
    return "".join(_glyph(character) for character in text)


@dataclass(frozen=True)
class Window:
    """The shown part of a line: `text`, and for every shown character the column (from 0) where it begins."""

    text: str
    first: int  # index in the line of the first shown character
    columns: tuple[int, ...]  # one more than characters: the last is the column behind them

    def column(self, index: int) -> int:
        """Where character `index` of the line begins; places outside are moved to the nearer end."""
        return self.columns[min(max(index - self.first, 0), len(self.columns) - 1)]


def window(line: str, focus: int, width: int) -> Window:
    """The part of `line` around character `focus` that fits `width` columns; cut ends show an ellipsis."""
    if len(line) <= width and line.isascii() and line.isprintable():
        return Window(line, 0, tuple(range(len(line) + 1)))
    first, last = _bounds(line, focus, width)
    return _drawn(line, first, last)


def _bounds(line: str, focus: int, width: int) -> tuple[int, int]:
    """First and last (exclusive) shown character: a third of the width before `focus`, the rest behind it."""
    if _reach(line, 0, width) == len(line):
        return 0, len(line)
    width -= 2  # for the ellipses
    focus = min(focus, len(line))
    end = _reach(line, focus, width - width // 3)
    start = focus
    room = width - sum(_weight(character) for character in line[focus:end])
    while start > 0 and _weight(line[start - 1]) <= room:
        start -= 1
        room -= _weight(line[start])
    return start, _reach(line, start, width)


def _reach(line: str, start: int, width: int) -> int:
    """The index behind the last character that fits `width` columns from `start` on."""
    for index in range(start, len(line)):
        width -= _weight(line[index])
        if width < 0:
            return index
    return len(line)


def _drawn(line: str, first: int, last: int) -> Window:
    shown, columns = ["…"] if first > 0 else [], []
    column = len(shown)
    for character in line[first:last]:
        columns.append(column)
        glyph = " " * (TAB - column % TAB) if character == "\t" else _glyph(character)
        shown.append(glyph)
        column += len(glyph) if len(glyph) > 1 else _width(character)
    columns.append(column)
    if last < len(line):
        shown.append("…")
    return Window("".join(shown), first, tuple(columns))


def _glyph(character: str) -> str:
    if character.isprintable():
        return character
    return {"\n": r"\n", "\r": r"\r", "\t": r"\t"}.get(character) or f"\\u{{{ord(character):x}}}"


def _width(character: str) -> int:
    if unicodedata.category(character) in _COMBINING:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _weight(character: str) -> int:
    """What a character costs a window. Combining characters cost too, so that no line of them is endless."""
    return TAB if character == "\t" else max(len(_glyph(character)), _width(character))
