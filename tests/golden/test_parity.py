"""The table that `losslang list specs` shows is what specs and golden runs say."""

from __future__ import annotations

import json

from losslang.commands.inventory import WIDTH, inventory_text
from losslang.parity import FILE, cards
from losslang.shipped import shipped_specs
from tests.golden.cases import golden_cases
from tests.golden.parity import document
from tests.golden.runs import run_of
from tests.specs.trials import TRIALS


def test_the_table_is_true():
    told = json.loads(FILE.read_text(encoding="utf-8"))
    assert told == document(), "python -m tests.golden.parity writes it anew"


def test_every_case_is_counted():
    counted = sum(source.cases for card in cards().values() for source in card.sources)
    assert counted == sum(bool(run_of(case).spec) for case in golden_cases())


def test_what_has_no_source_has_a_reference():
    assert set(cards()) == set(shipped_specs()) == set(TRIALS)


def test_list_shows_roles_and_parity():
    text = inventory_text("specs")
    lines = text.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert {line.split()[0] for line in lines if line[0] != " "} >= set(shipped_specs())
    at = next(i for i, line in enumerate(lines) if line.startswith("vicreg "))
    shown = " ".join(" ".join(lines[at : at + 8]).split())
    assert "VICReg: Variance-Invariance-Covariance Regularization" in shown
    assert "arXiv:2105.04906 roles: alignment, decentering, decorrelation; mechanisms: second order, variance" in shown
    assert "equal to facebookresearch/vicreg (4 cases), lightly-ai/lightly (4)" in shown
