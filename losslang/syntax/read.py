"""Files -> Source -> Method, whichever of the two spellings a file is in."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from losslang.diagnostics import Report, Source, Span
from losslang.syntax.first_errors import FirstErrors
from losslang.syntax.tree import Method

__all__ = ["MAX_CHARACTERS", "SUFFIXES", "read_method", "sound_text", "spelling_of"]

MAX_CHARACTERS: Final = 64 * 1024
"""The longest text that is read: fifty times a method file, and whatever it holds, read within half a second."""

SUFFIXES: Final = {".loss": "loss", ".yaml": "yaml", ".yml": "yaml"}

# What YAML, terminals and editors take in different ways: control characters, line ends other than \n, half characters.
_UNSOUND: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def spelling_of(source: Source) -> str | None:
    """Which spelling the name of a source announces: `loss`, `yaml`, or None."""
    return SUFFIXES.get(Path(source.name).suffix.lower())


def read_method(source: Source, report: Report) -> Method | None:
    """The method in a source; everything wrong with it is in the report.

    With errors, the method holds what could be read; None stands for a text that is no method at all.
    """
    spelling = spelling_of(source)
    if spelling is None:
        report.add(
            "E518",
            f"a method file ends in .yaml or .loss; `{Path(source.name).name}` does not",
            Span(source, 0, 0),
        )
        return None
    sound = sound_text(source, report)
    if sound is None or _is_other_spelling(sound, spelling, report):
        return None
    found = FirstErrors()
    try:
        return _reader(spelling)(sound, found)
    finally:
        found.pass_to(report)


_COMMENTS: Final = r"(?:[ \t]*(?:#[^\n]*)?\n)*"
_KEY: Final = re.compile(_COMMENTS + r"(?:losslang|method|title|paper|notes|extends|parameters|networks)[ \t]*:[ \t\n]")
_STATEMENT: Final = re.compile(
    _COMMENTS + r"(?:losslang|method|extends|parameter|network|minimize)(?:[ \t]+[\w\"][^:\n]*)?\n"
)


def _is_other_spelling(source: Source, spelling: str, report: Report) -> bool:
    """Whether a text is YAML under the name of the text form, or the other way round; it is reported."""
    begins, what, ending = {
        "loss": (_KEY, "the YAML spelling", ".yaml"),
        "yaml": (_STATEMENT, "the text spelling", ".loss"),
    }[spelling]
    found = begins.match(source.text)
    if found is None:
        return False
    seen = found.group().rstrip("\n")
    place = Span(source, seen.rfind("\n") + 1, len(seen))
    report.add("E518", f"this is {what} of a method", place, help=f"give the file the ending {ending}")
    return True


def _reader(spelling: str) -> Callable[[Source, Report], Method | None]:
    if spelling == "loss":
        from losslang.syntax.read_loss import read_loss

        return read_loss
    from losslang.syntax.read_yaml import read_yaml

    return read_yaml


def sound_text(source: Source, report: Report) -> Source | None:
    """The source with plain line ends and no byte order mark, or None if it is too long or holds what is no text."""
    text = source.text
    if len(text) > MAX_CHARACTERS:
        report.add(
            "E502",
            f"the file has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read",
            Span(source, 0, 0),
        )
        return None
    if "\r\n" in text or text.startswith("\ufeff"):
        source = Source(source.name, text.removeprefix("\ufeff").replace("\r\n", "\n"))
    found = _UNSOUND.search(source.text)
    if found is None:
        return source
    report.add(
        "E504",
        f"the character U+{ord(found.group()):04X} is no part of a text",
        Span(source, found.start(), found.end()),
        help="remove it; lines end with a plain line break",
    )
    return None
