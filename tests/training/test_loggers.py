"""Other places for the metrics."""

import sys
from types import SimpleNamespace

import pytest

from losslang.cli import main
from losslang.shipped import shipped_specs
from losslang.training.loggers import LOGGERS, numbers
from losslang.training.recipe import Recipe

SIMSIAM = str(shipped_specs()["simsiam"])


def train(folder, name):
    sets = [part for s in ("steps=20", "log_every=10", f"log_to=[{name}]") for part in ("--set", s)]
    return main(["train", SIMSIAM, *sets, "--out", str(folder), "--quiet"])


def test_numbers_have_the_names_of_the_metrics():
    record = {"step": 5, "total": 1.0, "terms": {"align": 2}, "alarm": {"kind": "constant"}, "flag": True}
    assert numbers(record) == {"total": 1.0, "terms/align": 2.0}


def test_the_recipe_knows_the_same_places():
    assert set(LOGGERS) == {"tensorboard", "wandb"}
    assert Recipe.model_validate({"log_to": ("tensorboard", "wandb")}).log_to == ("tensorboard", "wandb")


def test_wandb_gets_every_record_and_is_closed(tmp_path, monkeypatch):
    said = []
    run = SimpleNamespace(log=lambda values, step: said.append((step, values)), finish=lambda: said.append("end"))
    fake = SimpleNamespace(init=lambda **options: said.append(options) or run)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    assert train(tmp_path / "run", "wandb") == 0
    options, *logged, end = said
    assert options["project"] == "losslang"
    assert options["config"]["method"] == "simsiam"
    assert [step for step, _ in logged] == [0, 10, 20]
    assert "terms/align" in logged[-1][1]
    assert "batch/center_norm" in logged[-1][1]
    assert end == "end"


@pytest.mark.parametrize(("name", "module"), [("wandb", "wandb"), ("tensorboard", "torch.utils.tensorboard")])
def test_what_is_missing_is_said_before_training(tmp_path, monkeypatch, capsys, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    assert train(tmp_path / "run", name) == 1
    assert f"losslang[{name}]" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_tensorboard_reads_what_was_written(tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard, an extra, is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert train(tmp_path / "run", "tensorboard") == 0
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("terms/align")] == [10, 20]
    assert "batch/center_norm" in events.Tags()["scalars"]
