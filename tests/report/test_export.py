"""Metrics as tables, through the command line."""

import csv
import json

import pytest

from losslang.cli import main
from losslang.report.export import csv_text, every
from losslang.report.found import find_runs
from losslang.report.runs import group_runs


def test_csv_holds_every_number_as_it_was_logged(runs, tmp_path):
    out = tmp_path / "all.csv"
    assert main(["report", str(runs), "--csv", str(out)]) == 0
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    logged = [json.loads(line) for line in (runs / "barlow-blobs" / "seed1" / "metrics.jsonl").read_text().splitlines()]
    mine = {int(row["step"]): row for row in rows if (row["method"], row["seed"]) == ("barlow", "1")}
    assert sorted(mine) == [record["step"] for record in logged]
    for record in logged[1:]:
        row = mine[record["step"]]
        assert float(row["terms/align"]) == record["terms"]["align"]
        assert float(row["batch/center_norm"]) == record["batch"]["center_norm"]
    assert mine[0]["total"] == ""


def test_tables_alone_make_no_page(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(runs), "--csv", "all.csv"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["all.csv"]


def test_parquet_holds_the_same(runs, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow, an extra, is not installed")
    out = tmp_path / "all.parquet"
    assert main(["report", str(runs), "--parquet", str(out)]) == 0
    found = parquet.read_table(out).to_pydict()
    assert list(found) == ["group", "method", "data", "seed", "step", "name", "value"]
    assert len(found["value"]) > 500
    assert set(found["seed"]) == {0, 1}


def test_without_pyarrow_it_is_said_what_to_install(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert main(["report", str(runs), "--parquet", str(tmp_path / "x.parquet")]) == 1
    assert "losslang[parquet]" in capsys.readouterr().err


def test_of_too_many_numbers_steps_are_left_out(runs):
    groups = group_runs(find_runs([runs]).runs)
    count = sum(len(row) for group in groups for run in group.runs for row in run.rows.values())
    assert every(groups, count) == 1
    assert every(groups, count - 1) == 2
    whole, half = (csv_text(groups, most=most).splitlines() for most in (count, count - 1))
    assert whole[:2] == half[:2]
    assert half[2:3] == whole[3:4]
    assert len(half) < len(whole)
