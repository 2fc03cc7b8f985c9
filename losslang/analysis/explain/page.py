"""An explanation as a page of Markdown, with its formulas in LaTeX, and the index of all pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from losslang.analysis.explain.explanation import Explanation, ParameterRow, Primitive
from losslang.analysis.explain.formulas.statements import Statement
from losslang.analysis.explain.legend import legend_lines
from losslang.analysis.explain.notation.formula import Symbol
from losslang.analysis.explain.notation.latex import latex, latex_block
from losslang.analysis.explain.stability import Stability, force_rows
from losslang.analysis.explain.words import crossing_words, forward_words, primitive_words, view_words

__all__ = ["index_page", "method_page"]

_NOTE = "<!-- Written by `losslang explain --pages docs/methods` from the method and the library; edit those. -->"


def method_page(explanation: Explanation, *, stability: Stability | None = None) -> str:
    """The reference page of one method."""
    sections = [
        "\n\n".join(_head(explanation)),
        _section("Objective", _objective(explanation)),
        _section("Functions", _functions(explanation.primitives)),
        _section("Notation", [f"- {line}" for line in legend_lines(explanation)], "\n"),
        _section("Stability", [*(stability.verdict if stability else ()), *_roles(explanation), *_reasons(stability)]),
        _section("Networks", _networks(explanation), "\n"),
        _section("Parameters", _parameters(explanation.parameters), "\n"),
        _section("Views", [f"{view_words(explanation.spec)}. {' '.join(forward_words(explanation)).capitalize()}."]),
        _section("State", _states(explanation), "\n"),
        _section("Between processes", _crossings(explanation), "\n"),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def index_page(explanations: Mapping[str, Explanation]) -> str:
    """The table of all methods, by name."""
    rows = [
        (f"[{name}]({name}.md)", e.spec.title, _paper(e.spec.paper), ", ".join(e.roles))
        for name, e in explanations.items()
    ]
    head = "# Methods\n\nOne page for each method that ships: formula, roles, source, parameters, networks, state."
    table = "\n".join(_table(("method", "title", "paper", "roles of its functions"), rows))
    return f"{_NOTE}\n\n{head}\n\n{table}\n"


def _section(title: str, lines: Iterable[str], between: str = "\n\n") -> str:
    body = between.join(lines)
    return f"## {title}\n\n{body}" if body else ""


def _head(explanation: Explanation) -> Iterator[str]:
    spec = explanation.spec
    yield _NOTE
    yield f"# {spec.method_name}"
    facts = [spec.title, _paper(spec.paper), _extends(spec.bases)]
    yield ". ".join(filter(None, facts)) + "."
    if spec.notes:
        yield " ".join(spec.notes.split())


def _paper(paper: str) -> str:
    number = paper.removeprefix("arXiv:")
    return f"[{paper}](https://arxiv.org/abs/{number})" if number != paper else paper


def _extends(bases: tuple[str, ...]) -> str:
    return f"Extends {', '.join(f'[{base}]({base}.md)' for base in bases)}" if bases else ""


# ---------------------------------------------------------------- formulas


def _block(statements: Iterable[Statement]) -> str:
    return f"$$\n{latex_block([statement.equation for statement in statements])}\n$$"


def _objective(explanation: Explanation) -> Iterator[str]:
    many = len(explanation.terms) > 1
    yield "Minimised is the sum of" if many else "Minimised is"
    yield _block(explanation.terms)
    if explanation.definitions:
        yield "where"
        yield _block(explanation.definitions)


def _functions(primitives: Sequence[Primitive]) -> Iterator[str]:
    for primitive in primitives:
        yield f"`{primitive.statement.name}`"
        yield _block((primitive.statement, *primitive.bindings))
        *said, facts = primitive_words(primitive)
        yield " ".join([*said, f"({facts})"])


def _roles(explanation: Explanation) -> list[str]:
    return [f"Roles of its functions: {', '.join(explanation.roles)}."] if explanation.roles else []


# ---------------------------------------------------------------- tables


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    rows = list(rows)
    if rows:
        yield f"| {' | '.join(head)} |"
        yield f"|{' --- |' * len(head)}"
        yield from (f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows)


def _reasons(stability: Stability | None) -> Iterator[str]:
    """The mechanisms, and the forces of the terms."""
    if stability is None:
        return
    if stability.mechanisms:
        yield "\n".join(f"- **{row.name}**: {row.words}" for row in stability.mechanisms)
    yield f"Forces {stability.cloud}:"
    head, *rows = force_rows(stability)
    yield "\n".join(_table(head, rows))


def _networks(explanation: Explanation) -> Iterator[str]:
    rows = [(row.name, f"`{row.written}`", row.layers, row.training) for row in explanation.networks]
    return _table(("network", "written", "layers", "weights"), rows)


def _parameters(rows: Sequence[ParameterRow]) -> Iterator[str]:
    cells = [
        (row.name, f"${latex(Symbol(row.symbol))}$" if row.symbol else "", row.value, f"`{row.place}`") for row in rows
    ]
    return _table(("parameter", "letter", "value", "set in"), cells)


def _states(explanation: Explanation) -> Iterator[str]:
    rows = [(row.name, row.kind, row.shape, row.start, row.read, row.update) for row in explanation.states]
    return _table(("name", "kind", "shape", "starts", "read", "updated"), rows)


def _crossings(explanation: Explanation) -> Iterator[str]:
    for crossing in explanation.crossings:
        yield f"- {crossing_words(crossing, quote='`')}"
