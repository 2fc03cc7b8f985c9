"""A report that is killed leaves the page that was there or the new one, whole, and the next one writes it.

By default at every event of the writing; LOSSLANG_KILLS=full also ends processes by SIGKILL over the time that a page takes.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from losslang.cli import main
from losslang.commands import page as command
from losslang.report.found import Found
from tests.training.test_kills import FULL, Events, Killed

ROOT = Path(__file__).parents[2]
OLD, NEW = "<p>what was there</p>", "<p>what is written</p>" * 100


@pytest.fixture
def arguments(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "find_runs", lambda _paths: Found([]))
    monkeypatch.setattr(command, "page_text", lambda _found: NEW)
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


@pytest.fixture(scope="module")
def whole(runs, tmp_path_factory):
    """The command of a page of one run, the page, and the seconds that it takes."""
    out = tmp_path_factory.mktemp("whole") / "page.html"
    words = [sys.executable, "-m", "losslang", "report", str(runs / "simsiam-blobs" / "seed0"), "-o"]
    started = time.monotonic()
    _process([*words, str(out)]).wait()
    return words, out.read_text(encoding="utf-8"), time.monotonic() - started


def _process(words):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL)


@pytest.mark.skipif(not FULL, reason="processes take seconds to start: LOSSLANG_KILLS=full")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 1.0])
def test_a_report_whose_process_is_killed(whole, tmp_path, share):
    """At a moment of the time that a page takes; most of them before there is a new one."""
    words, text, seconds = whole
    out = tmp_path / "page.html"
    out.write_text(OLD)
    process = _process([*words, str(out)])
    time.sleep(seconds * share)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert out.read_text(encoding="utf-8") in {OLD, text}
    again = _process([*words, str(out)])
    assert again.wait() == 0
    assert out.read_text(encoding="utf-8") == text
