"""A report that is killed leaves the page that was there or the new one, whole, and the next one writes it.

By default at every event of the writing; LOSSLANG_KILLS=full also ends processes by SIGKILL at random moments.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from losslang.cli import main
from losslang.commands import page as command
from tests.training.test_kills import FULL, Events, Killed

ROOT = Path(__file__).parents[2]
OLD, NEW = "<p>what was there</p>", "<p>what is written</p>" * 100


@pytest.fixture
def arguments(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "page_text", lambda _runs: NEW)
    (tmp_path / "page.html").write_text(OLD)
    return ["report", str(tmp_path), "-o", str(tmp_path / "page.html")]


def events_of(arguments, monkeypatch):
    with monkeypatch.context() as patch:
        events = Events(patch)
        assert main(arguments) == 0
    return events.names


def test_a_killed_report_leaves_a_whole_page(arguments, tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    names = events_of(arguments, monkeypatch)
    assert {"disk page.html", "disk fsync", "disk replace"} <= set(names)
    for at in range(1, len(names) + 1):
        path.write_text(OLD)
        with monkeypatch.context() as patch:
            Events(patch, at)
            with pytest.raises(Killed):
                main(arguments)
        assert path.read_text() in {OLD, NEW}, names[at - 1]
        assert main(arguments) == 0
        assert path.read_text() == NEW
    assert {file.name for file in tmp_path.iterdir()} == {"page.html"}


@pytest.mark.skipif(not FULL, reason="processes take seconds to start: LOSSLANG_KILLS=full")
def test_a_report_whose_process_is_killed(runs, page, tmp_path):
    """Ten of them, at moments over the time that the page takes."""
    out, whole = tmp_path / "page.html", page.read_text(encoding="utf-8")
    command_line = [sys.executable, "-m", "losslang", "report", str(runs), "-o", str(out)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    started = time.monotonic()
    subprocess.run(command_line, env=environment, check=True, stdout=subprocess.DEVNULL)
    took, dice = time.monotonic() - started, random.Random(0)
    ended = 0
    for _ in range(10):
        out.write_text(OLD)
        process = subprocess.Popen(command_line, env=environment, stdout=subprocess.DEVNULL)
        time.sleep(took * dice.uniform(0.3, 1.05))
        process.send_signal(signal.SIGKILL)
        ended += process.wait() == -signal.SIGKILL
        assert out.read_text(encoding="utf-8") in {OLD, whole}
    assert ended >= 5
    assert main(["report", str(runs), "-o", str(out)]) == 0
    assert out.read_text(encoding="utf-8") == whole
