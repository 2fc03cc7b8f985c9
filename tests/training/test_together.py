"""Ensembles: every member is its own run alone, whatever state its method has; and their folders are those of runs alone."""

import dataclasses

import pytest
import torch

from losslang.data.stream import Stream
from losslang.shipped import shipped_specs
from losslang.training.checkpoint import unpack
from losslang.training.ensemble import likeness
from losslang.training.loop import train
from losslang.training.plan import resolve_run
from losslang.training.session import open_session
from losslang.training.signals import Pending
from losslang.training.together import train_together
from tests.training.test_loop import flat, metrics

SHORT = {
    "steps": "12",
    "evaluation.every": "6",
    "log_every": "3",
    "checkpoint_every": "6",
    "batch_size": "64",
    "data": "moons",
}
SMALL = {"width": "16", "size": "8", "prototypes": "8", "queue": "128", "bottleneck": "8"}
EXACT = {"precision": "float64"}


def plans(method, out, seeds=(0, 1, 2), **sets):
    path = shipped_specs()[method]
    small = {name: value for name, value in SMALL.items() if f"{name}:" in path.read_text()}
    sets = SHORT | small | {k.replace("__", "."): v for k, v in sets.items()}
    first = resolve_run(path, sets=sets)
    return [first.with_seed(seed, out / f"{len(sets)}-{seed}") for seed in seeds]


def run_together(each, **options):
    found = {}
    finished = train_together(each, pending=options.pop("pending", Pending()), done=found.__setitem__, **options)
    return finished, [found.get(at) for at in range(len(each))]


def assert_close(one, two, tolerance):
    one, two = flat(one), flat(two)
    assert one.keys() == two.keys()
    for name, value in one.items():
        if isinstance(value, torch.Tensor):
            torch.testing.assert_close(value, two[name], rtol=tolerance, atol=tolerance, equal_nan=True, msg=name)
        elif isinstance(value, float):
            assert value == pytest.approx(two[name], rel=tolerance * 100, abs=tolerance * 100), name
        else:
            assert value == two[name], name


def assert_same_run(one, two, tolerance):
    """Everything in two run folders, but for times and what a name of a folder says."""
    assert sorted(p.name for p in one.iterdir()) == sorted(p.name for p in two.iterdir())
    for name in ("checkpoint.pt", "checkpoint.previous.pt"):
        assert_close(unpack(one / name, "cpu"), unpack(two / name, "cpu"), tolerance)
    for mine, theirs in zip(metrics(one), metrics(two), strict=True):
        assert_close(mine, theirs, tolerance)
    assert (one / "settings.json").read_text() == (two / "settings.json").read_text()
    assert (one / "emitted.py").read_text() == (two / "emitted.py").read_text()


METHODS = ["simsiam", "byol", "vicreg", "dino", "mocov2", "swav", "center_penalty", "barlow"]


def alone(plan, out):
    return dataclasses.replace(plan, folder=out / "alone" / plan.folder.name)


@pytest.mark.parametrize("method", METHODS)
def test_members_are_their_solo_runs(method, tmp_path):
    each = plans(method, tmp_path / "together", seeds=(0, 1), **EXACT, evaluation__every="0")
    said = []
    finished, outcomes = run_together(each, say=said.append)
    assert finished
    assert not said  # nothing went on one by one
    result = train(alone(each[1], tmp_path))
    assert_same_run(each[1].folder, alone(each[1], tmp_path).folder, 1e-9)
    assert_close(*({k: v for k, v in of.items() if k != "seconds"} for of in (outcomes[1].result, result)), 1e-9)


def test_in_float32_members_are_their_solo_runs_within_rounding(tmp_path):
    each = plans("byol", tmp_path / "together", evaluation__every="0")
    run_together(each)
    train(alone(each[2], tmp_path))
    assert_same_run(each[2].folder, alone(each[2], tmp_path).folder, 1e-4)


@pytest.mark.parametrize(("optimizer", "tolerance"), [("sgd", 1e-9), ("adamw", 1e-7)])
def test_members_differ_in_settings_and_parameters(tmp_path, optimizer, tolerance):
    """Learning rate, clipping, the momentum of the target: each its own, in one ensemble.

    AdamW divides the gradient of a bias before batch norm, which is nothing but rounding, by its own length.
    """
    settings = [
        {"optimizer__learning_rate": "0.01", "momentum": "0.9", "optimizer__clip__norm": "0.1"},
        {"optimizer__learning_rate": "0.03", "momentum": "0.99", "optimizer__clip__norm": "5"},
    ]
    same = {**EXACT, "evaluation__every": "0", "optimizer__name": optimizer}
    each = [plans("byol", tmp_path / str(at), seeds=(at,), **same, **own)[0] for at, own in enumerate(settings)]
    said = []
    run_together(each, say=said.append)
    assert not said
    for plan in each:
        train(alone(plan, plan.folder.parent))
        assert_same_run(plan.folder, alone(plan, plan.folder.parent).folder, tolerance)


