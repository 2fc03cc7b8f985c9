r"""Quoted texts: what `"a \"b\""` and three quotes around several lines hold, and how a text is quoted."""

from __future__ import annotations

import inspect
import re
from typing import Final

__all__ = ["plain_text", "quoted", "shortened", "wrong_escape"]

_ESCAPES: Final = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


def plain_text(literal: str) -> str:
    """The text that a quoted literal holds. Three quotes take every character as it is, less the common indentation."""
    if literal.startswith('"""'):
        return inspect.cleandoc(literal[3:-3]).strip()
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[0]), literal[1:-1])


def wrong_escape(literal: str) -> int | None:
    """Where the first unknown escape of a literal stands."""
    if literal.startswith('"""'):
        return None
    return next((match.start() for match in _ESCAPE.finditer(literal) if match[1] not in _ESCAPES), None)


def quoted(text: str) -> str:
    """A text in double quotes, on one line."""
    for character, letter in (("\\", "\\"), ('"', '"'), ("\n", "n"), ("\t", "t")):
        text = text.replace(character, "\\" + letter)
    return f'"{text}"'


def shortened(text: str) -> str:
    """What a message shows of a text: one line of at most 40 characters."""
    line = text.replace("\n", " ")
    return line if len(line) <= 40 else line[:39] + "…"
