"""The program that measures training on photos runs from end to end, tiny, so that a GPU's time is not spent on finding slips."""

import json

import pytest

from tests.benchmarks.photo_training import __main__ as program
from tests.benchmarks.photo_training.bench import Bench
from tests.benchmarks.photo_training.steps import busy


def test_every_part_runs_and_the_long_one_goes_on(tmp_path, capsys):
    out = tmp_path / "rows.jsonl"
    became = program.main(["--smoke", "--folder", str(tmp_path / "work"), "--out", str(out)])
    assert became.pop("gaps") == "left out: a profile of the device needs a GPU"
    assert set(became.values()) == {"done"}
    assert became.keys() | {"gaps"} == program.PARTS.keys()
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    resident = next(row for row in rows if row.get("batches") == "resident")
    assert 0 < resident["share of computation"] < 2
    assert any(str(row.get("views by", "")).startswith("DataLoader") for row in rows)
    assert sum("became" in row and row["part"] == "training" for row in rows) == 4
    shown = capsys.readouterr().out
    assert "| network | batches | images/s |" in shown
    again = program.main(["--smoke", "--folder", str(tmp_path / "work"), "--parts", "training"])
    assert again == {"training": "done"}


def test_a_part_that_fails_does_not_stop_the_others(tmp_path, monkeypatch, capsys):
    def broken(_bench):
        """Fails."""
        yield {"so far": 1.5}
        raise RuntimeError("out of memory")

    def sound(_bench):
        """Works."""
        yield {"rate": 12345.6}

    monkeypatch.setattr(program, "PARTS", {"broken": broken, "sound": sound})
    became = program.measured(Bench.smoke(tmp_path), ["broken", "sound"], None)
    assert became == {"broken": "failed: RuntimeError: ['out of memory']", "sound": "done"}
    assert "| 12,346 |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("intervals", "share", "longest"),
    [([(0, 2), (1, 4)], 1.0, 0.0), ([(0, 1), (2, 3), (3, 4)], 0.75, 1.0), ([(5, 10), (0, 4), (1, 2)], 0.9, 1.0)],
)
def test_pauses_are_what_no_interval_covers(intervals, share, longest):
    assert busy(intervals) == (pytest.approx(share), longest)
