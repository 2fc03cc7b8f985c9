"""What every shipped method is, and which public implementations it was proved equal to.

The table is data, `parity.json`: computed by `python -m tests.golden.parity` from the specs and from the golden cases, so
that to list methods costs no reading of them. tests/golden/test_parity.py holds it true.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["FILE", "USUAL", "Card", "Parity", "cards", "scientific"]

FILE = Path(__file__).with_name("parity.json")

USUAL = 1e-9
"""The tolerance of value and gradients, relative to the largest entry, where no other is named."""


@dataclass(frozen=True)
class Parity:
    """Equality with one public implementation, of value, gradients and state.

    Attributes:
        repository: `facebookresearch/vicreg`; `file`, `symbol` and `commit` say which code of it.
        term: the term that was compared; empty for the whole loss.
        relative: the tolerance, relative to the largest entry.
        cases: how many stored cases agree.
        rewritten: in how many of these definitions or terms were replaced, to take what the source takes.
    """

    repository: str
    file: str
    symbol: str
    commit: str
    term: str
    relative: float
    cases: int
    rewritten: int


@dataclass(frozen=True)
class Card:
    """A shipped method in short.

    Attributes:
        extends: the method it is a variant of; empty for most.
        roles: what its terms do: `alignment`, `decentering`, `decorrelation`.
        mechanisms: by what, as found in the structure of the objective.
        sources: the implementations it equals; empty where it was compared with our own reference alone.
    """

    title: str
    paper: str
    extends: str
    roles: tuple[str, ...]
    mechanisms: tuple[str, ...]
    sources: tuple[Parity, ...]

    @property
    def parity(self) -> str:
        """`equal to facebookresearch/vicreg (4 cases), lightly-ai/lightly (4)`, or that there is only our own reference."""
        parts = list(self._parts())
        return f"equal to {', '.join(parts)}" if parts else "own reference only"

    def _parts(self) -> Iterator[str]:
        """One per repository, part of the loss and tolerance, in the order of the table."""
        counts = dict[tuple[str, ...], int]()
        for source in self.sources:
            part = f"term {source.term}" if source.term else ""
            adapted = "adapted" if source.rewritten == source.cases else ""
            loose = f"to {scientific(source.relative)}" if source.relative > USUAL else ""
            key = source.repository, part, adapted, loose
            counts[key] = counts.get(key, 0) + source.cases
        word = " cases"
        for (repository, *remarks), cases in counts.items():
            said = [f"{cases}{word[:-1] if cases == 1 and word else word}", *filter(None, remarks)]
            yield f"{repository} ({', '.join(said)})"
            word = ""


def scientific(value: float) -> str:
    """`1e-9`."""
    return f"{value:.0e}".replace("e-0", "e-")


def cards() -> dict[str, Card]:
    """The card of every shipped method by name, in the order of the alphabet."""
    table = json.loads(FILE.read_text(encoding="utf-8"))
    return {name: _card(**entry) for name, entry in table.items()}


def _card(*, roles: list[str], mechanisms: list[str], sources: list[dict[str, Any]], **texts: str) -> Card:
    proofs = tuple(Parity(**source) for source in sources)
    return Card(roles=tuple(roles), mechanisms=tuple(mechanisms), sources=proofs, **texts)
