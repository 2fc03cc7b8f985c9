"""Settings under `recipes:` of method files; tests/corpus/recipes has what is said of wrong ones."""

import json
import subprocess
import sys

import pytest

from losslang.cli import main
from losslang.pipeline import load
from losslang.shipped import shipped_specs
from losslang.training.overrides import override_mistakes
from losslang.training.plan import check_override
from losslang.training.settings import Setting

WRONG = "losslang: 1\nmethod: m\nextends: simsiam\nrecipes: {toy: {stepz: 3, data: digits}}\n"


@pytest.mark.parametrize("name", [name for name, path in shipped_specs().items() if load(path).recipes])
def test_the_settings_of_methods_that_ship_hold(name):
    spec = load(shipped_specs()[name])
    for recipe, settings in spec.recipes.items():
        for key, value in settings.items():
            check_override(spec, recipe, key, Setting(value, "here"))


def test_mistakes_are_diagnostics_with_their_places(tmp_path, capsys):
    (tmp_path / "m.yaml").write_text(WRONG, encoding="utf-8")
    (found,) = override_mistakes(load(tmp_path / "m.yaml"))
    assert (found.code, found.span.line, found.span.text) == ("E601", 4, "stepz")
    assert main(["check", str(tmp_path / "m.yaml"), "--format", "json"]) == 1
    assert [row["code"] for row in json.loads(capsys.readouterr().out)["diagnostics"]] == ["E601"]


def test_checking_what_ships_does_not_wait_for_pydantic():
    code = "import sys; from losslang.cli import main; main(['check', 'simsiam']); print('pydantic' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "False"


def test_a_recipe_that_there_is_not_is_said_before_runs(tmp_path, capsys):
    text = "losslang: 1\nmethod: m\nextends: simsiam\nrecipes: {toyy: {batch_size: 64}, lab: {steps: 3}, mine: {steps: 4}}\n"
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "lab.yaml").write_text("steps: 5\n", encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine.yaml").write_text("steps: 6\n", encoding="utf-8")
    method = str(tmp_path / "m.yaml")
    assert main(["train", method, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "m.yaml:4: there is no recipe `toyy`, so this is never used; did you mean `toy`?" in said
    assert "there is no recipe `mine`" in said
    assert "there is no recipe `lab`" not in said
    assert main(["train", method, "--dry-run", "--recipe", str(tmp_path / "elsewhere" / "mine.yaml")]) == 0
    assert "there is no recipe `mine`" not in capsys.readouterr().out
    assert main(["check", method]) == 0
    assert "warning[W601]" in capsys.readouterr().out


def test_everything_wrong_with_settings_is_said_at_once(capsys):
    sets = ["lr=3", "optimizer.momentum=3", "parameters.xx=2", "optimizer.networks.pred.scale=1", "batch_size=a"]
    arguments = [part for setting in sets for part in ("--set", setting)]
    assert main(["train", "simsiam", "--data", "blubs", *arguments]) == 1
    said = capsys.readouterr().err
    for words in (
        "`lr` is neither",
        "less than 1",
        "no parameter `xx`",
        "no network `pred`",
        "whole number",
        "`blobs`?",
    ):
        assert said.count(words) == 1
