"""docs/structure.md is true: it names what there is, in the order in which data flows, in the words of the code."""

import ast
import re
from pathlib import Path

import pytest

import losslang
from losslang.cli import COMMANDS
from tests.test_imports import DRIVERS, ORDER

PACKAGE = Path(losslang.__file__).parent
MAP = (PACKAGE.parent / "docs" / "structure.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([\w/.]+)` \| (.+) \|$", MAP, re.MULTILINE)
STAGES = [(name.removesuffix("/"), words) for name, words in ROWS if name.endswith("/")]
FILES = [(name, words) for name, words in ROWS if not name.endswith("/")]


def first_sentence(path):
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).partition("\n")[0]


def test_the_folders_stand_in_the_order_of_the_data():
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    wanted = [name for name in ORDER if name in folders]
    assert [name for name, _ in STAGES] == [*wanted, *sorted(folders - set(wanted))]


@pytest.mark.parametrize(("name", "words"), STAGES)
def test_a_folder_is_what_it_says(name, words):
    assert words == first_sentence(PACKAGE / name / "__init__.py")


@pytest.mark.parametrize(("name", "words"), FILES)
def test_a_file_is_what_it_says(name, words):
    assert words == first_sentence(PACKAGE / name)


def test_every_driver_is_named():
    drivers = {f"{name}.py" for name in DRIVERS if (PACKAGE / f"{name}.py").is_file()} - {"__main__.py"}
    assert {name for name, _ in FILES} >= drivers


def test_what_is_added_is_added_to_a_place_that_there_is():
    added = MAP.partition("## What is added where")[2]
    places = re.findall(r"`([\w/]+\.\w+|[\w/]+/)`", added)
    assert len(places) > 10
    for place in places:
        found = [PACKAGE / place, PACKAGE.parent / place]
        assert any(path.exists() for path in found), place


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_a_file(name):
    assert (PACKAGE / "commands" / f"{name}.py").is_file()
