"""What is compared: for each method its inputs, its formula, and the libraries that have the same loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

import losslang
from tests.benchmarks.peers.libraries import Peer, Run, crossed, lightly, metric_learning, parted, views
from tests.references import REFERENCES
from tests.specs.trials import TRIALS

__all__ = ["BATCHES", "CASES", "FAST", "FEATURES", "Case", "formula", "inputs_of", "ours"]

BATCHES, FEATURES = (256, 1024, 4096), (256, 2048, 8192)
QUEUE = 4096
FAST = ("covariance", "log-det", "contrastive")
"""The families that have a target of their own."""


@dataclass(frozen=True, eq=False)
class Case:
    """One method.

    Attributes:
        method: name of the spec.
        family: what it is counted to.
        inputs: the axes of its inputs before [batch, feature].
        state: what the reference starts from, by the dimension.
        parameters: values that differ from the spec's.
        peers: losses of libraries by the library's name.
    """

    method: str
    family: str
    inputs: Mapping[str, tuple[int, ...]]
    state: Callable[[int], dict[str, Tensor]] = lambda _size: {}
    parameters: Mapping[str, float] = field(default_factory=dict)
    peers: Mapping[str, Peer] = field(default_factory=dict)


def inputs_of(case: Case, batch: int, size: int, device: str) -> dict[str, Tensor]:
    """Views that resemble each other, in float32."""
    torch.manual_seed(0)
    shared = torch.randn(batch, size)
    values = {name: torch.randn(*axes, batch, size).mul_(0.7).add_(shared) for name, axes in case.inputs.items()}
    return {name: value.to(device).requires_grad_() for name, value in values.items()}


def ours(case: Case, size: int, device: str = "cpu") -> torch.nn.Module:
    """The compiled loss."""
    sizes = dict.fromkeys(case.inputs, size)
    clock = {"steps": 100, "steps_per_epoch": 10}
    return losslang.compile_loss(case.method, parameters=dict(case.parameters), sizes=sizes, **clock).to(device)


def formula(case: Case, inputs: Mapping[str, Tensor]) -> Run:
    """The reference in eager torch; scale and schedules as the trial of the method has them, directions drawn every time."""
    trial, first = TRIALS[case.method], next(iter(inputs.values()))
    parameters = losslang.load(case.method, parameters=dict(case.parameters)).parameters
    hyper = {}
    for name in trial.passed.split():
        value: Any = parameters[name].value
        hyper[name] = value if isinstance(value, int | float) else value.start
    hyper |= trial.reference_hyper
    state = {name: value.to(first.device) for name, value in case.state(first.shape[-1]).items()}
    call = REFERENCES[trial.reference or case.method]
    if not trial.directions:
        return lambda: call(inputs, hyper, state)[0]
    count = parameters["slices"].value
    draw = lambda: normalize(torch.randn(first.shape[-1], count, device=first.device), dim=0)  # noqa: E731
    return lambda: call({**inputs, "directions": draw()}, hyper, state)[0]


# ---------------------------------------------------------------- first states of references


def _unit_rows(count: int, size: int) -> Tensor:
    return normalize(torch.randn(count, size), dim=-1)


def _information(size: int) -> dict[str, Tensor]:
    """In float64, as the authors keep them and as ours are."""
    return {"mu": torch.zeros(2, size).double(), "r": torch.eye(size).double().repeat(2, 1, 1)}


def _queue(name: str) -> Callable[[int], dict[str, Tensor]]:
    return lambda size: {name: _unit_rows(QUEUE, size), "pointer": torch.tensor(0)}


def _zero(name: str, axes: int) -> Callable[[int], dict[str, Tensor]]:
    return lambda size: {name: torch.zeros([size] * axes)}


# ---------------------------------------------------------------- the table

TWO, ONE = (2,), ()
COSINE = {"lightly": lightly("negative_cosine_similarity", "NegativeCosineSimilarity", crossed)}


def _moco(loss: Any, inputs: Mapping[str, Tensor]) -> Tensor:
    return loss(inputs["q"], inputs["k"].detach())


def _bank(size: int) -> Mapping[str, Any]:
    return {"temperature": 0.2, "memory_bank_size": (QUEUE, size)}


CASES = (
    Case("vicreg", "covariance", {"z": TWO}, peers={"lightly": lightly("vicreg_loss", "VICRegLoss", views)}),
    Case("vibcreg", "covariance", {"z": TWO}),
    Case("barlow", "covariance", {"z": TWO}, peers={"lightly": lightly("barlow_twins_loss", "BarlowTwinsLoss", views)}),
    Case("tico", "covariance", {"z": ONE, "t": ONE}, _zero("c", 2)),
    Case("frossl_twoview", "covariance", {"z": TWO}),
    Case("wmse", "covariance", {"z": TWO}, parameters={"rows": 256, "shrink": 0.1}),
    Case("coding_rate", "log-det", {"z": TWO}),
    Case("total_coding_rate", "log-det", {"z": TWO}),
    Case("simdino", "log-det", {"s": (12,), "t": TWO}),
    Case("empssl", "log-det", {"z": (20,)}),
    Case("corinfomax", "log-det", {"z": TWO}, _information, {"jitter": 0.01}),
    Case(
        "simclr",
        "contrastive",
        {"z": TWO},
        peers={
            "lightly": lightly("ntx_ent_loss", "NTXentLoss", views, lambda _: {"temperature": 0.1}),
            "metric-learning": metric_learning("NTXentLoss", temperature=0.1),
        },
    ),
    Case("dcl", "contrastive", {"z": TWO}, peers={"lightly": lightly("dcl_loss", "DCLLoss", views)}),
    Case("macl", "contrastive", {"z": TWO}, peers={"lightly": lightly("macl_loss", "MACLLoss", views)}),
    Case("infonce_symmetric", "contrastive", {"z": TWO}),
    Case("align_uniform", "contrastive", {"z": TWO}),
    Case(
        "mocov2",
        "contrastive",
        {"q": ONE, "k": ONE},
        _queue("negatives"),
        {"queue": QUEUE},
        {"lightly": lightly("ntx_ent_loss", "NTXentLoss", _moco, _bank)},
    ),
    Case("mocov3", "contrastive", {"q": TWO, "k": TWO}),
    Case("nnclr", "contrastive", {"z": TWO, "p": TWO}, _queue("support"), {"queue": QUEUE}),
    Case("koleo", "contrastive", {"z": TWO}),
    Case("simsiam", "other", {"p": TWO, "z": TWO}, peers=COSINE),
    Case("byol", "other", {"p": TWO, "t": TWO}, peers=COSINE),
    Case("center_penalty", "other", {"z": TWO}),
    Case("triplet", "other", {"z": (3,)}),
    Case("dino", "other", {"s": (10,), "t": TWO}, _zero("center", 1)),
    Case("mec", "other", {"z": TWO, "t": TWO}),
    Case("matrixssl", "other", {"z": TWO, "t": TWO}),
    Case("mmcr", "other", {"z": (8,)}),
    Case("lejepa_lightly", "other", {"z": (8,)}, peers={"lightly": lightly("lejepa_loss", "LeJEPALoss", parted)}),
    Case(
        "visreg",
        "other",
        {"z": (8,)},
        peers={"lightly": lightly("visreg_loss", "VISRegLoss", parted)},
    ),
)
