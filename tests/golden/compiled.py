"""Golden cases through `losslang.compile_loss`: the spec of a run, with its overlay, as a loss in float64."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import losslang
from tests.golden.runs import Run

__all__ = ["METHODS", "Result", "compiled", "run_compiled"]

METHODS = Path(__file__).parent / "methods"
CLOCK = {"steps": 1000, "steps_per_epoch": 10}


@dataclass(frozen=True)
class Result:
    """What the calls of a case gave: losses, and the state after each call."""

    loss: nn.Module
    losses: list[Tensor]
    states: list[dict[str, Tensor]]


def _section(name: str, entries: dict[str, Any]) -> list[str]:
    if not isinstance(next(iter(entries.values())), int):
        return [f"{name}:", *(f"  {key}: {_value(value)}" for key, value in entries.items())]
    return [f"{name}: {{{', '.join(f'{key}: {value}' for key, value in entries.items())}}}"]


def _value(value: object) -> str:
    return "null" if value is None else str(value)


def overlaid(run: Run, folder: Path) -> str | Path:
    """The spec of a run: the shipped method, a file that extends it, written into the folder, or one of those beside us."""
    if run.file:
        return METHODS / f"{run.file}.loss"
    if not run.overlay:
        return run.spec
    lines = ["losslang: 1", "method: golden", f"extends: {run.spec}"]
    for name, entries in run.overlay.items():
        lines += _section(name, entries)
    path = folder / "golden.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def compiled(run: Run, call: dict[str, Tensor], folder: Path) -> nn.Module:
    """The loss of a run in float64, with the sizes of its first call."""
    sizes = {name: value.shape[-1] for name, value in call.items()}
    parameters = {**run.hyper, **run.spec_hyper}
    loss = losslang.compile_loss(overlaid(run, folder), parameters=parameters, sizes=sizes, images=run.images, **CLOCK)
    return loss.double()


def _given(loss: nn.Module, run: Run, leaves: dict[str, Tensor]) -> None:
    """State, weights inside the loss and random directions as the case gives them."""
    stored = loss.state_dict()
    for name, value in run.state.items():
        key = next(key for key in stored if key == name or (key.startswith(f"{name}.") and key.endswith("weight")))
        assert stored[key].shape == value.shape, f"{key} is {tuple(stored[key].shape)}, not {value.shape}"
        stored[key] = torch.tensor(value)
    loss.load_state_dict(stored)
    for name, argument in run.weights.items():
        weight = getattr(loss, name).weight
        weight.data.copy_(leaves[argument].detach())
    if run.directions:
        directions = leaves[run.directions].detach().T
        type(loss).forward.__globals__["unit_directions"] = lambda *_: directions


def run_compiled(run: Run, leaves: dict[str, Tensor], folder: Path) -> Result:
    """All calls of a case, each with its gradients and then a step."""
    calls = run.inputs(leaves)
    loss = compiled(run, calls[0], folder)
    _given(loss, run, leaves)
    result = Result(loss, [], [])
    rows = {} if run.images is None else {"rows": torch.arange(run.images)}
    for call in calls:
        out = loss(**call, **rows)
        result.losses.append(run.scale * (out.terms[run.term] if run.term else out.total))
        result.losses[-1].backward(retain_graph=True)
        loss.after_step()
        result.states.append({name: value.clone() for name, value in loss.state_dict().items()})
    return result
