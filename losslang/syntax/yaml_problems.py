"""What PyYAML complains about, in words that help."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from losslang.diagnostics import Report, Source, Span

__all__ = ["Flow", "report_cut", "report_problem"]

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
    (
        ("scanning a block scalar",),
        "YAML takes `|` at the start of a value for a block of indented lines below",
        "an absolute value is abs(x), a norm norm(x); a block stands on lines of its own, indented with spaces",
    ),
    (
        ("block sequence entries",),
        "YAML takes `-` with a blank behind it for the item of a list",
        "a minus stands right before its number",
    ),
    (
        ("cannot start any token",),
        "no YAML value can begin with this character",
        "put the value in quotes",
    ),
    (
        ("expected key", "expected <block end>", "block mapping", "block collection"),
        "this line fits no level of indentation above it, or has no `key:`",
        "align it with its neighbours",
    ),
    (("document start",), "something stands after the end of the document", "keep everything in one document"),
)


@dataclass(frozen=True)
class Flow:
    """Where reading ended between brackets: the outermost one, and the value that was cut apart, with its key."""

    start: int
    cut: Span | None = None
    key: Span | None = None


def report_problem(problem: Exception, source: Source, flow: Flow | None, report: Report) -> None:
    """Adds the diagnostic for an error that PyYAML raised."""
    place, opened = _place(problem, source)
    words = f"{getattr(problem, 'context', None) or ''} {getattr(problem, 'problem', '') or problem}"
    if flow is not None and "quoted scalar" not in words and "'\\t'" not in words:
        _report_flow(flow, source, place, report)
        return
    if _report_line(source, place, report):
        return
    if any(key in words for key in _NO_COLON):
        _report_no_colon(source, opened, place, report)
        return
    above = _line_above(source, place) if "mapping values are not allowed" in words else None
    if above is not None:
        _report_no_colon(source, above, place, report)
        return
    message, remedy = _explained("tab character" if place.text == "\t" else words)
    report.add("E505", message, opened if "quoted scalar" in words else place, help=remedy)


_NO_COLON: Final = ("could not find expected ':'",)


def _report_no_colon(source: Source, opened: Span, place: Span, report: Report) -> None:
    """A key that is never followed by a colon: PyYAML notices in a later line, and remembers where the key began."""
    end = source.text.find("\n", opened.start)
    line = source.text[opened.start : end if end >= 0 else len(source.text)].rstrip()
    span = Span(source, opened.start, opened.start + len(line)) if line and ":" not in line else place
    report.add("E505", "a line without `key:` stands here", span, help="write `name: value`; check the indentation")


_LINE: Final = re.compile(r"^([ ]*)(\S.*)$", re.MULTILINE)


def _line_above(source: Source, place: Span) -> Span | None:
    """Where the line above begins, if it has no colon and is of the same section: YAML reads both as one value."""
    lines = [line for line in _LINE.finditer(source.text, 0, place.end) if not line[2].startswith("#")]
    if len(lines) < 2:
        return None
    *before, above, own = lines
    if ":" in above[2] or above[1] != own[1]:
        return None
    section = next((line[2] for line in reversed(before) if len(line[1]) < len(own[1])), ":")
    return _one(source, above.start(2)) if section.rstrip().endswith(":") else None


def report_cut(value: Span, key: str, report: Report) -> None:
    """An expression between `{ }` that YAML cut apart."""
    inner = " ".join(value.text.split())
    example = f"{key}: '{inner}'" if len(inner) < 60 and "'" not in inner else "name: '…'"
    report.add(
        "E513",
        "YAML cuts this expression apart, as it stands between `{ }` without quotes",
        value,
        help=f"quote it, {{{example}}}, or put it on a line of its own",
    )


def _report_flow(flow: Flow, source: Source, place: Span, report: Report) -> None:
    opening = Span(source, flow.start, flow.start + 1)
    if flow_end(source.text, flow.start) is None:
        closing = "}" if opening.text == "{" else "]"
        swallowed = any(closing in comment[1] for comment in _COMMENT.finditer(source.text, flow.start))
        remedy = f"a comment holds the `{closing}`" if swallowed else f"add `{closing}`"
        report.add("E505", f"this `{opening.text}` is never closed", opening, help=remedy)
    elif flow.cut is not None and flow.key is not None:
        end = flow_end(source.text, flow.cut.start, opened=1) or flow.cut.end
        report_cut(Span(source, flow.cut.start, end), flow.key.text, report)
    else:
        report.add(
            "E513",
            "YAML cannot read what stands between `{ }` or `[ ]` here",
            place,
            help="between them an expression needs quotes: {y: 'z[a]'}; or put it on a line of its own, without quotes",
        )


_COMMENT: Final = re.compile(r"(?<=\s)#([^\n]*)")
_FLOW: Final = re.compile(r"""(?<![\w)\]])'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|(?<=\s)\#[^\n]*|[\[({})\],]""", re.DOTALL)


def flow_end(text: str, start: int, opened: int = 0) -> int | None:
    """Behind the bracket that closes the one at `start`; with `opened`, before the comma or bracket that ends a value."""
    depth = 0
    for match in _FLOW.finditer(text, start):
        sign = match.group()
        if opened and depth == 0 and sign in {",", "}", "]"}:
            return match.start()
        depth += (sign in _OPENS) - (sign in _CLOSES)
        if not opened and depth <= 0 and sign in _CLOSES:
            return match.end()
    return None


_OPENS: Final = frozenset("([{")
_CLOSES: Final = frozenset(")]}")
_LONG_KEY: Final = re.compile(r"[ \t]*(\w{101,})[ \t]*:")


def _report_line(source: Source, place: Span, report: Report) -> bool:
    """What the line itself tells better than PyYAML's words."""
    text = source.text
    begin = text.rfind("\n", 0, place.start) + 1
    key = _LONG_KEY.match(text, begin)
    if key is not None:
        span = Span(source, key.start(1), key.end(1))
        report.add("E505", f"a key has at most 100 characters; this has {key.end(1) - key.start(1):,}", span)
        return True
    before = text[begin : place.start].rstrip()
    quote = before[-1:]
    if quote in {"'", '"'} and quote and before.count(quote) > 1 and place.text not in {"", "#"}:
        inside = "''" if quote == "'" else '\\"'
        message = "this text goes on behind its closing quote"
        report.add("E505", message, place, help=f"write `{inside}` for a quote inside the text")
        return True
    return False


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
