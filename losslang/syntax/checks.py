"""What both readers check of a method: its names, views, ways of running a network, and that nothing is missing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from losslang.diagnostics import Label, Report, Span
from losslang.syntax.names import STATEMENT_WORDS, is_file_name, is_name, nearest
from losslang.syntax.texts import shortened
from losslang.syntax.tokens import RESERVED

__all__ = [
    "FORWARD_MODES",
    "HEADERS",
    "MAX_VIEWS",
    "NAMING",
    "SECTIONS",
    "check_file_name",
    "check_forward_mode",
    "check_name",
    "check_once",
    "view_count",
]

MAX_VIEWS: Final = 1000
HEADERS: Final = ("losslang", "method", "title", "paper", "notes", "extends", "views", "forward")
"""What may own comments without being an entry, in canonical order."""

NAMING: Final = ("parameters", "views", "networks", "functions", "define")
"""The sections whose entries have names that expressions may use (terms are in a namespace of their own)."""

SECTIONS: Final = frozenset({*NAMING, "objective"})

FORWARD_MODES: Final = ("separate", "joint")
MAX_NAME: Final = 100
_COUNT: Final = re.compile(r"[1-9][0-9]{0,8}")


def check_name(name: str, kind: str, span: Span, report: Report) -> bool:
    """Whether an entry may be called so. Terms have a namespace of their own; nothing else may be a statement word."""
    if name in STATEMENT_WORDS and kind != "term":
        message = f"`{name}` begins a statement of the text form and cannot name a {kind}"
        report.add("E135", message, span, help=f"write `{name}_` or a longer name")
        return False
    if len(name) > MAX_NAME:
        report.add("E135", f"a name has at most {MAX_NAME} characters; this has {len(name):,}", span)
        return False
    if is_name(name):
        return True
    if name in RESERVED or name == "null":
        message = f"`{name}` is a word of the expression language and cannot name a {kind}"
        report.add("E135", message, span, help=f"write `{name}_` or a longer name")
        return False
    remedy = "a name has letters from a to z, digits and `_`, and begins with a letter"
    joined = re.sub(r"[-. ]", "_", name)
    remedy = f"write `{joined}`" if joined != name and is_name(joined) else remedy
    report.add("E135", f"`{shortened(name)}` is not a name", span, help=remedy)
    return False


def check_file_name(name: str, span: Span, report: Report) -> bool:
    """Whether a method may be called so, or be named by `extends`."""
    if is_file_name(name):
        return True
    report.add(
        "E135",
        f"`{shortened(name)}` is not the name of a method",
        span,
        help="letters, digits, `_`, `-` and `.`; it is a name, not a path",
    )
    return False


def check_once(named: Iterable[tuple[str, Span]], report: Report) -> set[int]:
    """Reports names given twice; gives the positions of the later ones."""
    first: dict[str, Span] = {}
    again: set[int] = set()
    for at, (name, span) in enumerate(named):
        if name in first:
            report.add("E134", f"`{name}` is given twice", span, labels=[Label(first[name], "given here first")])
            again.add(at)
        else:
            first[name] = span
    return again


def check_forward_mode(mode: str, span: Span, report: Report) -> bool:
    """Whether `forward` may be that."""
    if mode in FORWARD_MODES:
        return True
    near = nearest(mode, FORWARD_MODES)
    report.add(
        "E145",
        f"`forward` is `separate` or `joint`, not `{shortened(mode)}`",
        span,
        help=f"did you mean `{near}`?" if near else "separate: each view is a batch of its own; joint: all are one",
    )
    return False


def view_count(text: str, span: Span, report: Report) -> int | None:
    """The number of views in a group."""
    if _COUNT.fullmatch(text) and int(text) <= MAX_VIEWS:
        return int(text)
    report.add(
        "E144", f"a group has between 1 and {MAX_VIEWS} views, as a whole number; here stands `{shortened(text)}`", span
    )
    return None
