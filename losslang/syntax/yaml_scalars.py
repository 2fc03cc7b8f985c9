"""The text inside a YAML scalar, each character with its place in the file."""

from __future__ import annotations

import re
from typing import Final

from losslang.syntax.fragment import Fragment
from losslang.syntax.yaml_text import Scalar

__all__ = ["contents"]

_ESCAPE: Final = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(\n[ \t]*)|(.))")
_NAMED: Final = {"n": "\n", "t": "\t", "N": "\n", "L": "\n", "P": "\n", "0": "\0", "_": " ", "r": "\n"}


def contents(scalar: Scalar) -> Fragment:
    """What a scalar holds: quotes and escapes undone, the indentation of a block taken away.

    Line breaks stay as they are written (YAML would fold some of them to spaces): an expression takes both alike.
    """
    source, start, end = scalar.span.source, scalar.span.start, scalar.span.end
    match scalar.style:
        case "'":
            return _single(Fragment.cut(source, start + 1, end - 1))
        case '"':
            return _double(Fragment.cut(source, start + 1, end - 1))
        case "|":
            return _block(Fragment.cut(source, start, end))
        case _:
            return Fragment.cut(source, start, end)


def _single(inner: Fragment) -> Fragment:
    if "''" not in inner.text:
        return inner
    return _replaced(inner, [(match.start(), match.end(), "'") for match in re.finditer("''", inner.text)])


def _double(inner: Fragment) -> Fragment:
    if "\\" not in inner.text:
        return inner
    return _replaced(inner, [(match.start(), match.end(), _meant(match)) for match in _ESCAPE.finditer(inner.text)])


def _meant(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code:
        return chr(int(code, 16)) if int(code, 16) < 0x110000 else "?"
    return "" if match[4] is not None else _NAMED.get(match[5], match[5])


def _replaced(inner: Fragment, changes: list[tuple[int, int, str]]) -> Fragment:
    """The text with each part `start` to `end` replaced by a text of at most one character."""
    pieces: list[str] = []
    offsets: list[int] = []
    at = 0
    for start, end, text in [*changes, (len(inner.text), len(inner.text), "")]:
        pieces += [inner.text[at:start], text]
        offsets += range(inner.start + at, inner.start + start)
        offsets += [inner.start + start] * len(text)
        at = end
    return Fragment(inner.source, "".join(pieces), offsets[0] if offsets else inner.start, [*offsets, inner.start + at])


def _block(whole: Fragment) -> Fragment:
    """The lines below `|`, without the indentation of the first."""
    header, _, body = whole.text.partition("\n")
    at = whole.start + len(header) + 1
    lines = body.split("\n")
    indent = next((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), 0)
    pieces: list[str] = []
    offsets: list[int] = []
    for line in lines:
        cut = min(indent, len(line) - len(line.lstrip(" ")))
        pieces.append(line[cut:])
        offsets += range(at + cut, at + len(line) + 1)
        at += len(line) + 1
    return Fragment(whole.source, "\n".join(pieces), offsets[0], offsets)
