"""Two processes never train into one folder."""

import subprocess
import sys
import time

import pytest

from losslang.cli import main
from losslang.diagnostics import LosslangError
from losslang.training.hold import held

KEEP = "import sys, time; from pathlib import Path; from losslang.training.hold import held\n"
KEEP += "with held(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"


@pytest.fixture
def other(tmp_path):
    """Another process that has a folder."""
    with subprocess.Popen([sys.executable, "-c", KEEP, str(tmp_path / "run")], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_folder_is_refused_to_the_second_until_the_first_is_gone(tmp_path, other):
    with pytest.raises(LosslangError, match=rf"run: another process trains into it \({other.pid}\); wait for it"):
        held(tmp_path / "run").__enter__()
    other.kill()
    other.wait()
    with held(tmp_path / "run"):
        pass
    assert not list(tmp_path.iterdir())


def test_the_command_says_who_has_the_folder(tmp_path, other, capsys):
    for options in (["--overwrite"], []):
        command = ["train", "simsiam", "--set", "steps=1", "--out", str(tmp_path / "run"), "--quiet"]
        assert main([*command, *options]) == 1
        assert f"another process trains into it ({other.pid})" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_an_experiment_is_done_by_one_process(tmp_path, other, capsys):
    file = tmp_path / "mine.yaml"
    file.write_text("experiment: mine\nmethods: [simsiam]\ndata: blobs\nrecipe: toy\nset: {steps: 1}\n")
    assert main(["experiment", str(file), "--out", str(tmp_path / "run")]) == 1
    assert f"another process trains into it ({other.pid})" in capsys.readouterr().err


def test_folders_that_cannot_be_locked_are_left_to_others(tmp_path):
    (tmp_path / "file").touch()
    with held(tmp_path / "file" / "run"):
        pass


def test_a_folder_passes_from_one_to_the_next(tmp_path):
    for _ in range(3):
        with held(tmp_path / "a" / "run"):
            assert [path.name for path in (tmp_path / "a").iterdir()] == [".run.lock"]
    started = time.monotonic()
    with pytest.raises(LosslangError), held(tmp_path / "run"), held(tmp_path / "run"):
        pass
    assert time.monotonic() - started < 5
