"""Several methods on photos in one process: each is its run alone, and a batch is read and augmented once for all."""

import dataclasses
import io
import json
import signal
from collections import Counter

import numpy as np
import pytest
import torch
from rich.console import Console

from losslang.cli import main
from losslang.data import batches
from losslang.data.readers import FolderReader
from losslang.data.shared import Made
from losslang.shipped import shipped_specs
from losslang.training.evaluate import evaluate
from losslang.training.side_by_side import sharing, train_side_by_side
from losslang.training.signals import Pending
from tests.training.test_images import RECIPE, cache, folder, plan  # noqa: F401 - fixtures
from tests.training.test_loop import checkpoint, same

METHODS = ("simsiam", "byol", "vicreg")


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(RECIPE.replace("calibration: 2", "calibration: 1"))
    return str(path)


def command(recipe, data, out, *options, methods=METHODS):
    specs = [str(shipped_specs()[method]) for method in methods]
    return ["train", *specs, "--recipe", recipe, "--data", str(data), "--out", str(out), *options]


@pytest.fixture
def counted(monkeypatch):
    """How often each image was decoded for a batch, and how many views were made."""
    found = {"decoded": Counter(), "views": 0}
    read, augment = FolderReader.read, batches.augment

    def reading(self, images):
        if len(images) == 32:  # a batch: evaluation reads other numbers
            found["decoded"].update(images.tolist())
        return read(self, images)

    def augmenting(*arguments):
        found["views"] += 1
        return augment(*arguments)

    monkeypatch.setattr(FolderReader, "read", reading)
    monkeypatch.setattr(batches, "augment", augmenting)
    return found


def test_a_batch_is_decoded_and_augmented_once_for_all(recipe, folder, tmp_path, counted, capsys):  # noqa: F811
    """From files: 6 steps and what was read ahead; the calibrating step of all runs is on the first of these batches."""
    assert main(command(recipe, folder, tmp_path / "together")) == 0
    told = capsys.readouterr().out
    assert "simsiam, byol, vicreg: side by side on the same batches of shapes, seed 0" in told
    assert [f"  {method}: step 0" in told for method in METHODS] == [True] * 3
    assert sum(counted["decoded"].values()) <= 32 * (6 + 1 + 3 * 2)
    assert counted["views"] == 2 * 6
    counted.update(views=0, decoded=Counter())
    assert main(command(recipe, folder, tmp_path / "alone", "--in-turn", "--quiet")) == 0
    assert sum(counted["decoded"].values()) >= 32 * 3 * 7
    assert counted["views"] == 2 * 3 * (6 + 1)
    for method in METHODS:
        one, two = (tmp_path / kind / f"{method}-shapes" for kind in ("together", "alone"))
        assert same(checkpoint(one), checkpoint(two))
        assert (one / "metrics.jsonl").read_text() == (two / "metrics.jsonl").read_text()
        assert (one / "settings.json").read_text() == (two / "settings.json").read_text()
    assert evaluate(one)["measured"] == evaluate(two)["measured"]  # of the last: the same bits as alone


def test_methods_with_views_of_their_own_share_the_photos(recipe, cache, tmp_path, counted):  # noqa: F811
    plans = [
        plan("simsiam", recipe, cache, tmp_path / "a", epochs="1"),
        plan("dino", recipe, cache, tmp_path / "b", epochs="1", augmentation="dino"),
    ]
    quiet = Console(file=io.StringIO())
    outcomes = train_side_by_side(plans, quiet, Pending(), resume=False, quiet=True)
    assert [outcome.result["steps"] for outcome in outcomes] == [3, 3]
    assert counted["views"] == (2 + 10) * 3


def test_a_break_and_going_on(recipe, cache, tmp_path, monkeypatch):  # noqa: F811
    out = tmp_path / "together"
    pending = Pending()
    plans = [plan(method, recipe, cache, out / method) for method in METHODS]
    quiet = Console(file=io.StringIO())

    def stop(self, record):
        if record["step"] == 3 and "center_norm" not in record:
            pending.number = int(signal.SIGTERM)

    monkeypatch.setattr("losslang.training.progress._Lines.show", stop)
    outcomes = train_side_by_side(plans, quiet, pending, resume=False, quiet=False)
    assert [outcome.failure for outcome in outcomes] == [
        f"interrupted; --resume goes on from the checkpoint in {out / method}" for method in METHODS
    ]
    monkeypatch.undo()
    outcomes = train_side_by_side(plans, quiet, Pending(), resume=True, quiet=True)
    for planned, outcome in zip(plans, outcomes, strict=True):
        assert outcome.result["steps"] == 6
        lines = [json.loads(line) for line in (planned.folder / "metrics.jsonl").read_text().splitlines()]
        assert [line["step"] for line in lines] == list(range(7))
    whole = [dataclasses.replace(planned, folder=tmp_path / "whole" / planned.folder.name) for planned in plans]
    train_side_by_side(whole, quiet, Pending(), resume=False, quiet=True)
    for one, two in zip(plans, whole, strict=True):
        assert same(checkpoint(one.folder), checkpoint(two.folder))


def test_who_shares_with_whom(recipe, cache, tmp_path):  # noqa: F811
    each = [plan(method, recipe, cache, tmp_path / method) for method in METHODS]
    seeded = [planned.with_seed(1, tmp_path / "other") for planned in each[:1]]
    small = plan("byol", recipe, cache, tmp_path / "small", batch_size="16")
    assert sharing([*each, *seeded, small]) == [each, seeded, [small]]
    assert sharing(each, in_turn=True) == [[planned] for planned in each]


def test_two_readers_of_the_same_files_are_equal(recipe, folder, cache, tmp_path):  # noqa: F811
    one, two = (plan("byol", recipe, folder, None).dataset.load() for _ in range(2))
    assert one.train.inputs == two.train.inputs
    assert hash(one.train.inputs) == hash(two.train.inputs)
    assert one.train.inputs != one.test.inputs
    assert one.train.inputs != plan("byol", recipe, cache, None).dataset.load().train.inputs
    assert np.array_equal(one.train.labels, two.train.labels)


def test_only_the_last_step_is_kept():
    made, calls = Made(), []

    def make(value):
        def call():
            calls.append(value)
            return torch.tensor(value)

        return call

    assert made.part(0, "a", make(1)) is made.part(0, "a", make(2))
    made.part(0, "b", make(3))
    assert int(made.part(1, "a", make(4))) == 4
    assert int(made.part(0, "a", make(5))) == 5
    assert calls == [1, 3, 4, 5]
