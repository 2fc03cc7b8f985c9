"""Every wrong method file has its golden answer: the exact output of `losslang check` and its exit status.

`tests/corpus/NAME.yaml` (or `.loss`) is answered by `NAME.expected`. Folders group cases; a folder that holds a
`main.yaml` or `main.loss` is one case, whose other files are there to be extended. `pytest --bless` rewrites answers.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from losslang.cli import main
from losslang.diagnostics.codes import all_codes
from tests.soon import soon

CORPUS = Path(__file__).parent / "corpus"
SUFFIXES = {".yaml", ".loss"}


def cases():
    files = sorted(path for path in CORPUS.rglob("*") if path.suffix in SUFFIXES)
    several = {path.parent for path in files if path.stem == "main"}
    return [path for path in files if path.stem == "main" or path.parent not in several]


def named(path):
    return str(path.relative_to(CORPUS))


CASES = cases()


def answer(output, status):
    return f"{output}[exit {status}]\n"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_answer(case, bless, monkeypatch, capsys):
    monkeypatch.chdir(case.parent)
    with soon(2):
        status = main(["check", case.name])
    captured = capsys.readouterr()
    given = answer(captured.out + captured.err, status)

    golden = case.with_suffix(".expected")
    if bless:
        golden.write_bytes(given.encode())
    assert golden.exists(), "no golden answer yet: read the output, then run `pytest tests/test_corpus.py --bless`"
    assert given == golden.read_bytes().decode()


@pytest.mark.parametrize("case", CASES[::25], ids=named)
def test_answer_of_the_real_command(case):
    command = [sys.executable, "-m", "losslang", "check", case.name]
    run = subprocess.run(command, cwd=case.parent, capture_output=True, check=False)
    assert (
        answer((run.stdout + run.stderr).decode(), run.returncode)
        == case.with_suffix(".expected").read_bytes().decode()
    )


def test_every_answer_has_a_case():
    answers = set(CORPUS.rglob("*.expected"))
    assert answers == {case.with_suffix(".expected") for case in CASES}


def test_every_code_in_an_answer_has_a_row():
    answers = "".join(path.read_text(encoding="utf-8") for path in CORPUS.rglob("*.expected"))
    assert set(re.findall(r"\[([EW]\d{3})\]: ", answers)) <= all_codes().keys()
