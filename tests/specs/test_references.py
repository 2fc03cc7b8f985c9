"""Every shipped method against its hand-written reference and against the numpy meaning, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import losslang
from losslang.meaning.evaluate import World, evaluate
from losslang.objective.schedules import Clock
from losslang.shipped import shipped_specs
from tests.methods import slope_along
from tests.references import REFERENCES
from tests.specs.trials import TRIALS, Trial

MAIN = ("simsiam", "byol", "simclr", "vicreg", "barlow", "center_penalty")
CALLS = 3


def _close(actual: Tensor | float, expected: Tensor | float, relative: float = 1e-10) -> None:
    """Equal up to `relative` of the largest entry."""
    one, two = (np.asarray(v.detach() if isinstance(v, Tensor) else v, dtype=float) for v in (actual, expected))
    off, allowed = np.abs(one - two).max(), relative * max(np.abs(two).max(), 1e-3)
    assert off <= allowed, f"off by {off:.2e}, allowed {allowed:.2e}, of {np.abs(two).max():.2e}"


def _directions(loss: nn.Module, trial: Trial) -> dict[str, Tensor]:
    """Random directions of our own in place of drawn ones."""
    if not trial.directions:
        return {}
    random = torch.Generator().manual_seed(2)
    size = trial.inputs["z"][-1]
    drawn = torch.nn.functional.normalize(torch.randn(trial.directions, size, generator=random, dtype=torch.float64))
    type(loss).forward.__globals__["unit_directions"] = lambda *_: drawn
    return {"directions": drawn.T}


def _grads(total: Tensor, inputs: dict[str, Tensor], loss: nn.Module) -> dict[str, Tensor]:
    """Gradients of inputs and of the parameters that live in the loss; zero where none arrives."""
    wanted = {**inputs, **{n: p for n, p in loss.named_parameters() if p.requires_grad}}
    found = torch.autograd.grad(total, list(wanted.values()), allow_unused=True)
    return {n: torch.zeros_like(w) if g is None else g for (n, w), g in zip(wanted.items(), found, strict=True)}


def _hyper(method: str, trial: Trial) -> dict[str, float]:
    parameters = losslang.load(method, parameters=trial.parameters).parameters
    clock = Clock(**trial.clock)
    value = lambda of: of.plan(clock).value(0) if hasattr(of, "plan") else of  # noqa: E731
    return {name: value(parameters[name].value) for name in trial.passed.split()} | trial.reference_hyper


@pytest.mark.parametrize("method", TRIALS)
def test_method_equals_reference(method: str):
    trial = TRIALS[method]
    loss, hyper, state = trial.compile(method), _hyper(method, trial), trial.state()
    stored = loss.state_dict()
    loss.load_state_dict({n: state.get(n.removesuffix("_next"), value) for n, value in stored.items()})
    given = _directions(loss, trial)
    reference = REFERENCES[trial.reference or method]
    for call in range(CALLS):
        inputs, rows = trial.tensors(seed=call), trial.rows(seed=call)
        out = loss(**inputs, **rows)
        inside = trial.inside(loss, inputs)
        own = {} if "scores" in inside else inputs
        expected, state = reference({**own, **rows, **given, **inside}, hyper, state)
        _close(out.total, expected)
        grads = _grads(out.total, inputs, loss)
        for name, gradient in _grads(expected, inputs, loss).items():
            _close(grads[name], gradient)
        loss.after_step()


@pytest.mark.parametrize("method", [name for name in TRIALS if TRIALS[name].inside is Trial.inside])
def test_method_equals_its_meaning(method: str):
    trial = TRIALS[method]
    loss, inputs = trial.compile(method), trial.tensors()
    spec = losslang.load(method, parameters=trial.parameters, input_sizes=trial.sizes)
    draws = {name: value.T.numpy() for name, value in _directions(loss, trial).items()}
    state = {name: value.numpy() for name, value in loss.state_dict().items() if name in trial.state()}
    rows = trial.rows()
    images = {name: value.numpy() for name, value in rows.items()}
    arrays = {name: value.detach().numpy() for name, value in inputs.items()}
    meant = evaluate(spec, World(arrays, state=state, clock=Clock(**trial.clock), draws=draws, **images))
    out = loss(**inputs, **rows)
    _close(out.total, meant.total)
    for name, value in meant.terms.items():
        _close(out.terms[name], value)


@pytest.mark.parametrize("method", MAIN)
def test_gradients_equal_finite_differences(method: str):
    trial = TRIALS[method]
    loss, inputs = trial.compile(method), trial.tensors()
    grads = {name: g.numpy() for name, g in _grads(loss(**inputs).total, inputs, loss).items()}
    spec = losslang.load(method, input_sizes=trial.sizes)
    world = World({name: value.detach().numpy() for name, value in inputs.items()}, clock=Clock(**trial.clock))
    random = np.random.default_rng(0)
    for name, gradient in grads.items():
        if not gradient.any():
            continue
        direction = random.standard_normal(gradient.shape)
        _close(slope_along(spec, world, name, direction), (gradient * direction).sum(), 1e-6)


def test_every_shipped_method_is_tried():
    assert set(TRIALS) == set(shipped_specs())
