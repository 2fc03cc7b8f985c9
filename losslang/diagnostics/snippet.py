"""Lines of a source with carets under the places that a message is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from losslang.diagnostics.layout import Window, printable, window
from losslang.diagnostics.paint import Paint
from losslang.diagnostics.source import Source, Span

__all__ = ["Mark", "snippets"]

WIDTH = 160  # columns of a snippet, line number included
GUTTER = 8  # "   14 | "


@dataclass(frozen=True)
class Mark:
    """A place, with the words beside its carets; `main` is the place of the message itself."""

    span: Span
    text: str = ""
    main: bool = False

    def encloses(self, other: Mark) -> bool:
        """Whether the place of `other` lies within this one."""
        return self.span.start <= other.span.start and other.span.end <= self.span.end


@dataclass(frozen=True)
class _Caret:
    """A mark on one shown line: its columns, from 0."""

    start: int
    end: int
    mark: Mark


def snippets(source: Source, marks: Sequence[Mark], paint: Paint) -> list[str]:
    """The lines that `marks` begin on, the message's own first, each with its carets; none for an empty source."""
    if not source.text:
        return []
    by_line: dict[int, list[Mark]] = {}
    for mark in sorted(marks, key=lambda mark: (not mark.main, mark.span.start)):
        by_line.setdefault(mark.span.line, []).append(mark)
    return [
        row
        for number, on_line in by_line.items()
        for together in _fitting(source, number, on_line)
        for row in _snippet(source, number, together, paint)
    ]


def _fitting(source: Source, number: int, marks: Sequence[Mark]) -> Iterable[list[Mark]]:
    """Marks of one line in groups that fit one window: on a line of thousands of characters each has its own."""
    line = source.line(number)
    starts = [mark.span.column - 1 for mark in marks]
    shown = window(line, min(starts), WIDTH - GUTTER)
    if max(starts) - shown.first < len(shown.columns):
        return [list(marks)]
    return [[mark] for mark in marks]


def _snippet(source: Source, number: int, marks: Sequence[Mark], paint: Paint) -> list[str]:
    line = source.line(number)
    shown = window(line, min(mark.span.column for mark in marks) - 1, WIDTH - GUTTER)
    rows = [f"{paint.gutter(f'{number:5} |')} {shown.text}".rstrip()]
    for level in _levels([_caret(mark, line, shown) for mark in marks]):
        rows += [f"{paint.gutter('      |')} {_painted(text, paint)}" for text in _caret_rows(level)]
    return rows


def _painted(row: str, paint: Paint) -> str:
    body = row.lstrip(" ")
    return row[: len(row) - len(body)] + paint.carets(body)


def _caret(mark: Mark, line: str, shown: Window) -> _Caret:
    """Columns of a mark on its first line; at least one, also for an empty place or a line break."""
    first = mark.span.column - 1
    last = min(first + mark.span.end - mark.span.start, len(line))
    start = shown.column(first)
    return _Caret(start, max(shown.column(last), start + 1), mark)


def _levels(carets: Iterable[_Caret]) -> list[list[_Caret]]:
    """Carets that share a row, from left to right; those that overlap or touch take a row of their own below."""
    levels: list[list[_Caret]] = []
    for caret in sorted(carets, key=lambda caret: (not caret.mark.main, caret.start, caret.end)):
        free = (level for level in levels if all(_apart(caret, other) for other in level))
        level = next(free, None)
        if level is None:
            level = []
            levels.append(level)
        level.append(caret)
    return [sorted(level, key=lambda caret: caret.start) for level in levels]


def _apart(one: _Caret, other: _Caret) -> bool:
    return one.end < other.start or other.end < one.start


def _caret_rows(level: Sequence[_Caret]) -> list[str]:
    """The row of carets with the last one's words beside it, and the words of the others below, right to left."""
    row = ""
    for caret in level:
        row = row.ljust(caret.start) + "^" * (caret.end - caret.start)
    rows = [f"{row} {printable(level[-1].mark.text)}".rstrip()]
    waiting = [caret for caret in level[:-1] if caret.mark.text]
    while waiting:
        caret = waiting.pop()
        row = ""
        for other in waiting:
            row = row.ljust(other.start) + "|"
        rows.append(row.ljust(caret.start) + printable(caret.mark.text))
    return rows
