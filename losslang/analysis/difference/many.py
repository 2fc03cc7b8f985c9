"""Many methods beside each other: roles, mechanisms, terms and networks as rows, one column for each method."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from losslang.analysis.difference.compare import difference, tidy, used_parameters
from losslang.analysis.difference.networks import describe
from losslang.analysis.difference.pairing import Side
from losslang.analysis.difference.side_by_side import Comparison
from losslang.analysis.structure.mechanisms import find_mechanisms
from losslang.analysis.table import table, terminal_width
from losslang.objective.spec import Spec

__all__ = ["Many", "ManyRow", "compare_many"]

NARROW = 18
"""Characters of a column below which every row is written as a list."""


@dataclass(frozen=True)
class ManyRow:
    """One line: its section, its role, and a text for every method (empty where one lacks it)."""

    section: str
    role: str
    texts: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether all methods have the same text."""
        return len(set(self.texts)) == 1


@dataclass(frozen=True)
class Many:
    """Several methods. True where their mathematics are not all the same.

    `classes` has a letter for every method, the same for those of the same mathematics.
    """

    methods: tuple[str, ...]
    classes: tuple[str, ...]
    rows: tuple[ManyRow, ...]

    def __bool__(self) -> bool:
        return len(set(self.classes)) > 1

    def __str__(self) -> str:
        return self.text()

    def text(self, *, full: bool = False, width: int | None = None) -> str:
        """A table where every column has room, else a list of methods for every row; `full` shows what is equal too."""
        width = terminal_width() if width is None else width
        rows = [row for row in self.rows if full or not row.equal]
        head = max(len(row.role) for row in rows) if rows else 0
        wide = (width - head) // len(self.methods) >= NARROW
        lines = self._table(rows, width) if wide else self._lists(rows, width)
        hidden = len(self.rows) - len(rows)
        if hidden:
            lines.append(f"= {hidden} more {'row' if hidden == 1 else 'rows'} equal (--full)")
        return "\n".join([*lines, "", *table([(self.sentence,)], width)])

    @property
    def sentence(self) -> str:
        """Which methods are the same."""
        if not self:
            return "All are the same mathematics."
        groups = [
            [method for method, letter in zip(self.methods, self.classes, strict=True) if letter == kind]
            for kind in dict.fromkeys(self.classes)
        ]
        same = [" = ".join(group) for group in groups if len(group) > 1]
        count = len(groups)
        return f"{count} different mathematics" + (f"; the same: {', '.join(same)}." if same else ".")

    def _table(self, rows: Sequence[ManyRow], width: int) -> list[str]:
        cells = [("", *self.methods), ("mathematics", *self.classes)]
        cells += [(row.role, *(text or "-" for text in row.texts)) for row in rows]
        return table(cells, width, fixed=(0,))

    def _lists(self, rows: Sequence[ManyRow], width: int) -> list[str]:
        lines = []
        for row in (ManyRow("", "mathematics", self.classes), *rows):
            pairs = [(method, text or "-") for method, text in zip(self.methods, row.texts, strict=True)]
            lines += [row.role, *(f"  {line}" for line in table(pairs, width - 2, fixed=(0,)))]
        return lines

    def json(self) -> str:
        """The same as JSON."""
        rows = [{**asdict(row), "equal": row.equal} for row in self.rows]
        fields = {"methods": self.methods, "classes": self.classes, "sentence": self.sentence, "rows": rows}
        return json.dumps(fields, indent=2, ensure_ascii=False)

    def _repr_html_(self) -> str:
        from html import escape

        def line(cells: Sequence[str], tag: str = "td") -> str:
            return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        shown = [row for row in self.rows if not row.equal]
        body = "".join(line((row.role, *(text or "-" for text in row.texts))) for row in shown)
        head = line(("", *self.methods), "th") + line(("mathematics", *self.classes))
        return f"<table>{head}{body}</table><p>{escape(self.sentence)}</p>"


# ---------------------------------------------------------------- comparing


def compare_many(methods: Sequence[tuple[Spec, Spec]]) -> Many:
    """Several methods, each with the same method in small sizes."""
    sides = [Side(spec, small) for spec, small in methods]
    rows = [*_mechanisms(sides), *_terms(sides), *_constants(sides), *_networks(sides), *_views(sides)]
    return Many(tuple(side.spec.method_name for side in sides), _classes(sides), tuple(rows))


def _classes(sides: Sequence[Side]) -> tuple[str, ...]:
    """A letter for every method: that of the first method of the same mathematics."""
    letters: list[str] = []
    first: list[Side] = []
    for side in sides:
        known = next((at for at, other in enumerate(first) if not difference(Comparison(other, side))), None)
        if known is None:
            known = len(first)
            first.append(side)
        letters.append(_letter(known))
    return tuple(letters)


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else f"A{number}"


def _mechanisms(sides: Sequence[Side]) -> Iterator[ManyRow]:
    found = [{f.mechanism.name: f.detail for f in find_mechanisms(side.spec)} for side in sides]
    for name in dict.fromkeys(name for side in found for name in side):
        yield ManyRow("mechanism", name, tuple(side.get(name, "") for side in found))


def _terms(sides: Sequence[Side]) -> Iterator[ManyRow]:
    """Terms by name; one of another name stands in the row of a term that it is proportional to."""
    rows: dict[str, dict[int, str]] = {}
    for at, side in enumerate(sides):
        taken = _places(sides[0], side) if at else {}
        for term in side.spec.graph.terms:
            row = rows.setdefault(taken.get(term.name, term.name), {})
            row[at] = tidy(term.span.text)
    for name, row in rows.items():
        yield ManyRow("term", f"term {name}", tuple(row.get(at, "") for at in range(len(sides))))


def _places(first: Side, side: Side) -> dict[str, str]:
    """The terms of a method by the terms of the first that they stand for."""
    matched = Comparison(first, side).matched
    return {two: match.left[0] for match in matched if match.left for two in match.right[:1]}


def _constants(sides: Sequence[Side]) -> Iterator[ManyRow]:
    found = [used_parameters(side.spec) for side in sides]
    for name in dict.fromkeys(name for side in found for name in side):
        yield ManyRow("constant", f"parameter {name}", tuple(side.get(name, "") for side in found))


def _networks(sides: Sequence[Side]) -> Iterator[ManyRow]:
    for name in dict.fromkeys(name for side in sides for name in side.spec.networks):
        networks = [side.spec.networks.get(name) for side in sides]
        yield ManyRow("network", f"network {name}", tuple(describe(n) if n is not None else "" for n in networks))


def _views(sides: Sequence[Side]) -> Iterator[ManyRow]:
    groups = [side.spec.view_groups for side in sides]
    texts = [", ".join(f"{name} x{len(g)}" if len(g) > 1 else name for name, g in row.items()) for row in groups]
    yield ManyRow("views", "views", tuple(texts))
