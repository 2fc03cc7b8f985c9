"""The online probe: beside the method, without a trace in it; in checkpoints, as exact as the rest."""

import dataclasses
import json
import signal

import pytest
import torch

from losslang.diagnostics import LosslangError
from losslang.training.loop import Interrupted, train
from losslang.training.online import ONLINE, OnlineProbe, wants_probe
from losslang.training.session import open_session
from losslang.training.signals import Pending
from losslang.training.together import train_together
from tests.training.test_images import RECIPE, cache, folder  # noqa: F401 - fixtures
from tests.training.test_images import plan as photo_plan
from tests.training.test_loop import StopAt, checkpoint, metrics, plan, same

ALWAYS = {"evaluation__online": "always"}


@pytest.mark.parametrize("method", ["byol", "vicreg"])
def test_the_method_trains_as_without_it(method, tmp_path):
    train(plan(method, tmp_path / "with", **ALWAYS))
    train(plan(method, tmp_path / "without"))
    one, two = checkpoint(tmp_path / "with"), checkpoint(tmp_path / "without")
    assert one.pop("probe")["counts"].shape == (2,)
    assert same(one, two)
    mine, theirs = metrics(tmp_path / "with"), metrics(tmp_path / "without")
    added = {name for line in mine for name in line} - {name for line in theirs for name in line}
    assert added == {"online_probe", "online_train"}
    assert [{k: v for k, v in line.items() if k not in added} for line in mine] == theirs


def test_it_learns_the_classes_and_says_how_it_was_trained(tmp_path):
    result = train(plan("simsiam", tmp_path / "run", steps="150", **ALWAYS))
    lines = metrics(tmp_path / "run")
    assert lines[0]["online_probe"] < 0.3  # eight classes
    assert lines[-1]["online_train"] > 0.3  # the noise is heavy
    assert result["online_probe"] > 0.8
    assert result["online_protocol"] == ONLINE


def test_a_resumed_run_has_the_same_probe(tmp_path):
    train(plan("byol", tmp_path / "whole", **ALWAYS))
    broken = plan("byol", tmp_path / "broken", **ALWAYS)
    with pytest.raises(Interrupted):
        train(broken, tell=StopAt(15, signal.SIGTERM))
    train(broken, resume=True)
    assert same(checkpoint(tmp_path / "whole"), checkpoint(tmp_path / "broken"))
    assert metrics(tmp_path / "whole") == metrics(tmp_path / "broken")


def test_its_step_is_that_of_softmax_regression_on_normalised_features():
    """Against the formula: gradient (softmax − one-hot)ᵀ features / rows, at rate 0.1, from zero."""
    encoder = torch.nn.Flatten()
    probe = OnlineProbe(encoder, 3, 2, (3, 1, 1), torch.empty(0, dtype=torch.float64), of_all=False)
    x, labels = (
        torch.randn(8, 3, 1, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(1)),
        torch.arange(4) % 2,
    )
    encoder(torch.randn(8, 3, 2, 2))  # a crop of another size
    encoder(x)
    encoder.eval()
    encoder(x)  # an evaluation
    probe.learn(labels, 0.0)
    rows = x.flatten(1)
    rows = (rows - rows.mean(0)) / (rows.var(0, correction=0) + 1e-5).sqrt()
    wanted = torch.nn.functional.one_hot(labels.repeat(2)).double() - 0.5
    torch.testing.assert_close(probe.classifier[1].weight, 0.1 * wanted.T @ rows / 8)
    torch.testing.assert_close(probe.classifier[1].bias, 0.1 * wanted.mean(0))
    assert probe.reading() == {"online_train": 0.5}  # class 0 everywhere before the step
    assert probe.reading() == {}


def test_photos_have_one_where_they_have_classes(cache, tmp_path):  # noqa: F811
    path = tmp_path / "tiny.yaml"
    path.write_text(RECIPE)
    planned = photo_plan("dino", str(path), cache, tmp_path / "run", augmentation="dino")
    assert wants_probe(planned)
    assert open_session(planned).probe is not None
    assert not wants_probe(dataclasses.replace(planned, dataset=dataclasses.replace(planned.dataset, classes=1)))
    assert not wants_probe(photo_plan("dino", str(path), cache, None, evaluation__online="never"))
    assert not wants_probe(plan("simsiam", tmp_path))
    result = train(planned)
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert all(0 <= line["online_train"] <= 1 for line in lines[1:])
    assert 0 <= result["online_probe"] <= 1


def test_who_asks_for_one_that_cannot_be_is_told(tmp_path):
    asked = plan("simsiam", tmp_path, **ALWAYS)
    with pytest.raises(LosslangError, match="blobs has no classes that a probe could tell apart"):
        wants_probe(dataclasses.replace(asked, dataset=dataclasses.replace(asked.dataset, classes=1)))
    pieces = plan("simsiam", tmp_path, backbone__norm="none", microbatch="8", batchnorm="microbatch", **ALWAYS)
    with pytest.raises(LosslangError, match="a probe needs whole batches"):
        open_session(pieces)


def test_in_ensembles_runs_with_a_probe_step_alone_and_say_so(tmp_path):
    first = plan("simsiam", tmp_path, **ALWAYS)
    each = [first.with_seed(seed, tmp_path / str(seed)) for seed in (0, 1)]
    said: list[str] = []
    assert train_together(each, pending=Pending(), say=said.append)
    assert said == ["simsiam on blobs: 2 runs go on one by one (a run with an online probe steps alone)"]
    train(dataclasses.replace(each[1], folder=tmp_path / "alone"))
    assert same(checkpoint(tmp_path / "1"), checkpoint(tmp_path / "alone"))
