"""`losslang train` on several processes: the run of one, in one folder, for any number to go on with; none is left waiting."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from losslang.cli import main
from losslang.training.crew import Crew

SETTINGS = {
    "steps": 12, "batch_size": 30, "precision": "float64", "log_every": 3, "checkpoint_every": 6, "evaluation.every": 6,
    "evaluation.calibration": 2, "evaluation.online": "always", "threads": 1, "device": "cpu",
}  # fmt: skip

FULL = pytest.mark.skipif(
    os.environ.get("LOSSLANG_TESTS") != "full", reason="starts many processes: a minute of one core"
)


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


def test_processes_write_the_run_of_one_and_one_goes_on(tmp_path):
    assert main(command("byol", tmp_path / "one")) == 0
    done = run(*command("byol", tmp_path / "many", "--processes", "2"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("byol on blobs, seed 0:") == 1
    assert_same_run(tmp_path / "one", tmp_path / "many")
    result = json.loads((tmp_path / "many" / "result.json").read_text())
    assert result["steps"] == 12
    # the same folder goes on as one process
    (tmp_path / "many" / "result.json").unlink()
    assert main(command("byol", tmp_path / "many", "--resume")) == 0
    assert_same_run(tmp_path / "one", tmp_path / "many")


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
    assert "Traceback" not in done.stderr
    assert "steps" in done.stderr


@FULL
def test_a_process_that_dies_ends_the_others(tmp_path):
    program = [sys.executable, "-m", "losslang", *command("byol", tmp_path / "run", "--processes", "2", steps=100_000)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as launcher:
        victim = _started(launcher.pid, tmp_path / "run")
        os.kill(victim, signal.SIGKILL)
        _, said = launcher.communicate(timeout=120)
    assert launcher.returncode != 0
    assert "Traceback" not in said


@FULL
def test_a_signal_ends_all_where_they_can_go_on(tmp_path):
    program = [sys.executable, "-m", "losslang", *command("byol", tmp_path / "run", "--processes", "2", steps=100_000)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as launcher:
        _started(launcher.pid, tmp_path / "run")
        launcher.send_signal(signal.SIGINT)
        said, wrong = launcher.communicate(timeout=120)
    assert launcher.returncode == 130, wrong
    assert said.count("--resume goes on") == 1


def _started(launcher, folder):
    """The second process of a launcher, once the run has logged some steps."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        path = folder / "metrics.jsonl"
        if path.exists() and len(path.read_text().splitlines()) > 2:
            children = subprocess.run(
                ["pgrep", "-P", str(launcher)], capture_output=True, text=True, check=True
            ).stdout.split()
            return int(children[1])
        time.sleep(0.2)
    raise TimeoutError
