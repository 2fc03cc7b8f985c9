"""Runs that are killed anywhere, or cannot write anywhere, and end the same bytes as one that nothing happened to.

Every event of a run (a step, a measurement, each call that touches the disk, half of a write) is counted; a kill is an
exception at one of them that nothing catches. A few points by default; LOSSLANG_KILLS=full takes 120 of them, every write
for the full disk, and processes that are ended by SIGKILL. tests/training/test_loop.py has signals.
"""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from losslang.cli import main
from losslang.data import files
from losslang.shipped import shipped_specs
from losslang.training import loop, run
from losslang.training.loop import train
from losslang.training.plan import resolve_run

ROOT = Path(__file__).parents[2]
FULL = os.environ.get("LOSSLANG_KILLS") == "full"
METHODS = ["byol", "dino", "mocov2"]
POINTS = 40 if FULL else 2
"""Kills per method."""

TINY = {
    "byol": {"width": "8", "size": "4", "bottleneck": "4"},
    "dino": {"width": "8", "size": "4", "prototypes": "4"},
    "mocov2": {"width": "8", "size": "4", "queue": "64"},
}
SHORT = {
    "data": "moons",
    "batch_size": "32",
    "steps": "6",
    "log_every": "2",
    "checkpoint_every": "2",
    "evaluation.every": "4",
    "evaluation.neighbours": "3",
}


class Killed(BaseException):
    """The process is gone: nothing after this runs, and no `except Exception` catches it."""


