"""The hand-written references against every golden case: value, gradients, state after each call."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.golden.cases import Case, golden_cases
from tests.golden.runs import Run, run_of
from tests.references import REFERENCES

CASES = golden_cases()


def _calls(run: Run, leaves: dict[str, torch.Tensor]) -> list[dict[str, torch.Tensor]]:
    """The reference's inputs of every call, with weights and directions that the spec keeps inside."""
    inside = {name: leaves[argument] for name, argument in run.weights.items()}
    if run.directions:
        inside["directions"] = leaves[run.directions]
    return [{**call, **inside} for call in (run.reference_inputs or run.inputs)(leaves)]


def _assert_states(run: Run, call: int, state: dict[str, torch.Tensor]) -> None:
    for name, expected in run.after.items():
        if expected[call] is not None:
            np.testing.assert_allclose(state[name].numpy(), expected[call], rtol=1e-9, atol=1e-12)


def _initial(run: Run) -> dict[str, torch.Tensor]:
    state = {name: torch.tensor(value) for name, value in run.state.items()}
    if run.reference == "dino_spt":
        (centers,) = run.after.values()
        state["center"] = torch.zeros_like(torch.tensor(centers[0]))
    return {"pointer": torch.tensor(0), **state}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reference(case: Case):
    run = run_of(case)
    case = case if run.rtol is None else replace(case, relative=run.rtol)
    leaves, state, losses = case.leaves(), _initial(run), []
    for index, inputs in enumerate(_calls(run, leaves)):
        varying = {name: values[index] for name, values in run.per_call.items()}
        hyper = {**run.hyper, **run.reference_hyper, **varying}
        loss, state = REFERENCES[run.reference](inputs, hyper, state)
        _assert_states(run, index, state)
        losses.append(run.scale * loss)
    case.assert_value(sum(losses).item())
    if len(case.losses) == len(losses) > 1:
        for loss, expected in zip(losses, case.losses, strict=True):
            case.assert_value(loss.item(), expected)
    sum(losses).backward()
    for name in case.grads:
        case.assert_grad(name, leaves[name].grad)


def test_every_case_has_a_row_with_a_spec_a_file_or_a_reason():
    runs = {case.name: run_of(case) for case in CASES}
    assert len(runs) == 268
    assert all([run.spec, run.file, run.missing].count("") == 2 for run in runs.values())
