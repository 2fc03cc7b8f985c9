"""The specs against every golden case that the language can say: value, gradients, state after each call."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import losslang
from losslang.questions import stability
from tests.golden.cases import Case, golden_cases
from tests.golden.compiled import METHODS, Result, run_compiled
from tests.golden.runs import TRIPLES, Run, run_of

if TYPE_CHECKING:
    from pathlib import Path

CASES = [pytest.param(case, id=case.name) for case in golden_cases() if not run_of(case).missing]


def _assert_states(run: Run, result: Result, rows: int) -> None:
    for name, expected in run.after.items():
        for call, (state, value) in enumerate(zip(result.states, expected, strict=True), start=1):
            if value is None:
                continue
            # a queue is a ring there and has the newest row last here: the same rows, turned by what was written
            turned = np.roll(value, -call * rows, axis=0) if name == "negatives" else value
            np.testing.assert_allclose(state[name].numpy(), turned, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_spec_equals_golden_case(case: Case, tmp_path: Path):
    run = run_of(case)
    case = case if run.rtol is None else replace(case, relative=run.rtol)
    leaves = case.leaves()
    result = run_compiled(run, leaves, tmp_path)
    case.assert_value(sum(result.losses).item())
    if len(case.losses) == len(result.losses) > 1:
        for loss, expected in zip(result.losses, case.losses, strict=True):
            case.assert_value(loss.item(), expected)
    _assert_states(run, result, next(iter(run.inputs(leaves)[0].values())).shape[-2])
    inside = {argument: getattr(result.loss, name) for name, argument in run.weights.items()}
    for name in case.grads:
        if name in run.detached:
            assert leaves[name].grad is None or not leaves[name].grad.any()
        elif name in inside:
            case.assert_grad(name, inside[name].weight.grad)
        else:
            case.assert_grad(name, leaves[name].grad)


@pytest.mark.parametrize("path", sorted(METHODS.iterdir()), ids=lambda path: path.stem)
def test_methods_with_labels_and_weights_have_a_verdict(path: Path):
    assert stability(losslang.load(path)).constant.answer in {"stable", "held", "undecided"}


def test_cases_that_no_spec_can_say():
    missing = Counter(run_of(case).missing for case in golden_cases())
    del missing[""]
    assert missing == {TRIPLES: 1}
