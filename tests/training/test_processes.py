"""`losslang train` on several processes: the run of one, in one folder, for any number to go on with; none is left waiting."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from losslang.cli import main
from losslang.training.crew import Crew
from losslang.training.restart import goes_on
from tests.training.test_kills import contents

SETTINGS = {
    "steps": 12, "batch_size": 30, "precision": "float64", "log_every": 3, "checkpoint_every": 6, "evaluation.every": 6,
    "evaluation.calibration": 2, "evaluation.online": "always", "threads": 1, "device": "cpu",
}  # fmt: skip

FULL = pytest.mark.skipif(
    os.environ.get("LOSSLANG_TESTS") != "full", reason="starts many processes: a minute of one core"
)

PARTS = """\
from pathlib import Path
import sys

import torch

from losslang.training.crew import joined, shared

def threads():
    return " ".join(path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm"))

with joined("cpu"):
    torch.optim.SGD([torch.zeros(3, requires_grad=True)], lr=0.1)
    shared("something")
    within = threads()
sys.stdout.write(f"{within}|{threads()}\\n")
"""
"""Two processes meet, make an optimiser (which loads what would keep gloo alive), and part: names of their threads."""


def command(spec, out, *options, **settings):
    sets = [part for name, value in (SETTINGS | settings).items() for part in ("--set", f"{name}={value}")]
    return ["train", spec, "--out", str(out), "--quiet", *sets, *options]


def run(*arguments, timeout=300):
    program = [sys.executable, "-m", "losslang", *arguments]
    return subprocess.run(program, capture_output=True, text=True, timeout=timeout, check=False)


def metrics(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in (line | line.get("terms", {})).items() if isinstance(v, int | float)} for line in lines]


def assert_same_run(one, other):
    for mine, theirs in zip(metrics(one), metrics(other), strict=True):
        assert mine == pytest.approx(theirs, rel=1e-8)


@pytest.mark.parametrize("processes", [1, 3])
def test_every_row_belongs_to_one_process(processes):
    rows = [row for rank in range(processes) for row in range(10)[Crew(rank, processes).rows(10)]]
    assert rows == list(range(10))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted where Linux lists them")
def test_a_crew_that_parts_leaves_no_thread_behind(tmp_path):
    program = tmp_path / "part.py"
    program.write_text(PARTS)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(program)]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert ended.returncode == 0, ended.stderr
    within, after = zip(*(line.split("|") for line in ended.stdout.splitlines()), strict=True)
    assert len(within) == 2
    assert all("gloo" in names for names in within)
    assert not any("gloo" in names for names in after)


@FULL
def test_the_launcher_of_torch_does_the_same_with_micro_batches(tmp_path):
    path = tmp_path / "plain.loss"
    path.write_text(
        "method plain\nnetwork encoder = backbone\nnetwork projector = mlp(16, 8)\nz = projector(encoder(x))\n"
        "minimize\n  align: mean(alignment(z[a], z[b]))\n  spread: variance_hinge(z[a]) + variance_hinge(z[b])\n"
    )
    free = {"backbone.norm": "none", "evaluation.online": "never"}
    assert main(command(str(path), tmp_path / "one", **free)) == 0
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "losslang"]
    options = ("--microbatch", "4")
    done = subprocess.run(
        [*launcher, *command(str(path), tmp_path / "many", *options, **free)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert_same_run(tmp_path / "one", tmp_path / "many")


def test_a_mistake_ends_all_with_one_message(tmp_path):
    done = run(*command("byol", tmp_path / "run", "--processes", "2", steps="many"))
    assert done.returncode == 1
    assert done.stderr == "losslang: --set: `steps` must be a whole number; it is `many`\n"
    done = run(*command("byol", tmp_path / "run", "--processes", "5", batch_size=4))
    assert done.returncode == 1
    assert done.stderr.startswith("losslang: --processes 5: a batch of 4 leaves some of them without rows; take fewer")


LONG = {"steps": 60, "log_every": 5, "checkpoint_every": 12, "evaluation.every": 0}  # checkpoints between logs, too


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The folder of a run of two processes to which nothing happened, by precision."""
    known = {}

    def of(precision):
        if precision not in known:
            known[precision] = tmp_path_factory.mktemp("whole") / "run"
            done = run(*command("byol", known[precision], "--processes", "2", **LONG, precision=precision))
            assert done.returncode == 0, done.stderr
            assert done.stdout.count("byol on blobs, seed 0:") == 1
        return known[precision]

    return of


def test_processes_write_the_run_of_one_and_one_goes_on(tmp_path, undisturbed):
    assert main(command("byol", tmp_path / "one", **LONG)) == 0
    assert_same_run(tmp_path / "one", undisturbed("float64"))
    # the same folder goes on as one process
    shutil.copytree(undisturbed("float64"), tmp_path / "many")
    (tmp_path / "many" / "checkpoint.previous.pt").rename(tmp_path / "many" / "checkpoint.pt")
    (tmp_path / "many" / "result.json").unlink()
    assert main(command("byol", tmp_path / "many", "--resume", **LONG)) == 0
    assert_same_run(tmp_path / "one", tmp_path / "many")


@pytest.mark.parametrize(
    ("precision", "victim"),
    [("float64", 1), pytest.param("float32", 1, marks=FULL), pytest.param("float32", 0, marks=FULL)],
)
def test_a_process_that_is_killed_is_started_again_and_the_run_ends_the_same(tmp_path, undisturbed, precision, victim):
    many = command("byol", tmp_path / "run", "--processes", "2", **LONG, precision=precision)
    with launched(many) as launcher:
        os.kill(_started(launcher.pid, tmp_path / "run", lines=8)[victim], signal.SIGKILL)
        _, said = launcher.communicate(timeout=120)
    assert launcher.returncode == 0, said
    assert (
        f"process {victim} of 2 was lost (SIGKILL); all begin again from the last checkpoint (restart 1 of 3)" in said
    )
    assert "Traceback" not in said
    assert contents(tmp_path / "run") == contents(undisturbed(precision))


@FULL
def test_the_elastic_launcher_of_torch_starts_a_killed_process_again(tmp_path, undisturbed):
    torchrun = [
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        "--max-restarts=2",
        "-m",
        "losslang",
    ]
    with launched(command("byol", tmp_path / "run", **LONG), torchrun) as launcher:
        os.kill(_started(launcher.pid, tmp_path / "run", lines=8)[1], signal.SIGKILL)
        _, said = launcher.communicate(timeout=180)
    assert launcher.returncode == 0, said
    assert contents(tmp_path / "run") == contents(undisturbed("float64"))


@FULL
def test_a_process_that_dies_ends_the_others_where_no_restart_is_left(tmp_path):
    options = ("--processes", "2", "--max-restarts", "0")
    with launched(command("byol", tmp_path / "run", *options, steps=100_000)) as launcher:
        os.kill(_started(launcher.pid, tmp_path / "run")[1], signal.SIGKILL)
        _, said = launcher.communicate(timeout=120)
    assert launcher.returncode == 137
    assert "process 1 of 2 was lost (SIGKILL); the same command with --resume goes on" in said
    assert "Traceback" not in said


def test_a_restart_goes_on_with_its_own_run_alone(tmp_path, monkeypatch):
    """What was to be replaced is gone on with only if it is younger than the launch."""
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert not goes_on(tmp_path / "run", resume=False, overwrite=False)
    (tmp_path / "run").mkdir()
    (tmp_path / "run/settings.json").touch()
    assert goes_on(tmp_path / "run", resume=False, overwrite=False)
    assert not goes_on(tmp_path / "run", resume=False, overwrite=True)  # of a launcher that does not say when it began
    for began, expected in ((0, True), (time.time() + 60, False)):
        monkeypatch.setenv("LOSSLANG_LAUNCHED", str(began))
        assert goes_on(tmp_path / "run", resume=False, overwrite=True) is expected
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "0")
    assert not goes_on(tmp_path / "run", resume=False, overwrite=False)


