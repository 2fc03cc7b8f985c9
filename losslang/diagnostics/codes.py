"""The table of codes: what each diagnostic means, with a wrong and a right example."""

from __future__ import annotations

import importlib
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from losslang.diagnostics.report import LosslangError

__all__ = ["Code", "all_codes", "explain_code"]

# The stages that raise codes, each with a table CODES of its own. They are named here, not imported: diagnostics
# stand below every stage, and the tables are wanted by `explain` and `list` only.
STAGES = ("losslang.syntax.codes", "losslang.objective.codes", "losslang.training.codes")


WIDTH = 88  # columns of an explanation


@dataclass(frozen=True)
class Code:
    """One row: a title of a few words, an explanation of a few sentences, and an example before and after."""

    title: str
    explanation: str
    wrong: str
    right: str


@cache
def all_codes() -> Mapping[str, Code]:
    """Every code of the language with its row, by code."""
    rows: dict[str, Code] = {}
    for stage in STAGES:
        table: Mapping[str, Code] = importlib.import_module(stage).CODES
        assert not rows.keys() & table.keys(), f"codes of {stage} are taken: {rows.keys() & table.keys()}"
        rows.update(table)
    return dict(sorted(rows.items()))


def explain_code(code: str) -> str:
    """The long explanation of a code, as text. Raises LosslangError for a code that does not exist."""
    row = all_codes().get(code.upper())
    if row is None:
        raise LosslangError(f"there is no code {code} (`losslang list codes` shows all)")
    parts = [f"{code.upper()}: {row.title}", textwrap.fill(row.explanation, WIDTH)]
    parts += [f"{name}:\n\n{_indented(text)}" for name, text in (("Wrong", row.wrong), ("Right", row.right)) if text]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.strip("\n").splitlines())
