"""Static figures, through the command line."""

import shutil
import xml.etree.ElementTree as ET

import pytest

from losslang.cli import main
from losslang.report import figures, first
from losslang.report.snapshots import snapshots
from losslang.shipped import shipped_specs
from losslang.training.plan import resolve_run

pytest.importorskip("matplotlib", reason="matplotlib, an extra, is not installed")


@pytest.fixture(scope="module")
def drawn(runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    shutil.copytree(runs, folder / "runs" / "figure4")
    assert main(["figure", "figure4", "--runs", str(folder / "runs"), "-o", str(folder / "out")]) == 0
    return folder / "out"


def test_a_figure_is_a_drawing_with_its_words_as_text(drawn):
    tree = ET.parse(drawn / "figure4.svg")
    words = "".join(tree.getroot().itertext())
    for text in ("simsiam_no_stopgrad", "center norm", "kNN", "blobs", "step"):
        assert text in words
    assert (drawn / "figure4.svg").stat().st_size < 200_000


def test_the_page_holds_claims_with_their_numbers(drawn):
    text = (drawn / "figures.md").read_text(encoding="utf-8")
    assert "](figure4.svg)" in text
    assert "SimSiam keeps its center short" in text
    assert "- blobs: **" in text
    assert "| simsiam_no_stopgrad | 2 |" in text


@pytest.mark.parametrize(
    ("name", "values", "least", "most"),
    [("knn", [1.0, 1.0], 0.94, 1.004), ("knn", [0.2, 1.1], 0.1, 1.04), ("gradient/norm/knn", [0.0, 9.0], -0.3, 9.5),
     ("terms/knn", [0.5, 3.0], 0.3, 3.2), ("center_norm", [0.9, 0.91], -0.03, 1.03)],
)  # fmt: skip
def test_an_axis_ends_where_no_value_can_be(name, values, least, most):
    place = figures.pyplot().figure().subplots()
    place.plot([0, 1], values)
    figures._frame(place, name)
    low, high = place.get_ylim()
    figures.pyplot().close("all")
    assert least <= low < high <= most


def test_the_same_runs_give_the_same_bytes(drawn, tmp_path):
    runs = drawn.parent / "runs"
    assert main(["figure", "figure4", "--runs", str(runs), "-o", str(tmp_path)]) == 0
    assert (tmp_path / "figure4.svg").read_bytes() == (drawn / "figure4.svg").read_bytes()


def test_without_runs_it_is_said_where_they_belong(tmp_path, capsys):
    assert main(["figure", "figure3", "--runs", str(tmp_path)]) == 1
    assert "figure3" in capsys.readouterr().err


def test_without_matplotlib_it_is_said_what_to_install(drawn, monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    assert main(["figure", "figure4", "--runs", str(drawn.parent / "runs"), "-o", str(tmp_path)]) == 1
    assert "losslang[plot]" in capsys.readouterr().err


def test_snapshots_are_of_the_steps_that_were_asked_for():
    plan = resolve_run(shipped_specs()["center_penalty"], sets={"width": "2"})
    found = snapshots(plan, [5, 0])
    assert [snapshot.step for snapshot in found] == [0, 5]
    assert all(abs(x * x + y * y - 1) < 1e-9 for x, y in found[1].points)
    assert found[0].points != found[1].points


def test_the_first_figure_is_trained_on_the_spot(tmp_path, monkeypatch):
    monkeypatch.setattr(first, "MOMENTS", (0, 3))
    monkeypatch.setattr(first, "SEEDS", 2)
    assert main(["figure", "figure1", "-o", str(tmp_path)]) == 0
    assert "step 3, center" in "".join(ET.parse(tmp_path / "figure1.svg").getroot().itertext())
