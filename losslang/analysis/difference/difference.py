"""The difference of two methods as a value that shows itself: rows by role, an answer, and what it means for stability."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from losslang.analysis.table import table, terminal_width

__all__ = ["KINDS", "Difference", "Row"]

KINDS = ("mathematics", "stability", "architecture", "detail", "name", "recipe")
"""What a row is about. A detail is shown beside the terms that it makes different; names change nothing."""

_DECIDE = {"mathematics", "stability", "architecture"}


@dataclass(frozen=True)
class Row:
    """One line: the role, both sides in words (empty where one lacks it), and what the difference is.

    `kind` is one of KINDS; `equal` rows are counted, not shown. `by` is how it was decided: `normal form`, `values and gradients`
    (of terms), or `structure`.
    """

    role: str
    left: str
    right: str
    note: str = ""
    kind: str = "mathematics"
    equal: bool = False
    by: str = "structure"


@dataclass(frozen=True)
class Difference:
    """Everything that two methods differ in. True where their mathematics differ; `rows` holds equal entries too.

    `shared` names the stability mechanisms of both.
    """

    left: str
    right: str
    rows: tuple[Row, ...]
    shared: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[Row, ...]:
        """The rows that differ."""
        return tuple(row for row in self.rows if not row.equal)

    @property
    def answer(self) -> str:
        """`same mathematics`, `recipe only` or `different mathematics`."""
        kinds = {row.kind for row in self.changed}
        if kinds & _DECIDE:
            return "different mathematics"
        return "recipe only" if "recipe" in kinds else "same mathematics"

    @property
    def decided(self) -> str:
        """How the answer was found: by normal form, by values and gradients, by structure."""
        rows = [row for row in self.rows if row.kind == "mathematics" or not row.equal]
        if self:
            rows = [row for row in rows if not row.equal and row.kind in _DECIDE]
        found = dict.fromkeys(row.by for row in rows if row.by != "structure" or self)
        return " and ".join(found)

    @property
    def sentence(self) -> str:
        """What it means for stability."""
        marked = [row.role for row in self.changed if row.kind == "stability"]
        if not self.changed:
            return "No difference."
        both = f" Both have {_listed(self.shared)}." if self.shared else ""
        if not marked:
            return "The stability mechanisms are the same." + both
        if len(marked) == 1:
            return f"One stability mechanism differs: {marked[0]}." + both
        return f"{len(marked)} stability mechanisms differ: {', '.join(marked)}." + both

    def __bool__(self) -> bool:
        return self.answer == "different mathematics"

    def __str__(self) -> str:
        return self.text()

    def text(self, *, full: bool = False, width: int | None = None) -> str:
        """A table of at most `width` characters, by default as wide as the terminal; `full` shows equal rows too."""
        width = terminal_width() if width is None else width
        rows = self.rows if full else self.changed
        cells = [("role", self.left, self.right, "")]
        cells += [(row.role, row.left or "-", row.right or "-", _mark(row)) for row in rows]
        same = f" (by {self.decided})" if self.decided and not self else ""
        lines = [f"{self.left} -> {self.right}   {self.answer}{same}"]
        if rows:
            lines += ["", *table(cells, width)]
        hidden = len(self.rows) - len(rows)
        if hidden:
            lines.append(f"= {hidden} more {'entry' if hidden == 1 else 'entries'} equal (--full)")
        return "\n".join([*lines, "", *table([(self.sentence,)], width)])

    def json(self) -> str:
        """The same as JSON."""
        fields = {
            "left": self.left,
            "right": self.right,
            "answer": self.answer,
            "decided": self.decided,
            "sentence": self.sentence,
            "shared": self.shared,
        }
        return json.dumps({**fields, "rows": [asdict(row) for row in self.rows]}, indent=2, ensure_ascii=False)

    def _repr_html_(self) -> str:
        from html import escape

        cells = "".join(
            f"<tr><td>{escape(r.role)}</td><td>{escape(r.left)}</td><td>{escape(r.right)}</td><td>{escape(_mark(r))}</td></tr>"
            for r in self.changed
        )
        head = f"<tr><th>role</th><th>{escape(self.left)}</th><th>{escape(self.right)}</th><th></th></tr>"
        body = f"<table>{head}{cells}</table>" if cells else ""
        return f"<p><b>{escape(self.answer)}</b></p>{body}<p>{escape(self.sentence)}</p>"


def _mark(row: Row) -> str:
    parts = [row.note, "STABILITY" if row.kind == "stability" else "", "equal" if row.equal else ""]
    return "  ".join(part for part in parts if part)


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
