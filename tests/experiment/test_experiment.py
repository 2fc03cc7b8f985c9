"""`losslang experiment`: all runs, none twice, whatever interrupts it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from contextlib import contextmanager
from pathlib import Path

import pytest

from losslang.cli import main
from losslang.training import together
from losslang.training.folder import RunFolder

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


def test_what_failed_is_tried_again_only_when_asked(tiny, capsys):
    text = TINY.replace("[simsiam, byol]", "{bad: {method: vicreg, set: {optimizer.learning_rate: 1e30}}}")
    Path("tiny.yaml").write_text(text)
    assert run() == 1
    (first, second) = sorted(Path("runs/tiny").glob("*/*/metrics.jsonl"))
    capsys.readouterr()
    before = first.stat().st_mtime_ns, second.stat().st_mtime_ns
    assert run() == 1
    out = capsys.readouterr().out
    assert "2 runs into runs/tiny, 0 of them done before; 2 failed before and are left out (--retry" in out
    assert out.count("is no finite number at step") == 2
    assert (first.stat().st_mtime_ns, second.stat().st_mtime_ns) == before
    assert run("--retry") == 1
    out = capsys.readouterr().out
    assert "left out" not in out
    assert out.count("is no finite number at step") == 2
    assert first.stat().st_mtime_ns > before[0]


def test_a_failure_is_gone_when_the_run_comes_to_its_end(tiny):
    assert run("--seeds", "1") == 0
    folder = RunFolder(next(Path("runs/tiny").glob("simsiam*/*")))
    folder.fail("it did not")
    assert folder.failure() == ""
    (folder.path / "result.json").unlink()
    assert folder.failure() == "it did not"
    assert run("--seeds", "1") == 1
    assert run("--seeds", "1", "--retry") == 0
    assert folder.failure() == ""


def test_a_network_without_a_form_for_many_is_trained_one_by_one(tiny, capsys):
    Path("tiny.yaml").write_text(TINY.replace("[simsiam, byol]", "[vibcreg]"))
    assert run() == 0
    said = "vibcreg on moons: 2 runs go on one by one (the layer IterNorm is not known for many members at once)"
    assert capsys.readouterr().out.count(said) == 1
    assert [row["done"] for row in json.loads(Path("runs/tiny/experiment.json").read_text())["runs"]] == [True, True]


def test_other_data_than_the_files(tiny):
    text = TINY.replace("data: moons, ", "")
    Path("tiny.yaml").write_text(text)
    assert run("--seeds", "1", "--data", "moons") == 0
    assert run("--seeds", "1", "--data", "blobs", "digits") == 0
    rows = json.loads(Path("runs/tiny/experiment.json").read_text())["runs"]
    assert [row["data"] for row in rows] == ["blobs", "digits", "blobs", "digits", "moons", "moons"]


# ---------------------------------------------------------------- what is plotted


def test_what_the_file_plots_is_drawn(tiny, capsys):
    pytest.importorskip("matplotlib")
    Path("tiny.yaml").write_text(
        TINY.replace("[simsiam, byol]", "{One: simsiam}") + "plot: [total, batch/center_norm]\n"
    )
    assert run("--seeds", "1") == 0
    assert "figure: runs/tiny/figure.svg runs/tiny/figure.png" in capsys.readouterr().out
    words = "".join(ET.parse("runs/tiny/figure.svg").getroot().itertext())
    assert "One" in words
    assert "total" in words
    assert "knn" not in words
    assert Path("runs/tiny/figure.png").read_bytes().startswith(b"\x89PNG")
    assert main(["figure", "tiny", "-o", "here", "--png"]) == 0
    assert Path("here/tiny.svg").read_bytes() == Path("runs/tiny/figure.svg").read_bytes()
    assert Path("here/tiny.png").is_file()


def test_a_number_that_no_run_logs(tiny, capsys):
    pytest.importorskip("matplotlib")
    Path("tiny.yaml").write_text(TINY + "plot: [centre_norm]\n")
    assert run("--seeds", "1") == 1
    out = capsys.readouterr().out
    assert "`plot` of runs/tiny/experiment.json: no run logs `centre_norm`; did you mean `center_norm`?" in out
    assert main(["figure", "tiny"]) == 1


def test_without_matplotlib_the_experiment_is_whole(tiny, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    Path("tiny.yaml").write_text(TINY + "plot: [total]\n")
    assert run("--seeds", "1") == 0
    assert "no figure: figures need matplotlib: pip install 'losslang[plot]'" in capsys.readouterr().out


def test_processes_and_a_signal(tiny):
    """Two processes are told to end, save, and say how to go on; the same command ends as if nothing had been."""
    command = [sys.executable, "-m", "losslang", "experiment", "tiny.yaml", "--processes", "2", "--set", "steps=100000"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    while not list(Path("runs/tiny").glob("*/*/checkpoint.previous.pt")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=100)
    assert process.returncode == 128 + signal.SIGTERM
    assert "interrupted with 0 of 4 runs done; the same command goes on from the checkpoints" in out


@contextmanager
def two_processes():
    """An experiment of runs without end in two processes, once each of them trains; gives it and them."""
    command = [sys.executable, "-m", "losslang", "experiment", "tiny.yaml", "--processes", "2", "--set", "steps=100000"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield process, [int(pid) for pid in _workers(process)]


def _workers(process):
    while process.poll() is None:
        children = ["pgrep", "-P", str(process.pid), "-f", "spawn_main"]
        found = subprocess.run(children, capture_output=True, text=True, check=False).stdout.split()
        if len(found) == 2:
            return found
        time.sleep(0.05)
    raise AssertionError(process.stderr.read())


def test_a_signal_to_processes_that_only_begin_is_no_failure(tiny):
    with two_processes() as (process, workers):
        for pid in workers:  # as Ctrl-C does on a terminal
            os.kill(pid, signal.SIGINT)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=100)
    assert process.returncode == 128 + signal.SIGINT
    assert "ended by itself" not in out
    assert "interrupted with 0 of 4 runs done; the same command goes on" in out
    assert err == ""


def test_an_experiment_that_is_killed_leaves_no_process_behind(tiny):
    with two_processes() as (process, workers):
        process.kill()
    end = time.monotonic() + 60
    while any(_runs(pid) for pid in workers):
        assert time.monotonic() < end
        time.sleep(0.05)


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_a_search_needs_its_library(tiny, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "optuna", None)
    Path("tiny.yaml").write_text(TINY + "sweep: {momentum: [0.9, 0.99]}\nsearch: {trials: 2}\n")
    assert run() == 1
    assert "pip install 'losslang[sweep]'" in capsys.readouterr().err


def _result(folder):
    return json.loads((folder / "result.json").read_text())


def test_a_search_tries_what_it_is_told_and_goes_on(tiny, capsys):
    pytest.importorskip("optuna")
    text = TINY.replace("[simsiam, byol]", "[byol]")
    sweep = "sweep:\n  optimizer.learning_rate: {from: 0.01, to: 0.1, scale: log}\nsearch: {trials: 3, at_once: 2}\n"
    Path("tiny.yaml").write_text(text + sweep)
    assert run("--seeds", "1") == 0
    rows = json.loads(Path("runs/tiny/experiment.json").read_text())["runs"]
    assert len(rows) == 3
    rates = [row["swept"]["optimizer.learning_rate"] for row in rows]
    assert all(0.01 <= rate <= 0.1 for rate in rates)
    first = capsys.readouterr().out
    said = re.search(r"byol: of 3 trials the best by knn \((\S+)\) has optimizer.learning_rate (\S+)\n", first)
    results = {
        row["swept"]["optimizer.learning_rate"]: _result(Path("runs/tiny") / row["folder"])["knn"] for row in rows
    }
    assert float(said[1]) == pytest.approx(max(results.values()), rel=1e-3)
    assert any(f"{rate:g}" == said[2] for rate, knn in results.items() if knn == max(results.values()))
    assert run("--seeds", "1") == 0
    out = capsys.readouterr().out
    assert said[0] in out
    assert "2 runs into runs/tiny, 2 of them done before" in out
    assert "1 runs into runs/tiny, 1 of them done before" in out


def test_a_goal_that_is_not_measured(tiny, capsys):
    pytest.importorskip("optuna")
    Path("tiny.yaml").write_text(
        TINY + "sweep: {optimizer.learning_rate: [0.1]}\nsearch: {trials: 1, goal: accuracy}\n"
    )
    assert run("--seeds", "1") == 1
    assert "tiny.yaml:6: nothing called `accuracy` is measured; there are" in capsys.readouterr().err
