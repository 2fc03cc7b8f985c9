"""`losslang experiment`: all runs, none twice, whatever interrupts it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from losslang.cli import main
from losslang.training import together

ROOT = Path(__file__).parents[2]
TINY = """\
experiment: tiny
methods: [simsiam, byol]
seeds: 2
set: {steps: 6, evaluation.every: 0, log_every: 2, checkpoint_every: 2, data: moons, batch_size: 64, width: 8}
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(TINY)
    return tmp_path


def run(*more):
    return main(["experiment", "tiny.yaml", "--processes", "1", *more])


def contents(folder):
    wanted = ("metrics.jsonl", "checkpoint.pt")
    return {path.parent.name: path.read_bytes() for name in wanted for path in folder.glob(f"*/*/{name}")}


def test_all_runs_are_done_and_none_twice(tiny, capsys):
    assert run() == 0
    out = capsys.readouterr().out
    assert "tiny: 4 runs into runs/tiny, 0 of them done before" in out
    assert out.count("moons") == 2  # a row per method
    listed = json.loads(Path("runs/tiny/experiment.json").read_text())
    assert [row["done"] for row in listed["runs"]] == [True] * 4
    assert all(Path("runs/tiny", row["folder"], "result.json").is_file() for row in listed["runs"])
    before = {path: path.stat().st_mtime_ns for path in Path("runs/tiny").glob("*/*/*")}
    assert run() == 0
    assert "4 of them done before" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in Path("runs/tiny").glob("*/*/*")} == before


def test_more_seeds_add_runs_only(tiny, capsys):
    assert run("--seeds", "1") == 0
    before = contents(tiny / "runs/tiny")
    assert run() == 0
    assert "2 of them done before" in capsys.readouterr().out
    assert contents(tiny / "runs/tiny").items() >= before.items()


def test_another_name_for_the_same_method_is_not_trained_again(tiny, capsys):
    assert run() == 0
    Path("tiny.yaml").write_text(TINY.replace("[simsiam, byol]", "{mine: simsiam, theirs: byol}"))
    assert run() == 0
    assert "4 of them done before" in capsys.readouterr().out


class Killed(BaseException):
    pass


@pytest.mark.parametrize("finished", [1])
def test_a_killed_experiment_repeats_no_finished_run(tiny, monkeypatch, finished, capsys):
    assert run("--out", "whole") == 0
    calls = []
    real = together.Run.finish

    def finish(self):
        if len(calls) == finished:
            raise Killed
        calls.append(self)
        return real(self)

    with monkeypatch.context() as patch:
        patch.setattr(together.Run, "finish", finish)
        with pytest.raises(Killed):
            main(["experiment", "tiny.yaml", "--processes", "1", "--out", "broken"])
    done = {path: path.stat().st_mtime_ns for path in Path("broken").glob("*/*/result.json")}
    assert len(done) == finished
    capsys.readouterr()
    assert run("--out", "broken") == 0
    assert f"{finished} of them done before" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert contents(tiny / "broken") == contents(tiny / "whole")


def test_a_run_that_fails_is_named_and_the_others_are_done(tiny, capsys):
    Path("tiny.yaml").write_text(
        TINY.replace("[simsiam, byol]", "{good: byol, bad: {method: vicreg, set: {optimizer.learning_rate: 1e30}}}")
    )
    assert run() == 1
    out = capsys.readouterr().out
    assert "bad on moons, seed 1: the term `" in out
    assert "is no finite number at step" in out
    assert [row["done"] for row in json.loads(Path("runs/tiny/experiment.json").read_text())["runs"]] == [
        True,
        True,
        False,
        False,
    ]


def test_processes_and_a_signal(tiny):
    """Two processes are told to end, save, and say how to go on; the same command ends as if nothing had been."""
    command = [sys.executable, "-m", "losslang", "experiment", "tiny.yaml", "--processes", "2", "--set", "steps=100000"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    while not list(Path("runs/tiny").glob("*/*/checkpoint.previous.pt")):
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=100)
    assert process.returncode == 128 + signal.SIGTERM
    assert "interrupted with 0 of 4 runs done; the same command goes on from the checkpoints" in out


def test_a_search_needs_its_library(tiny, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "optuna", None)
    Path("tiny.yaml").write_text(TINY + "sweep: {momentum: [0.9, 0.99]}\nsearch: {trials: 2}\n")
    assert run() == 1
    assert "pip install 'losslang[sweep]'" in capsys.readouterr().err


def test_a_search_tries_what_it_is_told_and_goes_on(tiny, capsys):
    pytest.importorskip("optuna")
    text = TINY.replace("[simsiam, byol]", "[byol]")
    sweep = "sweep:\n  optimizer.learning_rate: {from: 0.01, to: 0.1, scale: log}\nsearch: {trials: 3, at_once: 2}\n"
    Path("tiny.yaml").write_text(text + sweep)
    assert run("--seeds", "1") == 0
    rows = json.loads(Path("runs/tiny/experiment.json").read_text())["runs"]
    assert len(rows) == 3
    assert all(0.01 <= row["swept"]["optimizer.learning_rate"] <= 0.1 for row in rows)
    capsys.readouterr()
    assert run("--seeds", "1") == 0
    out = capsys.readouterr().out
    assert "2 runs into runs/tiny, 2 of them done before" in out
    assert "1 runs into runs/tiny, 1 of them done before" in out


def test_a_goal_that_is_not_measured(tiny, capsys):
    pytest.importorskip("optuna")
    Path("tiny.yaml").write_text(
        TINY + "sweep: {optimizer.learning_rate: [0.1]}\nsearch: {trials: 1, goal: accuracy}\n"
    )
    assert run("--seeds", "1") == 1
    assert "tiny.yaml:6: nothing called `accuracy` is measured; there are" in capsys.readouterr().err