@FULL
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_where_they_can_go_on(tmp_path, number):
    with launched(command("byol", tmp_path / "run", "--processes", "2", steps=100_000)) as launcher:
        _started(launcher.pid, tmp_path / "run")
        launcher.send_signal(number)
        said, wrong = launcher.communicate(timeout=120)
    assert launcher.returncode == 128 + number, wrong
    assert said.count("--resume goes on") == 1
    assert (tmp_path / "run/checkpoint.pt").exists()


def test_workers_whose_launcher_is_killed_end_and_can_be_gone_on_with(tmp_path):
    with launched(command("byol", tmp_path / "run", "--processes", "2", steps=100_000)) as launcher:
        workers = _started(launcher.pid, tmp_path / "run")
        launcher.kill()
    end = time.monotonic() + 60
    while _alive(workers):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert (tmp_path / "run/checkpoint.pt").exists()


def launched(arguments, before=("-m", "losslang")):
    program = [sys.executable, *before, *arguments]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _started(launcher, folder, lines=2):
    """The processes of a launcher, by rank, once the run has logged more than so many lines."""
    end, found = time.monotonic() + 120, []
    path = folder / "metrics.jsonl"
    while time.monotonic() < end:
        if len(found) < 2:
            children = ["pgrep", "-P", str(launcher)]
            found = subprocess.run(children, capture_output=True, text=True, check=False).stdout.split()
        elif path.exists() and len(path.read_text().splitlines()) > lines:
            return [int(child) for child in found]
        time.sleep(0.1 if len(found) < 2 else 0.005)  # a process to ask for processes is dear
    raise TimeoutError


def _alive(processes):
    states = ["ps", "-o", "stat=", "-p", ",".join(map(str, processes))]
    found = subprocess.run(states, capture_output=True, text=True, check=False).stdout.split()
    return [state for state in found if state[0] != "Z"]
