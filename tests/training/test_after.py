"""What is done with a run after training: it is measured again, and its weights go to other programs."""

import dataclasses
import functools
import importlib
import json
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from losslang.cli import main
from losslang.data.origin import find_images
from losslang.data.prepare import Preparation, prepare
from losslang.diagnostics import LosslangError
from losslang.evaluation.heads import Schedule
from losslang.evaluation.knn import weighted_knn_predict
from losslang.evaluation.measure import embed
from losslang.networks.backbones import make_backbone
from losslang.training.evaluate import PROTOCOL, evaluate
from losslang.training.export import TARGETS, export
from losslang.training.linear import linear_by_sgd
from losslang.training.loop import train
from losslang.training.record import settings_record
from losslang.training.reopen import recorded_plan, reopen
from tests.training.test_images import RECIPE, assert_onnx_gives, cache, folder, plan, works  # noqa: F401 - fixtures


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    path.write_text(RECIPE)
    return str(path)


def short_run(recipe_file, data, out):
    """A run of one epoch."""
    train(plan("byol", recipe_file, data, out, epochs="1", backbone__stem="imagenet", optimizer__for_batch="16"))
    return out


@pytest.fixture(scope="module")
def run(recipe_file, cache, tmp_path_factory):  # noqa: F811
    return short_run(recipe_file, cache, tmp_path_factory.mktemp("runs") / "byol")


@pytest.fixture(scope="module")
def run_on_colors(recipe_file, tmp_path_factory):
    """A run on noise about the colour of its class, which a hardly trained network tells, too; 96 images are held out."""
    root, rng = tmp_path_factory.mktemp("colors"), np.random.default_rng(0)
    for at in range(384):
        color = [(220, 60, 60), (60, 220, 60), (60, 60, 220), (220, 220, 60)][at % 4] + rng.normal(0, 6, 3)
        path = root / "colors" / ("train" if at < 288 else "val") / f"class{at % 4}" / f"{at}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((color + rng.normal(0, 6, (24, 24, 3))).clip(0, 255).astype(np.uint8)).save(path)
    data = prepare(find_images(root / "colors"), root / "cache", Preparation(size=24, processes=1)).path
    return short_run(recipe_file, data, root / "run")


def test_a_run_folder_is_the_same_plan_again(run, recipe_file, cache):  # noqa: F811
    again = recorded_plan(run)
    asked = plan("byol", recipe_file, cache, run, epochs="1", backbone__stem="imagenet", optimizer__for_batch="16")
    assert again.recipe.model_copy(update={"parameters": asked.recipe.parameters}) == asked.recipe
    assert again.policies == asked.policies
    assert again.spec.hash == asked.spec.hash
    one, two = settings_record(again), settings_record(asked)
    assert one["settings"] == two["settings"]


def test_evaluation_by_the_frozen_protocol(run, capsys):
    assert main(["eval", str(run)]) == 0
    shown = capsys.readouterr().out
    written = json.loads((run / "evaluation.json").read_text())
    assert written["protocol"] == PROTOCOL
    assert written["step"] == 3
    assert {"knn_20", "knn_200", "linear", "embedding_knn_20", "center_norm"} <= written["measured"].keys()
    assert f"knn_20                {written['measured']['knn_20']:.4f}" in shown
    assert evaluate(run)["measured"] == written["measured"]
    result = json.loads((run / "result.json").read_text())
    assert written["measured"]["linear"] == result["linear_probe"]


def test_linear_evaluation_by_sgd_on_crops(run_on_colors, capsys):
    run = run_on_colors
    assert main(["eval", str(run), "--linear", "sgd", "--epochs", "20"]) == 0
    told = capsys.readouterr()
    written = json.loads((run / "evaluation.json").read_text())
    assert 0.4 <= written["measured"]["linear_sgd"] <= 1  # chance of four classes is 0.25 ± 0.05
    assert written["measured"]["linear_sgd_rate"] in Schedule().rates
    assert "20 epochs of batches of 256" in written["protocol"]["linear_sgd"]
    assert "features of random crops" in written["protocol"]["linear_sgd"]
    assert written["protocol"]["linear"] == PROTOCOL["linear"]
    assert "linear_sgd " in told.out
    assert "20 epochs are done" in told.err
    assert main(["eval", str(run), "--linear", "sgd", "--epochs", "0"]) == 1
    assert "linear_sgd" not in evaluate(run)["measured"]


def test_held_out_samples_choose_nothing(run):
    """Other labels of the held-out part change the accuracy, and not the learning rate."""
    session = reopen(run)
    parts = [embed(session.model, part, ("a", "b"), "") for part in (session.samples.train, session.samples.test)]
    one, _ = linear_by_sgd(session, *parts, 2)
    wrong = (session.samples.test_labels + 1) % 4
    session.samples = dataclasses.replace(session.samples, test_labels=wrong)
    other, _ = linear_by_sgd(session, *parts, 2)
    assert one["linear_sgd_rate"] == other["linear_sgd_rate"]
    assert one["linear_sgd"] + other["linear_sgd"] <= 1


def test_evaluation_on_other_data(run, folder):  # noqa: F811
    found = evaluate(run, data=str(folder))
    assert found["file"].endswith("evaluation-shapes.json")
    with pytest.raises(LosslangError, match="is for photos, and moons holds points"):
        evaluate(run, data="moons")
    with pytest.raises(LosslangError, match="holds no run"):
        evaluate(folder)


