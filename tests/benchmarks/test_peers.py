"""The benchmark beside peers: cells are measured, kept and read again; the page says what was met and what was not run."""

import os
from dataclasses import replace

import pytest

from tests.benchmarks.peers import grid, measuring
from tests.benchmarks.peers.apart import apart
from tests.benchmarks.peers.cases import CASES, formula, inputs_of, ours
from tests.benchmarks.peers.grid import Grid, Skipped, expected_seconds, hopeless, read
from tests.benchmarks.peers.measuring import Cell, measure
from tests.benchmarks.peers.page import page

VICREG = next(case for case in CASES if case.method == "vicreg")
ALONE = {name: "left out here" for case in CASES for name in case.peers}


def cell(method="vicreg", batch=256, size=256, ours=1.0, formula=2.0, **others):
    seconds = {"losslang": ours, "formula": formula, **others}
    return Cell(method, batch, size, seconds, {name: int(1000 * value) for name, value in seconds.items()})


OTHERWISE = {
    "lejepa_lightly": "directions are drawn anew",
    "visreg": "directions are drawn anew",
    "mocov2": "the first queue is drawn anew",
    "nnclr": "the first queue is drawn anew",
    "mec": "its reference takes a number that depends on the sizes of the trial",
}
"""Cases whose value is not that of the formula to the digit, though the work is the same."""


@pytest.mark.parametrize("case", [case for case in CASES if case.method not in OTHERWISE], ids=lambda case: case.method)
def test_ours_and_the_formula_are_the_same_loss(case):
    if case.method == "wmse":
        case = replace(case, parameters={"rows": 12, "shrink": 0.1})
    inputs = inputs_of(case, 12, 6, "cpu")
    value = ours(case, 6)(**inputs).total.item()
    assert value == pytest.approx(formula(case, inputs)().item(), rel=1e-4, abs=1e-5)


def test_a_cell_has_time_and_memory_of_all():
    found = measure(VICREG, 16, 8, left_out=ALONE)
    assert set(found.seconds) == set(found.memory) == {"losslang", "formula"}
    assert all(value > 0 for value in [*found.seconds.values(), *found.memory.values()])
    assert found.rounds >= 50
    assert found.left_out == ALONE


def test_a_long_step_of_changed_code_is_measured_beside_what_is_kept():
    kept = cell(batch=16, size=8, ours=100.0, formula=200.0)
    found = measure(VICREG, 16, 8, left_out=ALONE, before=kept)
    assert found.seconds["formula"] == 200
    assert found.memory["formula"] == kept.memory["formula"]
    assert 0 < found.seconds["losslang"] < 1


def test_memory_counts_what_a_step_holds_at_once():
    small, large = (measure(VICREG, batch, 8, left_out=ALONE).memory["formula"] for batch in (64, 128))
    assert 1.5 < large / small < 2.5


@pytest.fixture
def measured(monkeypatch):
    """Cells that cost nothing, and which were asked for."""
    asked = []

    def quick(case, batch, size, *, device, left_out, before):
        asked.append((case.method, batch, size))
        code = grid.digest(ours(case, size))
        return Cell(case.method, batch, size, {"losslang": 1, "formula": 2}, {"losslang": 1, "formula": 2}, code=code)

    monkeypatch.setattr(grid, "measure", quick)
    monkeypatch.setattr(grid, "apart", lambda work: work())
    return asked


def test_work_apart_gives_what_it_makes_and_leaves_nothing_behind():
    held = []
    assert apart(lambda: held.append(1) or len(held)) == 1
    assert held == []
    with pytest.raises(MemoryError, match="no room"):
        apart(lambda: (_ for _ in ()).throw(MemoryError("no room")))
    with pytest.raises(ChildProcessError, match="exit code 3"):
        apart(lambda: os._exit(3))


def test_what_is_kept_is_not_measured_again(tmp_path, measured):
    run = Grid([VICREG], [(16, 8), (32, 8)], "cpu", 5, tmp_path / "cells.jsonl")
    first = list(run.cells())
    assert measured == [("vicreg", 16, 8), ("vicreg", 32, 8)]
    assert list(run.cells()) == first == read(run.keep)
    assert len(measured) == 2


def test_other_code_and_forced_methods_are_measured_again(tmp_path, measured):
    file = tmp_path / "cells.jsonl"
    list(Grid([VICREG], [(16, 8)], "cpu", 5, file).cells())
    list(Grid([VICREG], [(16, 8)], "cpu", 5, file, again=["vicreg"]).cells())
    assert len(measured) == 2
    file.write_text(file.read_text(encoding="utf-8").replace('"code": "', '"code": "other'), encoding="utf-8")
    list(Grid([VICREG], [(16, 8)], "cpu", 5, file).cells())
    assert len(measured) == 3


def test_what_would_take_too_long_is_left_out_with_a_reason(measured):
    first, second = Grid([VICREG], [(16, 8), (4096, 8)], "cpu", 5, None).cells()
    assert isinstance(first, Cell)
    assert second == Skipped("vicreg", 4096, 8, "a step of all would take more than 5 minutes")


def test_a_cell_without_room_for_ours_is_left_out_with_a_reason(monkeypatch):
    def no_room(*_inputs):
        raise MemoryError

    monkeypatch.setattr(measuring, "step", no_room)
    assert list(Grid([VICREG], [(16, 8)], "cpu", 5, None).cells()) == [
        Skipped("vicreg", 16, 8, "losslang asks for more memory than there is")
    ]


def test_when_time_is_over_nothing_more_is_measured(measured):
    assert list(Grid([VICREG], [(16, 8)], "cpu", 5, None, total=0).cells()) == [
        Skipped("vicreg", 16, 8, "the time of the run was over")
    ]
    assert not measured


def test_work_is_expected_to_grow_from_the_nearest_smaller_cell():
    done = [cell(ours=1, formula=2), cell(batch=1024, ours=5, formula=10)]
    assert expected_seconds(done, 1024, 2048) == 15 * 8 * 8
    assert expected_seconds(done, 64, 2048) == 0
    assert expected_seconds([cell(ours=1, formula=2, lightly=100)], 256, 512) == 3 * 2 * 2


def test_a_library_that_is_far_slower_is_left_out_later():
    assert hopeless([cell(lightly=39.0)]) == {}
    assert hopeless([cell(lightly=50.0)]) == {"lightly": "took 25 times as long as the formula at 256 × 256"}


def test_the_page_lists_targets_and_what_is_above_them():
    text = page([cell(), cell("byol", ours=4.4), cell(batch=256, size=8192, ours=0.1)], "cpu", 6)
    assert "| time of every method and size | ≤ 1.05 | 2.20 at worst (byol 256 × 256), 1 of 3 above | missed |" in text
    assert "times faster than the authors' form | ≥ 10 | vicreg 20 | met |" in text
    assert "Above 1.05 in time: byol 256 × 256 (2.2)." in text
    assert "| geometric mean of time, covariance, log-det and contrastive | ≤ 0.35 | 0.16 over 2 | met |" in text


def test_the_page_says_why_a_cell_is_missing():
    nothing = Cell(
        "dcl", 256, 256, {"losslang": 1.0}, {"losslang": 5}, left_out={"formula": "asks for more memory than there is"}
    )
    text = page([cell(), nothing, Skipped("simclr", 256, 256, "too long")], "cpu", 6)
    assert "| dcl | – |" in text
    assert "- formula asks for more memory than there is: dcl 256 × 256." in text
    assert "- too long: simclr 256 × 256." in text
