"""The table of codes: complete, and every example does what it says."""

import re
from pathlib import Path

import pytest

import losslang.syntax
from losslang.diagnostics import Report, Source
from losslang.syntax.codes import CODES
from losslang.syntax.fragment import Fragment
from losslang.syntax.parser import parse_expression
from losslang.syntax.read import read_method

NOT_TEXTS = {"E501", "E502", "E503", "E518", "E519"}


def test_every_code_that_is_used_has_a_row_and_every_row_is_used():
    used: set[str] = set()
    for path in Path(losslang.syntax.__file__).parent.glob("*.py"):
        if not path.name.startswith("codes"):
            used |= set(re.findall(r'"([EW][0-9]{3})"', path.read_text(encoding="utf-8")))
    assert used == set(CODES)


@pytest.mark.parametrize("code", sorted(CODES.keys() - NOT_TEXTS))
def test_the_wrong_example_has_this_error_and_the_right_one_none(code):
    assert [each.code for each in found(code, CODES[code].wrong)] == [code]
    assert found(code, CODES[code].right) == []


def found(code, text):
    report = Report()
    if code < "E130":
        parse_expression(Fragment.whole(Source("x", text)), report)
    else:
        is_yaml = text.startswith(("losslang:", "method:", "-"))
        read_method(Source("x.yaml" if is_yaml else "x.loss", text), report)
    return report.diagnostics
