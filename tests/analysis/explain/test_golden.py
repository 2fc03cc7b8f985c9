"""Formulas of methods that ship, in both forms, as read against the papers: formulas.txt, rewritten by --bless."""

import functools
from pathlib import Path

import pytest

from losslang.analysis.explain.notation.glyphs import RELATIONS
from losslang.analysis.explain.notation.latex import latex
from losslang.analysis.explain.notation.unicode import unicode
from losslang.questions import explanation

FILE = Path(__file__).with_name("formulas.txt")
BLOCKS = [block.split("\n") for block in FILE.read_text(encoding="utf-8").strip().split("\n\n")]


@functools.cache
def statements(method):
    """Functions first: a term may have the name of the function it calls."""
    found = explanation(method)
    functions = [s for row in found.primitives for s in (row.statement, *row.bindings)]
    return [*functions, *found.definitions, *found.terms]


def written(method, name):
    statement = next(s for s in statements(method) if s.name == name)
    signs = RELATIONS[statement.sign]
    return [
        f"{unicode(statement.left)} {signs[0]} {unicode(statement.right)}",
        f"{latex(statement.left)} {signs[1]} {latex(statement.right)}",
    ]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block[0].replace(" ", "-"))
def test_formula(block, bless):
    head, *golden = block
    if not bless:
        assert written(*head.split()) == golden


def test_bless(bless):
    if bless:
        texts = ["\n".join([head, *written(*head.split())]) for head, *_ in BLOCKS]
        FILE.write_text("\n\n".join(texts) + "\n", encoding="utf-8")
