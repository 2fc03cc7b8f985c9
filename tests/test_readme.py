"""The README's two commands are whole, and CI runs the one that tests."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from losslang.cli import main
from tests.golden.cases import golden_cases
from tests.golden.runs import run_of

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def start_commands():
    """The commands of the section "Start"."""
    section = README.partition("\n## Start\n")[2].partition("\n## ")[0]
    return [block.strip() for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL)]


def steps(command):
    return [shlex.split(step) for step in command.split(" && ")]


def test_there_are_two_of_one_line_each():
    commands = start_commands()
    assert len(commands) == 2
    assert not any("\n" in command for command in commands)


@pytest.mark.parametrize("command", start_commands())
def test_each_begins_with_nothing_and_installs_what_is_pinned(command):
    make, install, _ = steps(command)
    assert make == ["python3", "-m", "venv", ".venv"]
    assert install[:3] == [".venv/bin/pip", "install", "-c"]
    assert (ROOT / install[3]).is_file()
    package, extras = re.fullmatch(r"(\.)\[(.*)\]", install[5]).groups()
    assert install[4] == "-e"
    assert package == "."
    assert set(extras.split(",")) <= PROJECT["optional-dependencies"].keys()


def test_the_first_trains_a_spec_that_is_there():
    *_, train = steps(start_commands()[0])
    assert train[:2] == [".venv/bin/losslang", "train"]
    assert (ROOT / train[2]).is_file()


def test_the_second_runs_the_tests():
    *_, test = steps(start_commands()[1])
    assert test[:3] == [".venv/bin/python", "-m", "pytest"]


def test_ci_takes_the_test_command_from_the_readme():
    """`.ci/run` picks the line of a sh block that names pytest; it must find the one above, and name no other."""
    lines = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
    assert [line for line in lines if "pytest" in line] == [start_commands()[1]]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert len(re.findall("pytest", script)) == 1


def test_every_dependency_is_pinned_as_tested():
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pinned = {name.lower().replace("_", "-") for name in re.findall(r"^([\w.-]+)==", pins, re.MULTILINE)}
    extras = [need for needs in PROJECT["optional-dependencies"].values() for need in needs]
    wanted = {re.match(r"[\w.-]+", need)[0].lower() for need in [*PROJECT["dependencies"], *extras]}
    assert wanted - {"losslang"} <= pinned


# ---------------------------------------------------------------- everything else it shows


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def other_commands():
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("losslang ")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the README's own methods, where its commands run."""
    for text in blocks("loss"):
        name = re.search(r"^method (\w+)", text, re.MULTILINE)[1]
        (tmp_path / f"{name}.loss").write_text(text, encoding="utf-8")
    for name in ("specs", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_counts_what_there_is():
    specs = [path for path in (ROOT / "specs").iterdir() if path.is_file()]
    variants = [*(ROOT / "specs" / "variants").iterdir()]
    golden = [case for case in golden_cases() if run_of(case).spec]
    assert f"**{len(specs)} methods** in" in README
    assert f" {len(variants)} variants in" in README
    assert f" {len(golden)} golden" in README


def test_the_first_spec_has_seven_lines():
    assert len(blocks("loss")[0].splitlines()) == 7


def test_its_methods_have_nothing_to_mend(folder, capsys):
    assert main(["check", "center.loss", "mine.loss"]) == 0
    output = capsys.readouterr().out
    assert "warning" not in output
    assert output.count("stable by") == 2


@pytest.mark.parametrize("command", other_commands())
def test_command(command, folder, capsys):
    words = shlex.split(command)[1:]
    if words[0] == "train":
        words += ["--set", "steps=3", "--quiet"]
        words = [{"--seeds": "--seeds", "5": "2"}.get(word, word) for word in words]
    if words[0] == "experiment":
        words += ["--set", "steps=3", "--set", "evaluation.every=0", "--seeds", "1", "--processes", "1"]
    if words[0] == "report":
        assert main(["train", "specs/simsiam.yaml", "--set", "steps=3", "--quiet"]) == 0
    assert main(words) == 0, capsys.readouterr()


def test_commands_in_the_text_exist(folder, capsys):
    shown = re.findall(r"`losslang ([^`]+)`", README.replace("\n", " "))
    spelled = {"check": "check mine.loss", "fmt --to yaml": "fmt --to yaml mine.loss"}
    for line in shown:
        command = spelled.get(line, line).replace("SPEC", "specs/simsiam.yaml")
        command = re.sub(r"tree(\|\w+)+", "graph", command)
        assert main(shlex.split(command)) == 0, command
    assert len(shown) >= 8


def test_the_python_runs(folder):
    import torch
    from torch import nn

    text = blocks("python")[0]
    names = {
        "za": torch.randn(8, 128, requires_grad=True),
        "zb": torch.randn(8, 128),
        "encoder": nn.Sequential(nn.Flatten(), nn.Linear(12, 512)),
        "images_a": torch.randn(8, 3, 2, 2),
        "images_b": torch.randn(8, 3, 2, 2),
        "optimizer": torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1),
    }
    exec(compile(text, "README.md", "exec"), names)
    assert names["out"].total.isfinite()
    assert int(names["model"].loss.step) == 1
