"""Tables of words for a terminal of any width."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["MOST", "table", "terminal_width"]

GAP = 2
LEAST, MOST = 10, 160
"""Characters of a narrow column, and of the widest table."""


def terminal_width() -> int:
    """The characters of a line: those of the terminal, or 100 where there is none."""
    from shutil import get_terminal_size

    return min(max(get_terminal_size((100, 24)).columns, 40), MOST)


def table(rows: Sequence[Sequence[str]], width: int, *, fixed: Sequence[int] = ()) -> list[str]:
    """Rows under each other, at most `width` characters wide; long cells go on below.

    The columns `fixed` keep their width; the others share what is left.
    """
    natural = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    widths = _shared(natural, width - GAP * (len(natural) - 1), fixed)
    lines = []
    for row in rows:
        cells = [_wrapped(cell, limit) for cell, limit in zip(row, widths, strict=True)]
        for at in range(max(len(cell) for cell in cells)):
            parts = [cell[at] if at < len(cell) else "" for cell in cells]
            lines.append((" " * GAP).join(part.ljust(w) for part, w in zip(parts, widths, strict=True)).rstrip())
    return lines


def _shared(natural: Sequence[int], room: int, fixed: Sequence[int]) -> list[int]:
    """The widths of columns: their own where all fit, else the widest give way first."""
    widths = list(natural)
    give = [at for at in range(len(widths)) if at not in fixed]
    while sum(widths) > room:
        widest = max(give, key=lambda at: widths[at])
        if widths[widest] <= LEAST:
            break
        widths[widest] -= 1
    return widths


def _wrapped(text: str, limit: int) -> list[str]:
    """Words in lines of at most `limit` characters; longer words are cut."""
    lines, current = [], ""
    for word in text.split():
        rest = word
        if current and len(current) + 1 + len(rest) > limit:
            lines.append(current)
            current = ""
        while len(rest) > max(limit, 1):
            lines.append(rest[:limit])
            rest = rest[limit:]
        current = f"{current} {rest}".strip()
    return [*lines, current]
