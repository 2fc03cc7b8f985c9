"""Which runs folders hold, in which order, and what is said of those that cannot be read."""

import json
import shutil

import pytest

from losslang.cli import main
from losslang.diagnostics import LosslangError
from losslang.report.found import find_runs


@pytest.fixture
def some(runs, tmp_path):
    """Two methods of the runs, to be damaged."""
    for name in ("barlow-blobs", "simsiam-blobs"):
        shutil.copytree(runs / name, tmp_path / "runs" / name)
    return tmp_path / "runs"


def folders(found):
    return [str(run.folder.relative_to(run.folder.parents[1])) for run in found.runs]


def test_runs_are_found_below_folders_and_by_themselves(runs):
    found = find_runs([runs])
    assert len(found.runs) == 6
    assert len(find_runs([found.runs[0].folder, runs]).runs) == 6
    assert found.unread == ()


@pytest.mark.parametrize("path", ["nowhere", "."])
def test_where_there_are_none_it_is_said(tmp_path, monkeypatch, path, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["report", path]) == 1
    assert "losslang train" in capsys.readouterr().err


def test_where_none_can_be_read_it_is_said(tmp_path):
    (tmp_path / "settings.json").write_text("{")
    with pytest.raises(LosslangError, match="no run that can be read"):
        find_runs([tmp_path])


def _cut(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _bytes(file):
    file.write_bytes(bytes(range(128, 256)))


DAMAGES = {
    "cut": _cut,
    "bytes": _bytes,
    "gone": lambda file: file.unlink(),
    "list": lambda file: file.write_text("[]\n"),
    "empty mapping": lambda file: file.write_text("{}\n"),
    "number": lambda file: file.write_text("3\n"),
    "folder": lambda file: (file.unlink(), file.mkdir()),
}

HARMLESS = {
    ("metrics.jsonl", "cut"),  # a line that a crash cut
    ("metrics.jsonl", "gone"),  # a run before its first step
    ("result.json", "gone"),  # a run that is not done
    ("environment.json", "gone"),
    ("environment.json", "empty mapping"),
    ("environment.json", "list"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["settings.json", "metrics.jsonl", "result.json", "environment.json"])
def test_a_run_that_cannot_be_read_is_named_and_the_others_are_there(some, name, damage):
    DAMAGES[damage](some / "barlow-blobs" / "seed1" / name)
    found = find_runs([some])
    if (name, damage) in HARMLESS:
        assert (len(found.runs), found.unread) == (4, ())
    else:
        assert folders(found) == ["barlow-blobs/seed0", "simsiam-blobs/seed0", "simsiam-blobs/seed1"]
        assert "barlow-blobs/seed1 is no run that can be read" in " ".join(found.unread)


def test_the_page_says_what_is_left_out_and_the_exit_status_too(some, capsys):
    _cut(some / "barlow-blobs" / "seed1" / "settings.json")
    out = some / "page.html"
    for command in (["report", str(some), "-o", str(out)], ["report", str(some), "--csv", str(some / "x.csv")]):
        assert main(command) == 1
        assert "left out: " in (said := capsys.readouterr().err)
        assert "barlow-blobs/seed1" in said
    text = out.read_text(encoding="utf-8")
    assert "Left out: " in text
    assert "simsiam" in text
    assert len((some / "x.csv").read_text().splitlines()) > 10


@pytest.mark.parametrize("damage", ["cut", "bytes", "gone", "folder"])
def test_what_a_page_can_do_without_ends_no_page(some, damage, capsys):
    """A page of the others at least, and never an error of ours."""
    for name in ("method.yaml", "emitted.py", "checkpoint.pt"):
        DAMAGES[damage](some / "barlow-blobs" / "seed0" / name)
    assert main(["report", str(some), "-o", str(some / "page.html")]) in {0, 1}
    assert "internal error" not in capsys.readouterr().err
    assert "Settings of simsiam" in (some / "page.html").read_text(encoding="utf-8")


def test_figures_and_lists_that_cannot_be_read(some, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="matplotlib, an extra, is not installed")
    _cut(some / "barlow-blobs" / "seed1" / "result.json")
    (some / "experiment.json").write_text("{")
    assert main(["figure", "runs", "--runs", str(tmp_path), "-o", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "barlow-blobs/seed1" in said
    assert "its next call writes it anew" in said
    assert "| barlow | 1 |" in (tmp_path / "out" / "figures.md").read_text(encoding="utf-8")


def test_a_folder_that_is_being_made_is_no_run_yet(some):
    shutil.copytree(some / "barlow-blobs" / "seed1", some / "barlow-blobs" / ".seed2.new")
    assert len(find_runs([some]).runs) == 4


def test_runs_are_in_the_order_that_was_given(some):
    assert folders(find_runs([some / "simsiam-blobs", some]))[:2] == ["simsiam-blobs/seed0", "simsiam-blobs/seed1"]


def test_runs_of_an_experiment_are_in_the_order_of_its_file(some):
    order = [f"{name}-blobs/seed{seed}" for name in ("simsiam", "barlow") for seed in (1, 0)]
    rows = [{"label": "m", "swept": {}, "folder": folder} for folder in order[:3]]
    (some / "experiment.json").write_text(json.dumps({"experiment": "e", "title": "T", "plot": ["knn"], "runs": rows}))
    found = find_runs([some])
    assert folders(found) == order
    assert (found.listed.title, found.listed.plot) == ("T", ("knn",))


def test_numbers_in_names_are_in_order_of_size(some):
    for value in ("1e-05", "0.5", "9", "10"):
        shutil.copytree(some / "simsiam-blobs", some / f"lars-blobs-rate={value}")
    rates = [name.partition("=")[2] for name in folders(find_runs([some])) if "rate" in name]
    assert list(dict.fromkeys(rate.partition("/")[0] for rate in rates)) == ["1e-05", "0.5", "9", "10"]
