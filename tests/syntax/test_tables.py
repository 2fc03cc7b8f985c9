"""The parser's tables are kept between processes, and parsing never depends on them."""

import os
import subprocess
import sys

import pytest

from losslang.shipped import shipped_specs
from losslang.syntax import tables


def rules(parser):
    return [str(rule) for rule in parser.rules]


def test_what_is_kept_is_read_again(tmp_path, monkeypatch):
    kept = tmp_path / "tables.lalr"
    built = rules(tables.parser(kept))
    monkeypatch.setattr("lark.lark.load_grammar", None)  # not called again
    assert rules(tables.parser(kept)) == built


@pytest.mark.parametrize("cut", [0, 10, 200, -100])
def test_a_damaged_file_is_made_anew(tmp_path, monkeypatch, cut):
    kept = tmp_path / "tables.lalr"
    built = rules(tables.parser(kept))
    kept.write_bytes(kept.read_bytes()[:cut])
    assert rules(tables.parser(kept)) == built
    monkeypatch.setattr("lark.lark.load_grammar", None)
    assert rules(tables.parser(kept)) == built


def test_a_folder_that_takes_no_file_does_not_matter(tmp_path):
    assert tables.parser(tmp_path / "missing" / "tables.lalr").rules
    assert tables.parser(tmp_path).rules  # a folder where the file should be


def test_nothing_is_kept_where_python_keeps_nothing(tmp_path):
    spec = str(shipped_specs()["simsiam"])
    for without, files in (("1", 0), ("", 1)):
        environment = os.environ | {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": without}
        for _ in range(2):
            subprocess.run([sys.executable, "-m", "losslang", "check", spec], env=environment, check=True)
        assert len(list(tmp_path.rglob("*.lalr"))) == files