class Events:
    """Counts what a run does, and lets something happen at one of the events."""

    def __init__(self, monkeypatch, at=0, error=None):
        self.at, self.error, self.names = at, error, []
        for owner, name, stage in (
            (run, "open_session", "start"),
            (loop, "step", "step"),
            (run, "watch", "evaluation"),
            (run, "measure", "evaluation"),
            (os, "open", "disk"),
            (os, "fsync", "disk"),
            (Path, "replace", "disk"),
            (Path, "rename", "disk"),
            (Path, "mkdir", "disk"),
        ):
            if error is None or stage == "disk":
                monkeypatch.setattr(owner, name, self.counted(getattr(owner, name), f"{stage} {name}"))
        monkeypatch.setattr(files.os, "write", self.halved(os.write))
        self.write_file(monkeypatch)

    def happen(self, name):
        self.names.append(name)
        if len(self.names) == self.at:
            raise self.error or Killed

    def counted(self, real, name):
        def call(*arguments, **keywords):
            self.happen(name)
            return real(*arguments, **keywords)

        return call

    def halved(self, write):
        """A line of the metrics, of which half may arrive."""

        def call(handle, content):
            try:
                self.happen("disk line")
            except BaseException:
                write(handle, content[: len(content) // 2])
                raise
            return write(handle, content)

        return call

    def write_file(self, monkeypatch):
        """A file, of which half may arrive."""
        real = files.write_atomically

        def call(path, write, *check):
            def half(file):
                try:
                    self.happen(f"disk {path.name}")
                except BaseException:
                    file.write(b"half")
                    raise
                return write(file)

            return real(path, half, *check)

        from losslang.training import folder

        monkeypatch.setattr(files, "write_atomically", call)
        monkeypatch.setattr(folder, "write_atomically", call)


def plan(method, out):
    return resolve_run(shipped_specs()[method], sets=SHORT | TINY[method], out=out)


def contents(folder):
    result = json.loads((folder / "result.json").read_text())
    del result["seconds"]
    return result, *((folder / name).read_bytes() for name in ("checkpoint.pt", "metrics.jsonl"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What a run ends with that nothing happens to, and the events it has, by method."""
    found = {}
    for method in METHODS:
        folder = tmp_path_factory.mktemp(method) / "run"
        with pytest.MonkeyPatch.context() as patch:
            events = Events(patch)
            train(plan(method, folder))
        found[method] = contents(folder), events.names
    return found


def spread(count, names, salt):
    """Random places, as many of every stage as there can be: the stages of a run differ much in their number of events."""
    dice, stages = random.Random(salt), {}
    for at, name in enumerate(names, 1):
        stages.setdefault(name, []).append(at)
    places = []
    while len(places) < count:
        places += [dice.choice(each) for each in stages.values()]
    return dice.sample(places, count)


@pytest.mark.parametrize("point", range(POINTS))
@pytest.mark.parametrize("method", METHODS)
def test_a_killed_run_ends_the_same(whole, tmp_path, monkeypatch, method, point):
    expected, names = whole[method]
    at = spread(POINTS, names, method)[point]
    with monkeypatch.context() as patch:
        Events(patch, at)
        with pytest.raises(Killed):
            train(plan(method, tmp_path / "run"))
    with monkeypatch.context() as patch:  # killed once more while it goes on
        again = Events(patch, random.Random(at).randrange(1, 60))
        try:
            train(plan(method, tmp_path / "run"), resume=True)
        except Killed:
            assert again.names
    train(plan(method, tmp_path / "run"), resume=True)
    assert contents(tmp_path / "run") == expected, names[at - 1]


def test_the_points_are_of_every_stage(whole):
    stages = {name.split()[0] for _, names in whole.values() for name in names}
    assert stages == {"start", "step", "evaluation", "disk"}
    names = [name for _, names in whole.values() for name in names]
    assert {"disk checkpoint.pt", "disk line", "disk result.json", "disk replace", "disk fsync"} <= set(names)


def arguments(method, folder):
    sets = [f"--set={name}={value}" for name, value in (SHORT | TINY[method]).items()]
    return ["train", str(shipped_specs()[method]), "--out", str(folder), "--quiet", *sets]


def test_a_disk_that_is_full_at_any_write_is_said_to_be(whole, tmp_path, monkeypatch, capsys):
    """Each write in turn fails; the message says what to do, and doing it ends the run as if nothing had been."""
    expected, _ = whole["byol"]
    with monkeypatch.context() as patch:
        events = Events(patch, error=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        assert main(arguments("byol", tmp_path / "count")) == 0
    places = range(1, len(events.names) + 1)
    for at in places if FULL else {1, 2, 3, *spread(3, events.names, 0)}:  # the first are before there is a folder
        folder = tmp_path / f"run{at}"
        capsys.readouterr()
        with monkeypatch.context() as patch:
            Events(patch, at, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
            assert main(arguments("byol", folder)) == 1, events.names[at - 1]
        said = capsys.readouterr().err
        before = f"{folder} cannot be written: {tmp_path}: No space left on device"  # found out before any work
        begun = folder.exists()
        during = f"the disk is full; make room, then {'go on with --resume' if begun else 'give the command again'}"
        assert (before if at == 1 else during) in said, (events.names[at - 1], said)
        assert main([*arguments("byol", folder), *["--resume"] * begun]) == 0
        assert contents(folder) == expected, events.names[at - 1]


def test_a_folder_that_vanishes_is_said_to_be_gone(tmp_path, monkeypatch, capsys):
    import shutil

    folder, real = tmp_path / "run", loop.step
    steps = []

    def step(*given):
        steps.append(given)
        if len(steps) == 4:
            shutil.rmtree(folder)
        return real(*given)

    monkeypatch.setattr(loop, "step", step)
    assert main(arguments("byol", folder)) == 1
    assert f"{folder} has vanished while its run wrote to it" in capsys.readouterr().err


@pytest.mark.skipif(not FULL, reason="processes take seconds to start: LOSSLANG_KILLS=full")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("sign", ["settings.json", "checkpoint.previous.pt", "result.json"])
def test_a_process_that_is_killed_goes_on(whole, tmp_path, method, sign):
    """SIGKILL some milliseconds before or after a file appears."""
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "losslang", *arguments(method, folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    while process.poll() is None and not (folder / sign).exists():
        time.sleep(0.001)
    time.sleep(random.Random(method + sign).random() * 0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    train(plan(method, folder), resume=True)
    assert contents(folder) == whole[method][0]
