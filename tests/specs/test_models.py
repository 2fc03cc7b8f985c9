"""Every shipped method as a whole model: small networks, a few optimiser steps, nothing but finite numbers."""

from __future__ import annotations

from copy import deepcopy
from functools import cache

import pytest
import torch
from torch import Tensor, nn

import losslang
from losslang.shipped import shipped_specs
from tests.methods import shipped

SMALL = {"width": 16, "size": 8, "bottleneck": 8, "prototypes": 10, "queue": 64, "slices": 16, "rows": 16, "start": 0}
IMAGES, PIXELS = 32, 12
METHODS = sorted(shipped_specs())
SIZES_BY_NAME = set(SMALL) - {"rows", "start"}


def _model(method: str) -> nn.Module:
    """A model of its own; each method is compiled once."""
    return deepcopy(_compiled(method))


@cache
def _compiled(method: str) -> nn.Module:
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Linear(PIXELS, 16), nn.BatchNorm1d(16), nn.ReLU())
    known = shipped(method).parameters
    small = {name: value for name, value in SMALL.items() if name in known}
    clock = {"steps": 20, "steps_per_epoch": 2, "images": IMAGES}
    return losslang.compile(method, backbone=backbone, feature_size=16, parameters=small, **clock)


def _rows(model: nn.Module) -> tuple[Tensor, ...]:
    return (torch.arange(IMAGES),) if model.takes_rows else ()


def _views(model: nn.Module, seed: int) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(seed)
    images = torch.randn(IMAGES, PIXELS, generator=random)
    noise = 0.3 * torch.randn(len(model.spec.views), IMAGES, PIXELS, generator=random)
    return dict(zip(model.spec.views, images + noise, strict=True))


@pytest.mark.parametrize("method", METHODS)
def test_method_trains(method: str):
    model = _model(method)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.01)
    before = [p.detach().clone() for p in trained]
    for step in range(4):
        out = model(_views(model, step), *_rows(model))
        assert torch.isfinite(out.total)
        torch.testing.assert_close(sum(out.terms.values()), out.total)
        optimizer.zero_grad()
        out.total.backward()
        assert all(torch.isfinite(p.grad).all() for p in trained if p.grad is not None)
        optimizer.step()
        model.after_step()
    assert any(not torch.equal(old, new) for old, new in zip(before, trained, strict=True))


@pytest.mark.parametrize("method", METHODS)
def test_state_survives_a_round_trip(method: str):
    first, second = _model(method), _model(method)
    for step in range(3):
        first(_views(first, step), *_rows(first))
        first.after_step()
    second.load_state_dict(first.state_dict())
    one, two = (model(_views(model, 9), *_rows(model)).total for model in (first, second))
    torch.testing.assert_close(one, two, rtol=0, atol=0)


@pytest.mark.parametrize("method", METHODS)
def test_sizes_are_parameters(method: str):
    """One recipe shrinks every method: no layer, queue or codebook has a size that is only a number in the file."""
    known = shipped(method).parameters
    wide = [name for name, value in known.items() if isinstance(value.value, int) and value.value >= 64]
    assert set(wide) <= SIZES_BY_NAME | {"rows", "distortion", "align", "attract", "covariance"}
