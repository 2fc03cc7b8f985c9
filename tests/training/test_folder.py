"""The run folder: written whole or not at all, whatever fails, whenever."""

import errno
import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from losslang.data import files
from losslang.data.files import append_line, write_atomically, write_text
from losslang.diagnostics import LosslangError
from losslang.training.checkpoint import seal
from losslang.training.folder import RunFolder, check_new, check_resumable

RECORD = {"hash": "h", "settings": {"steps": {"value": 5}, "log_every": {"value": 1}}}


class Crash(BaseException):
    """The process is gone: nothing after this runs, no `except Exception` either."""


def crashing(monkeypatch, at):
    """Let the `at`-th call that touches the disk be the last, and count them."""
    calls = []

    def wrap(owner, name):
        real = getattr(owner, name)

        def call(*arguments, **keywords):
            calls.append(name)
            if len(calls) == at:
                raise Crash
            return real(*arguments, **keywords)

        monkeypatch.setattr(owner, name, call)

    wrap(os, "fsync")
    for name in ("replace", "open", "mkdir", "rename"):
        wrap(Path, name)
    return calls


def save(text):
    return lambda file: file.write(text.encode())


def sealed(text=""):
    """A sealed archive, as a checkpoint is, with a text in it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("text", text)
    return seal(archive.getvalue())


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_crash_at_any_call_leaves_the_old_file_or_the_new_one(tmp_path, monkeypatch, at):
    target = tmp_path / "checkpoint.pt"
    target.write_bytes(b"old")
    with monkeypatch.context() as patch:
        calls = crashing(patch, at)
        try:
            write_atomically(target, save("new"))
        except Crash:
            assert len(calls) == at
    assert target.read_bytes() == (b"old" if at <= 3 else b"new")
    write_atomically(target, save("newer"))
    assert target.read_bytes() == b"newer"
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_crash_in_the_middle_of_writing_leaves_the_old_file(tmp_path):
    target = tmp_path / "checkpoint.pt"
    target.write_bytes(b"old")

    def half(file):
        file.write(b"ne")
        raise Crash

    with pytest.raises(Crash):
        write_atomically(target, half)
    assert target.read_bytes() == b"old"


def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path, monkeypatch):
    target = tmp_path / "result.json"
    target.write_text("old")

    def full(_handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_text(target, "new")
    assert target.read_text() == "old"


def test_a_folder_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    texts = {"settings.json": json.dumps(RECORD), "metrics.jsonl": ""}
    for at in range(1, 30):
        path = tmp_path / f"run{at}"
        with monkeypatch.context() as patch:
            crashing(patch, at)
            try:
                RunFolder.create(path, texts, sealed("weights"))
            except Crash:
                whole = False
            else:
                whole = True
        if whole:
            break
        if not path.exists():
            RunFolder.create(path, texts, sealed("weights"))  # what the crash left is in nobody's way
        assert sorted(p.name for p in path.iterdir()) == ["checkpoint.pt", "metrics.jsonl", "settings.json"]
    assert 5 < at < 29


def test_overwriting_keeps_nothing_of_the_old_run(tmp_path):
    run = RunFolder.create(tmp_path / "run", {"settings.json": "{}"}, sealed("one"))
    run.finish({"knn": 1})
    run = RunFolder.create(tmp_path / "run", {"settings.json": "{}"}, sealed("two"))
    assert run.result() is None
    assert run.checkpoint.read_bytes() == sealed("two")


def test_metrics_survive_a_cut_line_and_can_go_back(tmp_path):
    run = RunFolder.create(tmp_path / "run", {"settings.json": "{}"}, sealed())
    assert run.metrics() == []
    for step in (0, 10, 20, 30):
        run.log({"step": step, "total": step / 3})
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4')
    assert [record["step"] for record in run.metrics()] == [0, 10, 20, 30]
    run.forget_after(20)
    run.log({"step": 25})
    assert [record["step"] for record in run.metrics()] == [0, 10, 20, 25]


def test_lines_are_added_whole(tmp_path):
    append_line(tmp_path / "m", "one")
    append_line(tmp_path / "m", "two")
    assert (tmp_path / "m").read_text() == "one\ntwo\n"


class TestChecks:
    @pytest.fixture
    def run(self, tmp_path):
        texts = {"settings.json": json.dumps(RECORD | {"method": "simsiam"})}
        return RunFolder.create(tmp_path / "run", texts, sealed()).path

    def test_a_new_or_empty_folder_is_fine(self, tmp_path):
        check_new(tmp_path / "deep" / "er", overwrite=False)
        check_new(tmp_path, overwrite=False)
        assert [p.name for p in tmp_path.iterdir()] == []

    def test_an_existing_run(self, run):
        with pytest.raises(
            LosslangError, match="holds a run already; go on with --resume, replace it with --overwrite"
        ):
            check_new(run, overwrite=False)
        check_new(run, overwrite=True)

    def test_a_folder_of_other_things_is_never_replaced(self, tmp_path):
        (tmp_path / "thesis.tex").touch()
        with pytest.raises(LosslangError, match="what it holds is no run"):
            check_new(tmp_path, overwrite=True)

    def test_a_file_in_the_way(self, tmp_path):
        (tmp_path / "out").touch()
        with pytest.raises(LosslangError, match="is a file, and a run needs a folder"):
            check_new(tmp_path / "out", overwrite=False)

    def test_an_unwritable_folder(self, tmp_path, monkeypatch):
        def refuse(*_arguments, **_keywords):
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(Path, "touch", refuse)
        with pytest.raises(LosslangError, match=r"cannot be written: .*: Permission denied"):
            check_new(tmp_path / "run", overwrite=False)

    def test_resuming_the_same_run(self, run):
        check_resumable(run, RECORD)
        check_resumable(run, RECORD | {"settings": RECORD["settings"] | {"log_every": {"value": 7}}})

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"hash": "other"}, "it holds simsiam, and the method or its parameters have changed since"),
            ({"settings": {"steps": {"value": 9}}}, "`steps` was 5 and is now 9"),
        ],
    )
    def test_resuming_another_run(self, run, change, message):
        with pytest.raises(LosslangError, match=message):
            check_resumable(run, RECORD | change)

    def test_resuming_what_is_no_run(self, tmp_path):
        with pytest.raises(LosslangError, match="holds no run that could be resumed"):
            check_resumable(tmp_path, RECORD)
