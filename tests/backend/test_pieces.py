"""Micro-batches by gradient cache are the undivided step, where no network has statistics of the batch."""

import os

import pytest
import torch
from torch import nn

import losslang
from losslang.backend.pieces import backward_in_pieces, statistical_networks
from losslang.networks.statistics import has_batch_statistics
from losslang.shipped import shipped_specs
from tests.processes.trials import ROWS, batches, small

NAMES = ["barlow", "byol", "deepcluster2", "dino", "mocov2", "simclr", "swav", "triplet", "vicreg", "wmse"]
if os.environ.get("LOSSLANG_TESTS") == "full":  # a quarter of a minute on one quiet core
    NAMES = list(shipped_specs())


def model_of(spec, *, norm, estimate=None):
    torch.manual_seed(0)
    middle = nn.BatchNorm1d(8) if norm else nn.LayerNorm(8)
    backbone = nn.Sequential(nn.Linear(3, 8), middle, nn.ReLU(), nn.Linear(8, 8))
    clock = {"steps": 20, "steps_per_epoch": 2, "images": 2 * ROWS}
    model = losslang.compile(spec, backbone=backbone, feature_size=8, estimate=estimate, **clock)
    for module in [] if norm else list(model.modules()):
        for name, child in module.named_children():
            if has_batch_statistics(child) and not list(child.children()):
                setattr(module, name, nn.Dropout(0.2))  # draws that the second pass must repeat
    return model.double()


def steps_of(name, size, *, norm=False, estimate=None):
    """The parameters, buffers and terms after three steps, and the terms of each."""
    spec = small(name)
    model = model_of(spec, norm=norm, estimate=estimate)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    terms = []
    for views, images in list(batches(spec))[:3]:
        rows = (images,) if model.takes_rows else ()
        torch.manual_seed(7)
        optimizer.zero_grad()
        if size is None:
            out = model(views, *rows)
            out.total.backward()
        else:
            out = backward_in_pieces(model, views, *rows, size=size)
        optimizer.step()
        model.after_step()
        terms += [value.item() for value in out.terms.values()]
    return torch.tensor(terms), {k: v for k, v in model.state_dict().items() if torch.is_tensor(v)}


PROBES = [
    ("vicreg", {"trace": "hutchinson", "probes": 4}),
    ("vicreg", {"trace": "hutch++", "probes": 4}),
    ("coding_rate", {"log_det": "lanczos", "probes": 4, "steps": 3}),
]


@pytest.mark.parametrize(("name", "estimate"), [*((name, None) for name in NAMES), *PROBES])
def test_pieces_are_the_whole_batch(name, estimate, monkeypatch):
    """Also with random probes: the loss draws them once a step, for all pieces."""
    monkeypatch.setattr(nn.Dropout, "forward", lambda _self, x: x)
    one, many = steps_of(name, None, estimate=estimate), steps_of(name, 7, estimate=estimate)
    assert torch.allclose(one[0], many[0], rtol=1e-12, atol=1e-12)
    for key, value in one[1].items():
        assert torch.allclose(value.double(), many[1][key].double(), rtol=1e-10, atol=1e-12, equal_nan=True), key
    if estimate is not None:
        assert not torch.equal(one[0], steps_of(name, None)[0])  # something was estimated


def test_the_second_pass_draws_what_the_first_drew():
    one, again = steps_of("simclr", None), steps_of("simclr", ROWS)
    assert torch.equal(one[0], again[0])
    assert all(torch.allclose(value, again[1][key]) for key, value in one[1].items())


def test_with_batch_norm_pieces_are_something_else():
    one, many = steps_of("simclr", None, norm=True), steps_of("simclr", 7, norm=True)
    assert not torch.allclose(one[0], many[0], rtol=1e-3)
    assert (
        many[1]["front.networks.encoder.1.num_batches_tracked"] == 3 * 6
    )  # steps and pieces, views together: once each


def test_networks_with_statistics_are_named():
    assert statistical_networks(model_of(small("simclr"), norm=True)) == ["encoder", "projector"]
    assert not statistical_networks(model_of(small("simclr"), norm=False))
