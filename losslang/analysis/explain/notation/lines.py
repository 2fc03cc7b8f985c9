"""Long formulas on several lines: the writers mark where a sum may be broken, and how deep in brackets."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable, Iterator

__all__ = ["BREAK", "CLOSE", "OPEN", "broken", "columns", "plain"]

BREAK, OPEN, CLOSE = "\x1e", "\x02", "\x03"
"""Before a sign in a sum; after an opening and before a closing bracket."""

_MARKS = str.maketrans("", "", BREAK + OPEN + CLOSE)


def plain(text: str) -> str:
    """The text without marks, on one line."""
    return text.translate(_MARKS)


def columns(text: str) -> int:
    """Columns of a terminal that a text takes; combining accents take none."""
    return sum(not unicodedata.combining(character) for character in plain(text))


def broken(text: str, room: int, width: Callable[[str], int] = columns) -> list[tuple[int, str]]:
    """The text in lines, each with its depth; broken at the outermost sums first."""
    return list(_broken(text, room, width, 0))


def _broken(text: str, room: int, width: Callable[[str], int], depth: int) -> Iterator[tuple[int, str]]:
    if width(text) <= room:
        yield depth, plain(text)
        return
    pieces = _split(text)
    if len(pieces) == 1:
        yield depth, plain(text)
        return
    inner = depth + 1
    for number, piece in enumerate(pieces):
        yield from _broken(piece, room - 4 * (number > 0), width, depth if number == 0 else inner)


def _split(text: str) -> list[str]:
    """Pieces between the breaks that lie least deep."""
    depths = _depths(text)
    places = [at for at, character in enumerate(text) if character == BREAK]
    if not places:
        return [text]
    least = min(depths[at] for at in places)
    cuts = [0, *(at for at in places if depths[at] == least), len(text)]
    return [text[start:end].strip(BREAK + " ") for start, end in itertools.pairwise(cuts)]


def _depths(text: str) -> list[int]:
    depth = 0
    found = []
    for character in text:
        depth += (character == OPEN) - (character == CLOSE)
        found.append(depth)
    return found
