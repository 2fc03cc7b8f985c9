"""Golden cases: inputs and outputs of public implementations, in float64."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["Case", "golden_case", "golden_cases"]

HERE = Path(__file__).parent
RELATIVE = 1e-9


@dataclass(frozen=True)
class Case:
    """One call, or a few successive calls, of one implementation. Arrays are float64 (integers stay integers)."""

    name: str
    method: str
    origin: dict[str, str]
    hyper: dict[str, Any]
    inputs: dict[str, np.ndarray] = field(repr=False)
    loss: float = field(repr=False)
    losses: tuple[float, ...] = field(repr=False)
    grads: dict[str, np.ndarray] = field(repr=False)
    outputs: dict[str, np.ndarray] = field(repr=False)
    loss_atol: float = field(repr=False)
    grad_atol: dict[str, float] = field(repr=False)
    relative: float = field(default=RELATIVE, repr=False)

    def leaves(self) -> dict[str, Tensor]:
        """The inputs as tensors; those with a golden gradient require one."""
        return {name: torch.tensor(array, requires_grad=name in self.grads) for name, array in self.inputs.items()}

    def assert_value(self, value: float, expected: float | None = None) -> None:
        """1e-9 relative, or the case's own absolute tolerance where the value itself is near zero."""
        expected = self.loss if expected is None else expected
        allowed = max(self.relative * abs(expected), self.loss_atol)
        assert abs(value - expected) <= allowed, f"{value!r} is not {expected!r} (off by {value - expected:.2e})"

    def assert_grad(self, name: str, gradient: Tensor | None) -> None:
        """1e-9 of the largest entry, or the case's own absolute tolerance."""
        expected = self.grads[name]
        actual = np.zeros_like(expected) if gradient is None else gradient.numpy()
        allowed = max(self.relative * np.abs(expected).max(), self.grad_atol[name])
        off = np.abs(actual - expected).max()
        assert off <= allowed, f"gradient of {name} is off by {off:.2e}, allowed {allowed:.2e}"


@cache
def _all() -> dict[str, Case]:
    document = json.loads((HERE / "cases.json").read_text())
    with np.load(HERE / "cases.npz") as store:
        arrays = dict(store)
    return {record["id"]: _case(record, arrays) for record in document["cases"]}


def _case(record: dict[str, Any], arrays: dict[str, np.ndarray]) -> Case:
    source = {name: record["source"][name] for name in ("repo", "path", "symbol", "commit")}
    take = lambda key: {name: arrays[key_] for name, key_ in record[key].items()}  # noqa: E731
    tolerance = record["tol"]
    ill = set(record["ill_conditioned_grads"])
    losses = record["losses_per_call"] or [record["loss"]]
    return Case(
        name=record["id"],
        method=record["method"],
        origin=dict(zip(("repository", "file", "symbol", "commit"), source.values(), strict=True)),
        hyper=record["hyperparameters"],
        inputs=take("inputs"),
        loss=float(record["loss"]),
        losses=tuple(float(loss) for loss in losses),
        grads=take("grads"),
        outputs=take("outputs"),
        loss_atol=tolerance["loss_atol"],
        grad_atol={name: max(atol, 1e-12 if name in ill else 0.0) for name, atol in tolerance["grad_atol"].items()},
    )


def golden_case(name: str) -> Case:
    """The case of that name."""
    return _all()[name]


def golden_cases(method: str | None = None) -> list[Case]:
    """All cases, or those of one method."""
    return [case for case in _all().values() if method in {None, case.method}]
