"""The spec files themselves: short, described, and found by their names."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest

import losslang
from losslang.shipped import shipped_specs

SPECS = Path(__file__).parents[2] / "specs"
FILES = {path.stem: path for path in sorted(SPECS.rglob("*.yaml"))}


def _lines(path: Path) -> int:
    """Those that say something."""
    return sum(bool(line.strip()) for line in path.read_text().splitlines())


def test_files_are_short():
    assert median(_lines(path) for path in SPECS.glob("*.yaml")) <= 20
    assert max(_lines(path) for path in FILES.values()) <= 45


def test_every_file_is_found_by_its_name():
    assert set(shipped_specs()) == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_file_is_described(name: str):
    spec = losslang.load(FILES[name])
    assert spec.method_name == name
    assert spec.title
    assert max(len(line) for line in FILES[name].read_text().splitlines()) <= 130


@pytest.mark.parametrize("name", [name for name, path in FILES.items() if path.parent == SPECS])
def test_method_cites_its_paper(name: str):
    paper = losslang.load(FILES[name]).paper
    assert paper.startswith("arXiv:") or name in {"coding_rate", "coding_rate_taylor"}
