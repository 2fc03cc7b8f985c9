"""docs/structure.md is true: it names what there is, in the order in which data flows, in the words of the code."""

import ast
import re
from pathlib import Path

import pytest

import losslang
from losslang.cli import COMMANDS
from tests.test_imports import DRIVERS, INSIDE, ORDER

PACKAGE = Path(losslang.__file__).parent
MAP = (PACKAGE.parent / "docs" / "structure.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([\w/.]+)` \| (.+) \|$", MAP, re.MULTILINE)
FOLDERS = [(name.removesuffix("/"), words) for name, words in ROWS if name.endswith("/")]
STAGES = [name for name, _ in FOLDERS if "/" not in name]
FILES = [(name, words) for name, words in ROWS if not name.endswith("/")]


def first_sentence(path):
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).partition("\n")[0]


def test_the_folders_stand_in_the_order_of_the_data():
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    wanted = [name for name in ORDER if name in folders]
    assert [*wanted, *sorted(folders - set(wanted))] == STAGES


@pytest.mark.parametrize("stage", INSIDE)
def test_the_folders_inside_a_stage_stand_in_order(stage):
    place = "/".join(stage.split(".")[1:])
    inside = [name.removeprefix(f"{place}/") for name, _ in FOLDERS if name.startswith(f"{place}/")]
    assert [name for name in inside if "/" not in name] == [
        name for name in INSIDE[stage] if (PACKAGE / place / name).is_dir()
    ]


@pytest.mark.parametrize(("name", "words"), FOLDERS)
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