def test_weights_of_terms_are_numbers_of_the_members(tmp_path):
    weights = ("1", "25")
    each = [
        plans("vicreg", tmp_path / weight, seeds=(0,), **EXACT, variance=weight, evaluation__every="0")[0]
        for weight in weights
    ]
    assert likeness(open_session(each[0])) == likeness(open_session(each[1]))
    run_together(each)
    for plan in each:
        train(alone(plan, plan.folder.parent))
        assert_same_run(plan.folder, alone(plan, plan.folder.parent).folder, 1e-9)


def test_members_see_their_own_data(tmp_path):
    """Points of both data sets in one ensemble; the emitted loss is the same, and the networks are."""
    each = [
        plan
        for data in ("moons", "blobs")
        for plan in plans("byol", tmp_path / data, seeds=(0, 1), **EXACT, data=data, evaluation__every="0")
    ]
    assert len({likeness(open_session(plan)) for plan in each}) == 1
    run_together(each)
    for plan in (each[1], each[2]):
        train(alone(plan, plan.folder.parent))
        assert_same_run(plan.folder, alone(plan, plan.folder.parent).folder, 1e-9)


def test_methods_side_by_side_share_batches(tmp_path, monkeypatch):
    made = []
    real = Stream._make
    monkeypatch.setattr(Stream, "_make", lambda self, steps: made.extend(steps) or real(self, steps))
    names = ["simsiam", "simsiam_no_stopgrad"]
    each = [plan for name in names for plan in plans(name, tmp_path / name, seeds=(0, 1), evaluation__every="0")]
    run_together(each)
    assert made == list(range(48))  # an epoch, once for both methods


def test_what_cannot_be_stacked_goes_on_one_by_one(tmp_path):
    each = plans("vibcreg", tmp_path, seeds=(0, 1), steps="3", evaluation__every="0")
    said = []
    finished, outcomes = run_together(each, say=said.append)
    assert finished
    assert said == [
        "vibcreg on moons: 2 runs go on one by one (the layer IterNorm is not known for many members at once)"
    ]
    assert all(outcome.result for outcome in outcomes)


def test_a_member_that_explodes_leaves_the_others_alone(tmp_path):
    rates = ["1e30", "0.1"]
    each = [
        plans("vicreg", tmp_path / rate, seeds=(0,), optimizer__learning_rate=rate, evaluation__every="0")[0]
        for rate in rates
    ]
    finished, outcomes = run_together(each)
    assert finished
    assert outcomes[0].result is None
    assert "is no finite number at step" in outcomes[0].failure
    train(alone(each[1], tmp_path))
    assert_same_run(each[1].folder, alone(each[1], tmp_path).folder, 1e-4)


class Stop(Pending):
    """A signal that comes when it has been asked for so many times."""

    def __init__(self, after):
        super().__init__()
        self.after = after

    def __getattribute__(self, name):
        if name == "number":
            self.after -= 1
            return 15 if self.after < 0 else 0
        return super().__getattribute__(name)


@pytest.mark.parametrize("after", [8])
def test_an_interrupted_ensemble_goes_on_exactly(tmp_path, after):
    whole, broken = (plans("byol", tmp_path / name, seeds=(0, 1), evaluation__every="0") for name in "ab")
    run_together(whole)
    finished, outcomes = run_together(broken, pending=Stop(after))
    assert (finished, outcomes) == (False, [None, None])
    finished, _ = run_together(broken)
    assert finished
    for one, two in zip(whole, broken, strict=True):
        for name in ("metrics.jsonl", "checkpoint.pt"):
            assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes()


def test_members_between_two_checkpoints_go_back_to_the_one_that_all_have(tmp_path):
    whole, broken = (plans("byol", tmp_path / name, seeds=(0, 1), evaluation__every="0") for name in "ab")
    run_together(whole)
    run_together(broken, pending=Stop(9))
    behind = broken[0].folder
    (behind / "checkpoint.previous.pt").replace(behind / "checkpoint.pt")  # as if killed before this one saved again
    run_together(broken)
    for one, two in zip(whole, broken, strict=True):
        for name in ("metrics.jsonl", "checkpoint.pt"):
            assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes()


def test_finished_runs_are_left_as_they_are(tmp_path):
    each = plans("simsiam", tmp_path, seeds=(0, 1), evaluation__every="0")
    run_together(each[:1])
    before = {path: path.stat().st_mtime_ns for path in each[0].folder.iterdir()}
    finished, outcomes = run_together(each)
    assert finished
    assert [outcome.result["seed"] for outcome in outcomes] == [0, 1]
    assert {path: path.stat().st_mtime_ns for path in each[0].folder.iterdir()} == before
