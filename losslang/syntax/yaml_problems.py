"""What PyYAML complains about, in words that help."""

from __future__ import annotations

from typing import Any, Final

from losslang.diagnostics import Report, Source, Span

__all__ = ["report_problem"]

# Words of the problem or of its context -> what is wrong, and the remedy; the first that fits is taken. The C
# parser and the pure one use different words for the same thing.
_KNOWN: Final = (
    (("'\\t'", "contain tabs", "tab character"), "a tab stands where YAML wants spaces", "indent with spaces"),
    (
        ("mapping values are not allowed",),
        "YAML takes this `:` for a second key on one line",
        "a value that holds `: ` needs quotes; check the indentation of the line otherwise",
    ),
    (
        ("scanning a quoted scalar",),
        "this quoted text is not closed, or holds a wrong escape",
        "close the quote; between single quotes no escapes are needed",
    ),
    (
        ("scanning an alias", "scanning an anchor"),
        "YAML takes `*` or `&` at the start of a value for an alias or anchor",
        "put the value in quotes",
    ),
    (
        ("scanning a tag", "parsing a tag"),
        "YAML takes `!` at the start of a value for a tag",
        "put the value in quotes",
    ),
    (("directive",), "a line that begins with `%` is a directive for YAML", "leave the line out"),
    (("scanning a block scalar",), "this `|` block is not indented as YAML wants", "indent its lines with spaces"),
    (
        ("cannot start any token",),
        "no YAML value can begin with this character",
        "put the value in quotes",
    ),
    (
        ("could not find expected ':'",),
        "a line without `key:` stands here",
        "write `name: value`; check the indentation",
    ),
    (
        ("expected key", "expected <block end>", "block mapping", "block collection"),
        "this line fits no level of indentation above it, or has no `key:`",
        "align it with its neighbours",
    ),
    (("document start",), "something stands after the end of the document", "keep everything in one document"),
)


def report_problem(problem: Exception, source: Source, *, in_flow: bool, report: Report) -> None:
    """Adds the diagnostic for an error that PyYAML raised."""
    place, opened = _place(problem, source)
    words = f"{getattr(problem, 'context', '')} {getattr(problem, 'problem', '') or problem}"
    if in_flow and "quoted scalar" not in words and "'\\t'" not in words:
        report.add(
            "E513",
            "YAML cannot read what stands between `{ }` or `[ ]` here",
            place,
            help="between them an expression needs quotes: {y: 'z[a]'}; or put it on a line of its own, without quotes",
        )
        return
    message, remedy = _explained("tab character" if place.text == "\t" else words)
    report.add("E505", message, opened if "quoted scalar" in words else place, help=remedy)


def _explained(words: str) -> tuple[str, str]:
    for keys, message, remedy in _KNOWN:
        if any(key in words for key in keys):
            return message, remedy
    return f"YAML cannot read this: {words.strip()}", ""


def _place(problem: Any, source: Source) -> tuple[Span, Span]:
    """Where the problem showed, and where the thing it is in began."""
    size = len(source.text)
    mark = getattr(problem, "problem_mark", None) or getattr(problem, "context_mark", None)
    at = mark.index if mark is not None else getattr(problem, "position", 0)
    context = getattr(problem, "context_mark", None)
    begun = context.index if context is not None else at
    return _one(source, min(at or 0, size)), _one(source, min(begun or 0, size))


def _one(source: Source, at: int) -> Span:
    """The character at a place, or the end of the last line that has any."""
    if at >= len(source.text):
        at = max(0, len(source.text.rstrip()))
        return Span(source, at, at)
    return Span(source, at, at + (source.text[at] != "\n"))
