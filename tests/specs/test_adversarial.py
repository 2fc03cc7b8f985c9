"""Embeddings that break naive code, for every shipped method, in float32: finite values and finite gradients.

Collapsed, nearly collapsed, tiny and huge rows, a batch of two, batches below and above the dimension, half precision.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from losslang.parity import cards
from tests.methods import compiled, shipped
from tests.specs.trials import BATCH, FEATURE, TRIALS, Trial

SINGULAR = {"wmse", "wmse_solo"}
"""A covariance without inverse has no Cholesky factor: torch raises, here as in the authors' code (whitening needs N > D)."""
LOGLESS = {"frossl", "frossl_twoview"}
"""The logarithm of a norm that is exactly zero, as in the authors' code."""


def _resized(trial: Trial, batch: int, feature: int) -> Trial:
    shape = {BATCH: batch, FEATURE: feature}
    sizes = lambda shapes: (*shapes[:-2], batch, shape.get(shapes[-1], shapes[-1]))  # noqa: E731
    parameters = dict(trial.parameters)
    if "width" in parameters:
        parameters["width"] = feature
    return replace(trial, inputs={n: sizes(s) for n, s in trial.inputs.items()}, parameters=parameters)


def _draw(trial: Trial, batch: int = BATCH) -> dict[str, Tensor]:
    """Random embeddings, and the numbers of their images where a memory asks for them."""
    random = torch.Generator().manual_seed(3)
    embeddings = {name: torch.randn(shape, generator=random) for name, shape in trial.inputs.items()}
    return embeddings | trial.rows(batch)


def _collapsed(x: Tensor, noise: float = 0.0) -> Tensor:
    """Every row the same, up to noise."""
    row = x.flatten(0, -2)[:1]
    return row + noise * x


INPUTS = {
    "collapsed": _collapsed,
    "nearly_collapsed": lambda x: _collapsed(x, 1e-4),
    "tiny": lambda x: 1e-20 * x,
    "zero": lambda x: 0 * x,
    "huge": lambda x: 1e6 * x,
}


def _assert_finite(loss: nn.Module, inputs: dict[str, Tensor]) -> None:
    inputs = {name: value.clone().requires_grad_(value.is_floating_point()) for name, value in inputs.items()}
    for _ in range(2):
        out = loss(**inputs)
        assert torch.isfinite(out.total), {name: term.item() for name, term in out.terms.items()}
        if out.total.requires_grad:
            out.total.backward()
        loss.after_step()
    for name, value in inputs.items():
        assert value.grad is None or torch.isfinite(value.grad).all(), f"gradient of {name}"


def _notes(method: str) -> str:
    """The notes of a method and of the one it is a variant of."""
    return " ".join(" ".join(shipped(name).notes for name in (method, cards()[method].extends) if name).split())


def _expect(method: str, loss: nn.Module, inputs: dict[str, Tensor], *, rank_is_full: bool, kind: str = "") -> None:
    """Finite, but where the mathematics has no value: then the error that the notes of the method name."""
    if method in SINGULAR and kind == "tiny":  # entries of 1e-40: builds of torch differ in what they keep of them
        with contextlib.suppress(torch.linalg.LinAlgError):
            _assert_finite(loss, inputs)
    elif method in SINGULAR and not rank_is_full:
        assert "no Cholesky factor" in _notes(method)
        with pytest.raises(torch.linalg.LinAlgError, match="embeddings have collapsed, or a batch"):
            _assert_finite(loss, inputs)
    elif method in LOGLESS and kind == "zero":
        assert "minus infinity" in _notes(method)
        assert loss(**inputs).total == -torch.inf
    else:
        _assert_finite(loss, inputs)


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("method", TRIALS)
def test_extreme_values(method: str, kind: str):
    trial = TRIALS[method]
    inputs = {name: INPUTS[kind](x) if x.is_floating_point() else x for name, x in _draw(trial).items()}
    full = kind in {"nearly_collapsed", "huge"}
    _expect(method, compiled(method, **trial.options), inputs, rank_is_full=full, kind=kind)


@pytest.mark.parametrize(("batch", "feature"), [(2, 6), (5, 16), (40, 4)])
@pytest.mark.parametrize("method", TRIALS)
def test_batch_and_dimension(method: str, batch: int, feature: int):
    trial = _resized(TRIALS[method], batch, feature)
    _expect(method, compiled(method, **trial.options), _draw(trial, batch), rank_is_full=batch > feature)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=["half", "bfloat16"])
@pytest.mark.parametrize("method", TRIALS)
def test_half_precision(method: str, dtype: torch.dtype):
    trial = TRIALS[method]
    loss = compiled(method, **trial.options)
    with torch.autocast("cpu", dtype=dtype):
        inputs = {name: value.to(dtype) if value.is_floating_point() else value for name, value in _draw(trial).items()}
        _assert_finite(loss, inputs)
