"""`losslang explain` through the command line, and the pages in docs/methods."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import losslang
from losslang.analysis.explain.page import index_page, method_page
from losslang.cli import main
from losslang.commands.pages import write_pages
from losslang.questions import reading
from tests.analysis.explain.methods import NAMES, shipped

ROOT = Path(losslang.__file__).parents[1]
PAGES = ROOT / "docs" / "methods"
STALE = "run `losslang explain --pages docs/methods`"

SIMSIAM = """\
minimise
  L_align = 𝔼_{u≠v} alignment(pᵘ, sg(zᵛ))

where
  z = projector(encoder(x))
  p = predictor(z)

with
  alignment(p, z) = −𝔼ᵢ ⟨p̂ᵢ, ẑᵢ⟩
"""


def test_text(capsys):
    assert main(["explain", "simsiam"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("simsiam: Exploring Simple Siamese Representation Learning\narXiv:2011.10566\n")
    assert SIMSIAM in text
    for heading in ("notation", "networks", "parameters", "views", "between processes"):
        assert f"\n{heading}\n" in text


def test_a_file_and_a_setting(capsys):
    assert main(["explain", str(ROOT / "specs" / "vicreg.yaml"), "--set", "variance=7"]) == 0
    assert "7     --set" in capsys.readouterr().out


def test_latex(capsys):
    assert main(["explain", "simsiam", "--latex"]) == 0
    assert r"\mathcal{L}_{\mathrm{align}} = \mathop{\mathbb{E}}_{u \ne v}" in capsys.readouterr().out


def test_json(capsys):
    assert main(["explain", "dino", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["terms"][0]["unicode"] == "L_distill = 𝔼_{u∈global, u≠v} cross_entropy(qᵘ, log_pᵛ)"
    assert found["state"][0]["name"] == "center"


def test_markdown_is_the_page(capsys):
    assert main(["explain", "byol", "--format", "markdown"]) == 0
    assert capsys.readouterr().out == method_page(shipped("byol"), stability=reading(shipped("byol").spec))


@pytest.mark.parametrize("form", ["mermaid", "svg"])
def test_graph(capsys, form):
    assert main(["explain", "byol", "--graph", form]) == 0
    assert "target" in capsys.readouterr().out


def test_codes_are_explained_still(capsys):
    assert main(["explain", "e301"]) == 0
    assert capsys.readouterr().out.startswith("E301: ")
    assert main(["explain", "E999"]) == 1
    assert "there is no code E999" in capsys.readouterr().err


def test_a_misspelt_file_gets_the_usual_error(capsys):
    assert main(["explain", str(ROOT / "specs" / "simsia.yaml")]) == 1
    assert "simsiam.yaml" in capsys.readouterr().err


def test_something_must_be_named(capsys):
    assert main(["explain"]) == 2
    assert "name a method or a code" in capsys.readouterr().err


def test_no_torch_no_numpy_no_rich():
    program = "from losslang.cli import main\nmain(['explain', 'dino'])\nimport sys\nprint('\\n', *sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
    )
    assert not {"torch", "rich", "sklearn"} & set(run.stdout.splitlines()[-1].split())


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize("name", NAMES)
def test_page_is_up_to_date(name):
    page = method_page(shipped(name), stability=reading(shipped(name).spec))
    assert (PAGES / f"{name}.md").read_text(encoding="utf-8") == page, STALE


def test_index_is_up_to_date():
    index = index_page({name: shipped(name) for name in NAMES})
    assert (PAGES / "README.md").read_text(encoding="utf-8") == index, STALE
    assert {path.stem for path in PAGES.glob("*.md")} == {*NAMES, "README"}, STALE


def test_pages_are_written_once_and_old_ones_removed(tmp_path):
    folder = tmp_path / "docs" / "methods"
    texts = {f"{name}.md": method_page(shipped(name)) for name in ("byol", "simsiam")}
    assert write_pages(folder, texts) == f"{folder}: 2 pages, 2 written, 0 removed\n"
    (folder / "mine.md").write_text("mine")
    texts.pop("byol.md")
    assert write_pages(folder, texts) == f"{folder}: 1 pages, 0 written, 1 removed\n"
    assert {path.name for path in folder.iterdir()} == {"mine.md", "simsiam.md"}