def test_weighted_votes():
    """Two far neighbours of one class lose against one near neighbour of another; without weights they win."""
    train_, labels = torch.eye(3)[:, :2] + torch.tensor([[0.0, 0], [0, 0], [-0.2, 1]]), torch.tensor([1, 0, 0])
    test = torch.tensor([[1.0, 0.2]])
    similarity = torch.nn.functional.normalize(test, dim=1) @ torch.nn.functional.normalize(train_, dim=1).T
    votes = torch.zeros(2).index_add(0, labels, torch.exp(similarity[0] / 0.07))
    assert weighted_knn_predict(train_, labels, test, neighbours=3).tolist() == [int(votes.argmax())] == [1]


# ---------------------------------------------------------------- export


@pytest.mark.parametrize("target", ["safetensors", "onnx"])
def test_weights_load_where_they_go(run, target, tmp_path, capsys):
    out = tmp_path / f"w.{target}"
    assert main(["export", str(run), "--to", target, "-o", str(out)]) == 0
    assert "resnet18 of byol, step 3" in capsys.readouterr().out
    trained = reopen(run).model.encoder.float().eval()
    if target == "onnx":
        assert_onnx_gives(out, trained, (3, 16, 16))
    else:
        state = importlib.import_module("safetensors.torch").load_file(out)
        fresh = make_backbone("resnet18", (3, 16, 16), width=4).module
        fresh.load_state_dict(state)
        assert all(torch.equal(v, state[k]) for k, v in trained.state_dict().items())


@pytest.fixture(scope="module")
def one_step(recipe_file, cache, tmp_path_factory):  # noqa: F811
    """Runs of one step of networks in their usual form."""

    @functools.cache
    def of(network):
        usual = {"backbone__stem": "imagenet", "backbone__width": "64"} if network.startswith("resnet") else {}
        sets = {"backbone__name": network, "steps": "1", "evaluation__calibration": "1", **usual}
        out = tmp_path_factory.mktemp("one-step") / "run"
        train(plan("simsiam", recipe_file, cache, out, **sets))
        return out

    return of


def test_torchvision_and_timm_take_only_what_they_have(run, one_step):
    with pytest.raises(LosslangError, match="torchvision's resnet18 has width 64, and this one 4; --to safetensors"):
        export(run, "torchvision")
    for target in ("torchvision", "timm"):
        written = export(one_step("resnet18"), target)
        assert len(torch.load(written.path, weights_only=True)) == 120  # torchvision's entries without `fc`


@pytest.mark.parametrize(
    ("network", "target", "line"),
    [
        ("resnet18", "torchvision", "torchvision.models.get_model('resnet18'); model.fc = "),
        ("resnet18", "timm", "timm.create_model('resnet18', num_classes=0)"),
        ("vit_ti", "timm", "timm.create_model('vit_tiny_patch16_224', num_classes=0, img_size=16)"),
        ("torchvision:mobilenet_v3_small", "torchvision", "get_model('mobilenet_v3_small'); model.classifier = "),
        ("timm:resnet18", "timm", "timm.create_model('resnet18', num_classes=0)"),
    ],
)
def test_the_printed_lines_load_the_network(network, target, line, one_step):
    """And what they load gives the features of the run's own network."""
    if ":" in network and not works(target):
        pytest.skip(f"{target} is not installed, or not for this torch")
    run = one_step(network)
    written = export(run, target)
    assert line in written.usage
    if not works(target):
        pytest.skip(f"{target} is not installed, or not for this torch: the lines are not run")
    names = {"torch": torch, target: importlib.import_module(target)}
    for each in written.usage.splitlines():
        exec(each.strip(), names)
    session = reopen(run)
    x = torch.randn(3, *session.plan.input_shape, generator=torch.Generator().manual_seed(0))
    trained = session.model.encoder.float().eval()
    with torch.no_grad():
        torch.testing.assert_close(names["model"].eval()(x), trained(x), rtol=1e-4, atol=1e-5)


def test_torchvisions_networks_take_three_channels(tmp_path):
    sets = {"backbone__name": "resnet18", "backbone__stem": "imagenet", "backbone__width": "64"}
    planned = plan("simsiam", "toy", "digits", tmp_path, **sets)
    with pytest.raises(LosslangError, match="take 3 channels, and this one 1; --to timm"):
        TARGETS["torchvision"].check(planned)
    TARGETS["timm"].check(planned)
    first, _ = TARGETS["timm"].usage(torch.nn.Identity(), planned, tmp_path)
    assert first == "model = timm.create_model('resnet18', num_classes=0, in_chans=1)"


def test_a_missing_package_is_named(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    with pytest.raises(LosslangError, match=r"pip install 'losslang\[export\]'"):
        export(run, "safetensors")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(LosslangError, match="needs the package onnxscript"):
        export(run, "onnx")


def test_what_the_exporter_cannot_write_is_said(run, monkeypatch):
    def fails(*_arguments, **_options):
        raise torch.onnx.OnnxExporterError("no such operation\nand a long story")

    monkeypatch.setattr(torch.onnx, "export", fails)
    with pytest.raises(
        LosslangError, match="resnet18 cannot be written as ONNX: no such operation; --to safetensors can"
    ):
        export(run, "onnx")


def test_data_of_another_kind_than_the_run_was_trained_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "simsiam", "--set", "steps=2", "--out", "run", "--quiet"]) == 0
    assert main(["eval", "run", "--data", "digits"]) == 1
    assert "--data digits: the networks of run do not take its samples" in capsys.readouterr().err
