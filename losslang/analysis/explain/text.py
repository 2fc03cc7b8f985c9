"""An explanation as plain text for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence

from losslang.analysis.explain.explanation import Explanation, Primitive
from losslang.analysis.explain.formulas.statements import Statement
from losslang.analysis.explain.legend import legend_lines
from losslang.analysis.explain.notation.formula import Symbol
from losslang.analysis.explain.notation.glyphs import RELATIONS
from losslang.analysis.explain.notation.latex import latex_block
from losslang.analysis.explain.notation.lines import columns
from losslang.analysis.explain.notation.unicode import unicode, unicode_lines
from losslang.analysis.explain.stability import Stability, force_rows
from losslang.analysis.explain.words import crossing_words, forward_words, primitive_words, view_words

__all__ = ["explanation_text"]

_WIDTH = 100


def explanation_text(explanation: Explanation, *, stability: Stability | None = None, tex: bool = False) -> str:
    """The whole explanation; formulas in LaTeX with `tex`, otherwise in Unicode."""
    write = _latex_lines if tex else _unicode_lines
    sections = [
        "\n".join(_head(explanation)),
        _section("minimise", _equations(explanation.terms, write, plus=True)),
        _section("where", _equations(explanation.definitions, write)),
        _section("with", _functions(explanation.primitives, write)),
        _section("notation", _wrapped(legend_lines(explanation))),
        _section("stability", [*(stability.verdict if stability else ()), *_roles(explanation)]),
        _section("mechanisms", _mechanisms(stability)),
        _section("forces", _forces(stability)),
        _section("networks", _networks(explanation)),
        _section("parameters", _parameters(explanation)),
        _section("views", [view_words(explanation.spec), *forward_words(explanation)]),
        _section("state", _states(explanation)),
        _section("between processes", _wrapped(map(crossing_words, explanation.crossings))),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _section(title: str, lines: Iterable[str]) -> str:
    lines = list(lines)
    return "\n".join([title, *(f"  {line}".rstrip() for line in lines)]) if lines else ""


def _wrapped(lines: Iterable[str], indent: str = "") -> Iterator[str]:
    for line in lines:
        yield from textwrap.wrap(line, _WIDTH - 4, subsequent_indent=indent + "  ", initial_indent=indent)


def _head(explanation: Explanation) -> Iterator[str]:
    spec = explanation.spec
    yield f"{spec.method_name}: {spec.title}" if spec.title else spec.method_name
    facts = [spec.paper, f"extends {', '.join(spec.bases)}" if spec.bases else ""]
    if any(facts):
        yield ", ".join(filter(None, facts))
    if spec.notes:
        yield ""
        yield from textwrap.wrap(" ".join(spec.notes.split()), _WIDTH)


# ---------------------------------------------------------------- formulas


Lines = Callable[[Statement, int], list[str]]


def _unicode_lines(statement: Statement, width: int) -> list[str]:
    left = unicode(statement.left)
    pad = " " * (width - columns(left))
    head = f"{left}{pad} {RELATIONS[statement.sign][0]} "
    first, *rest = unicode_lines(statement.right, _WIDTH - width - 6)
    return [head + first, *(" " * (width + 3) + line for line in rest)]


def _latex_lines(statement: Statement, _width: int) -> list[str]:
    return latex_block([statement.equation]).split("\n")


def _equations(statements: Sequence[Statement], write: Lines, *, plus: bool = False) -> Iterator[str]:
    width = max((columns(unicode(statement.left)) for statement in statements), default=0)
    if plus and len(statements) > 1:
        yield "the sum of"
    for statement in statements:
        yield from write(statement, width)


def _functions(primitives: Sequence[Primitive], write: Lines) -> Iterator[str]:
    for number, primitive in enumerate(primitives):
        if number:
            yield ""
        for statement in (primitive.statement, *primitive.bindings):
            yield from write(statement, columns(unicode(statement.left)))
        yield from _wrapped(primitive_words(primitive), "    ")


def _roles(explanation: Explanation) -> list[str]:
    return [f"roles: {', '.join(explanation.roles)}"] if explanation.roles else []


# ---------------------------------------------------------------- tables


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their longest entry; the last is wrapped."""
    widths = [max(columns(row[at]) for row in rows) for at in range(len(rows[0]) - 1)] if rows else []
    for row in rows:
        head = "".join(cell + " " * (width - columns(cell) + 2) for cell, width in zip(row, widths, strict=False))
        first, *rest = textwrap.wrap(row[-1], max(_WIDTH - len(head), 30), break_on_hyphens=False) or [""]
        yield head + first
        yield from (" " * columns(head) + line for line in rest)


def _mechanisms(stability: Stability | None) -> Iterator[str]:
    return _table([(row.name, row.words) for row in stability.mechanisms] if stability else [])


def _forces(stability: Stability | None) -> Iterator[str]:
    if stability is not None:
        yield stability.cloud
        yield from _table([*force_rows(stability)])


def _networks(explanation: Explanation) -> Iterator[str]:
    return _table([(row.name, f"{row.layers}; {row.training}") for row in explanation.networks])


def _parameters(explanation: Explanation) -> Iterator[str]:
    rows = [
        (row.name, unicode(Symbol(row.symbol)) if row.symbol else "", row.value, row.place)
        for row in explanation.parameters
    ]
    return _table(rows)


def _states(explanation: Explanation) -> Iterator[str]:
    for row in explanation.states:
        yield f"{row.name}: {row.kind} {row.shape}, starts {row.start}"
        yield f"    read {row.read}"
        yield f"    updated {row.update}"
