"""The table of codes: complete, used, and readable."""

import ast
import re
from pathlib import Path

import pytest

import losslang
from losslang.diagnostics import LosslangError
from losslang.diagnostics.codes import STAGES, all_codes, explain_code

PACKAGE = Path(losslang.__file__).parent
TABLES = {PACKAGE.parent.joinpath(*stage.split(".")).with_suffix(".py") for stage in STAGES}


def spelled_codes(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {text for text in texts if re.fullmatch(r"[EW]\d{3}", text)}


def test_every_code_that_is_raised_has_a_row_and_the_other_way_round():
    raised = set().union(*(spelled_codes(path) for path in PACKAGE.rglob("*.py") if path not in TABLES))
    assert raised == all_codes().keys()


@pytest.mark.parametrize("code", all_codes())
def test_rows_are_written_out(code):
    row = all_codes()[code]
    assert row.title
    assert not row.title.endswith(".")
    assert len(row.title) <= 80
    assert row.explanation.strip().endswith((".", ")", "`"))
    assert bool(row.wrong) == bool(row.right)
    assert row.wrong != row.right or not row.wrong


@pytest.mark.parametrize("code", all_codes())
def test_every_code_explains_itself(code):
    text = explain_code(code.lower())
    assert text.startswith(f"{code}: {all_codes()[code].title}\n\n")
    assert text.endswith("\n")


def test_a_code_that_does_not_exist():
    with pytest.raises(LosslangError, match=r"there is no code E9999 \(`losslang list codes`"):
        explain_code("E9999")
