"""Diagnostics as people read them (text) and as editors do (JSON)."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any, TextIO

from losslang.diagnostics.layout import printable
from losslang.diagnostics.paint import PLAIN, Paint
from losslang.diagnostics.report import Diagnostic
from losslang.diagnostics.snippet import Mark, snippets
from losslang.diagnostics.source import NOWHERE, Source, Span

__all__ = ["render_json", "render_text", "wants_color"]

SHOWN = 100  # diagnostics in one text; the count below them is complete


def wants_color(stream: TextIO) -> bool:
    """Whether to colour what is written to `stream`: a terminal, and the user has not set NO_COLOR."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def render_text(diagnostics: Sequence[Diagnostic], *, color: bool = False) -> str:
    """Every diagnostic with its line of source and carets, and a last line that counts them; "" for none."""
    if not diagnostics:
        return ""
    paint = Paint() if color else PLAIN
    blocks = [_block(diagnostic, paint) for diagnostic in diagnostics[:SHOWN]]
    return "\n\n".join([*blocks, _count(diagnostics)]) + "\n"


def render_json(diagnostics: Sequence[Diagnostic]) -> str:
    """One JSON object: `diagnostics` (a list, in the order given), `errors` and `warnings` (their numbers).

    Lines and columns count characters from 1; `end_line` and `end_column` are just behind the last character.
    Where a message has no place, `file` and the four numbers are null.
    """
    errors = sum(diagnostic.is_error for diagnostic in diagnostics)
    document = {
        "diagnostics": [_fields(diagnostic) for diagnostic in diagnostics],
        "errors": errors,
        "warnings": len(diagnostics) - errors,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


# ---------------------------------------------------------------- text


def _block(diagnostic: Diagnostic, paint: Paint) -> str:
    span = diagnostic.span
    lines = [_headline(diagnostic, paint)]
    lines += snippets(span.source, _marks_in(span.source, diagnostic), paint)
    for source in _other_sources(diagnostic):
        marks = _marks_in(source, diagnostic)
        lines.append(f"   in {paint.place(_place(marks[0].span))}")
        lines += snippets(source, marks, paint)
    lines += [f"   note: {printable(label.text)}" for label in diagnostic.labels if label.span.source is NOWHERE.source]
    lines += _help(diagnostic.help, paint)
    return "\n".join(lines)


def _headline(diagnostic: Diagnostic, paint: Paint) -> str:
    severity = f"{_severity(diagnostic)}[{diagnostic.code}]"
    kind = paint.error(severity) if diagnostic.is_error else paint.warning(severity)
    place = "" if diagnostic.span.source is NOWHERE.source else f"{paint.place(_place(diagnostic.span))}: "
    return f"{place}{kind}: {paint.message(printable(diagnostic.message))}"


def _marks_in(source: Source, diagnostic: Diagnostic) -> list[Mark]:
    """The places of a diagnostic in one source, its own first.

    A place without words of its own steps back where labels on its first line say more precisely what it means.
    """
    own = Mark(diagnostic.span, diagnostic.label, main=True)
    labels = [Mark(label.span, label.text) for label in diagnostic.labels if label.span.source is source]
    if source is not diagnostic.span.source:
        return labels
    if not own.text and any(own.span.line == mark.span.line and own.encloses(mark) for mark in labels):
        return labels
    return [own, *labels]


def _other_sources(diagnostic: Diagnostic) -> list[Source]:
    sources = dict.fromkeys(label.span.source for label in diagnostic.labels)
    return [source for source in sources if source not in {diagnostic.span.source, NOWHERE.source}]


def _help(text: str, paint: Paint) -> list[str]:
    if not text:
        return []
    first, *more = text.splitlines()
    return [f"   {paint.help('help')}: {printable(first)}", *(f"         {printable(line)}".rstrip() for line in more)]


def _count(diagnostics: Sequence[Diagnostic]) -> str:
    errors = sum(diagnostic.is_error for diagnostic in diagnostics)
    numbers = [_number(errors, "error"), _number(len(diagnostics) - errors, "warning")]
    hidden = len(diagnostics) - SHOWN
    more = f" (the first {SHOWN} are shown)" if hidden > 0 else ""
    first = next((diagnostic for diagnostic in diagnostics if diagnostic.is_error), diagnostics[0])
    return f"{', '.join(filter(None, numbers))}{more}; `losslang explain {first.code}` says more"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}" if count else ""


def _severity(diagnostic: Diagnostic) -> str:
    return "error" if diagnostic.is_error else "warning"


def _place(span: Span) -> str:
    line, column = span.source.position(span.start)
    return f"{printable(span.source.name)}:{line}:{column}"


# ---------------------------------------------------------------- JSON


def _fields(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "severity": _severity(diagnostic),
        "message": diagnostic.message,
        **_range(diagnostic.span),
        "label": diagnostic.label,
        "labels": [{**_range(label.span), "text": label.text} for label in diagnostic.labels],
        "help": diagnostic.help,
    }


def _range(span: Span) -> dict[str, Any]:
    names = ("line", "column", "end_line", "end_column")
    if span.source is NOWHERE.source:
        return {"file": None, **dict.fromkeys(names)}
    numbers = (*span.source.position(span.start), *span.source.position(span.end))
    return {"file": span.source.name, **dict(zip(names, numbers, strict=True))}
