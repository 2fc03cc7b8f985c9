"""`losslang train --dry-run`: what it says is what would happen."""

import re

import pytest
from torch import nn

from losslang.cli import main
from losslang.shipped import shipped_specs
from losslang.training import preview
from losslang.training.plan import resolve_run
from losslang.training.plans import TrainOptions, make_plans

SIMSIAM = str(shipped_specs()["simsiam"])


def test_imagenet100_is_previewed_without_data(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", SIMSIAM, "--recipe", "imagenet100", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    text = "\n".join(lines)
    assert "197,600 steps of 256 images, 400 epochs" in text
    assert "126,464 images and 252,928 views an epoch, 494 steps" in text
    assert "not prepared here: training would stop" in text
    assert "encoder: 11,176,512 parameters that train" in text
    rate = next(line for line in lines if line.startswith("  optimizer.learning_rate"))
    name, value, place, *where = rate.split()
    assert [name, value, *where] == ["optimizer.learning_rate", "0.5", "recipes:", "imagenet100"]
    assert re.fullmatch(rf"{re.escape(str(SIMSIAM))}:\d+,", place)
    assert any("recipes/imagenet100.yaml:" in line for line in lines if line.startswith("  epochs"))
    assert "TFLOP a step" in text
    assert "roughly" in text
    hours = next(line for line in lines if "H100 or H200" in line)  # 197,600 steps of 5.49 TFLOP at 263.3 TFLOP/s
    assert hours.split()[1:3] == ["68.6", "minutes"]
    # 7/4 · 4 B · 22.7 M
    assert "of 8 processes each sends 0.16 GB of gradients in one exchange after every step" in text
    assert "the loss exchanges values 2 times forward and 0 back, 14 bytes sent by each" in text
    assert "together 150 exchanges a step" in text  # 24 norms on 2 views 3 times, the loss, a classifier, gradients
    assert next(line for line in lines if line.startswith("  seed ")).split() == ["seed", "0", "default"]
    assert not list(tmp_path.iterdir())


def test_what_trains_later_is_said_and_counted():
    """SwAV's prototypes lie in the loss, and are still in the first epoch."""
    text = "\n".join(preview.preview(resolve_run(shipped_specs()["swav"], "imagenet100")))
    assert "codebook: 384,000 parameters that train, 384,000 of them after 494 steps" in text
    assert f"together {11_176_512 + 1_316_992 + 384_000:,} that train" in text
    text = "\n".join(preview.preview(resolve_run(shipped_specs()["dino"], "imagenet100")))
    assert "target: 0 parameters that train, 17,996,608 that do not" in text


@pytest.mark.parametrize("started", [["--processes", "2"], []])
def test_several_processes_are_previewed_by_one(tmp_path, monkeypatch, capsys, started):
    """Also under a launcher, where the others keep silent; nobody waits for anybody."""
    monkeypatch.chdir(tmp_path)
    if not started:
        monkeypatch.setenv("WORLD_SIZE", "2")
        monkeypatch.setenv("RANK", "0")
    assert main(["train", SIMSIAM, "--dry-run", *started]) == 0
    text = capsys.readouterr().out
    assert "of 2 processes each sends" in text
    assert "TFLOP a step" in text
    monkeypatch.setenv("RANK", "1")
    assert main(["train", SIMSIAM, "--dry-run", *started]) == 0
    assert not capsys.readouterr().out


@pytest.mark.parametrize("processes", ["0", "-1"])
def test_no_process_is_a_mistake(capsys, processes):
    for more in ([], ["--dry-run"]):
        assert main(["train", SIMSIAM, f"--processes={processes}", *more]) == 1
        assert f"--processes {processes}: at least one is needed" in capsys.readouterr().err


def test_seeds_say_where_they_come_from():
    seeds = [plan.settings.get("seed") for plan in make_plans([SIMSIAM], TrainOptions(seed=3, seeds=2))]
    assert [(setting.value, setting.source) for setting in seeds] == [(3, "--seed"), (4, "--seeds")]


def test_the_cost_is_counted():
    """Of the toy networks the products can be counted by hand: forward, and backward to weights and inputs."""
    plan = resolve_run(SIMSIAM, sets={"backbone.norm": "none", "batch_size": "100"})
    model = preview._model(plan)
    layers = [m for m in model.modules() if isinstance(m, nn.Linear)]
    first = next(m for m in model.encoder.modules() if isinstance(m, nn.Linear))
    products = [2 * 100 * m.in_features * m.out_features * (2 if m is first else 3) * 2 for m in layers]
    cost = preview.cost_of_step(plan, model)
    assert cost.flops == sum(products)
    assert cost.kept > 100 * 2 * 4 * sum(m.in_features for m in layers)
    assert all(p.grad is None or p.grad.shape == p.shape for p in model.parameters())


def test_the_step_that_is_counted_is_the_one_that_would_run():
    """Multi-crop, queues and targets included."""
    for method in ("dino", "swav", "mocov2"):
        plan = resolve_run(shipped_specs()[method], sets={"batch_size": "8"})
        assert preview.cost_of_step(plan, preview._model(plan)).flops > 0


def test_every_method_has_a_plan_for_photos():
    """The image recipes fit all methods that ship, parameters and networks included."""
    for recipe in ("imagenet100", "cifar"):
        for path in shipped_specs().values():
            plan = resolve_run(path, recipe)
            assert all(type(policy).__name__ == "Photo" for policy in plan.policies.values())
