"""The ground truth: short trainings of small networks, and what their embeddings are before and after.

The optimiser is that of the runner (SGD with momentum, weight decay, a half cosine, gradients cut to length 1) over one flat
vector of parameters: for networks this small the usual loop spends most of its time between operations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn

import losslang
from losslang.data.datasets import DATASETS
from losslang.diagnostics import Source
from losslang.evaluation.geometry import center_norm, effective_rank
from losslang.pipeline import load

__all__ = ["NOISE", "STEPS", "train"]

STEPS, BATCH, WIDTH = 600, 256, 64
RATE, MOMENTUM, DECAY, LENGTH = 0.05, 0.9, 1e-4, 1.0
NOISE = {"blobs": 0.15, "digits": 0.5}
"""Deviation of the noise that makes a view, in units of the deviation of the inputs, by data set."""


@dataclass(frozen=True)
class Data:
    """Standardised inputs [sample, feature]: those to train on and those to measure on."""

    train: Tensor
    test: Tensor


@cache
def _data(name: str) -> Data:
    arrays = DATASETS[name].load()
    train, test = (torch.as_tensor(part.inputs).flatten(1) for part in (arrays.train, arrays.test))
    mean, deviation = train.mean(0), train.std()
    return Data((train - mean) / deviation, (test - mean) / deviation)


@cache
def _batches(name: str, seed: int, steps: int) -> Tensor:
    """Views of batches [step, view, batch, feature], the same for every objective."""
    data, random = _data(name).train, torch.Generator().manual_seed(seed)
    rows = torch.randint(len(data), (steps, BATCH), generator=random)
    noise = torch.randn((steps, 2, BATCH, data.shape[1]), generator=random)
    return data[rows][:, None] + NOISE[name] * noise


def train(text: str, data: str, seed: int, steps: int = STEPS) -> dict[str, float]:
    """Train the method of a text: its measurements on clean data."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    inputs = _data(data).train.shape[1]
    spec = load(Source("random.loss", text))
    backbone = nn.Sequential(nn.Linear(inputs, WIDTH), nn.ReLU())
    model = losslang.compile(spec, backbone=backbone, feature_size=WIDTH, steps=steps, steps_per_epoch=steps)
    model.train()
    before = _measured(model, _data(data).test)
    finite = _fit(model, _batches(data, seed, steps))
    after = _measured(model, _data(data).test) if finite else dict.fromkeys(before, math.nan)
    return {f"{name}_0": value for name, value in before.items()} | after


def _fit(model: nn.Module, batches: Tensor) -> bool:
    """Train in place; whether the parameters stayed finite."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    values, gradients = _flat(parameters)
    speed = torch.zeros_like(values)
    for step, views in enumerate(batches):
        gradients.zero_()
        model(list(views)).total.backward()
        gradients.mul_((LENGTH / (gradients.norm() + 1e-6)).clamp(max=1)).add_(values, alpha=DECAY)
        speed.mul_(MOMENTUM).add_(gradients)
        values.add_(speed, alpha=-RATE * (1 + math.cos(math.pi * step / len(batches))) / 2)
        model.after_step()
    return bool(torch.isfinite(values).all())


def _flat(parameters: list[nn.Parameter]) -> tuple[Tensor, Tensor]:
    """All parameters as one vector, of which each becomes a part, and the same for their gradients."""
    values = torch.cat([p.detach().flatten() for p in parameters])
    gradients = torch.zeros_like(values)
    at = 0
    for p in parameters:
        part = slice(at, at + p.numel())
        p.data, p.grad = values[part].view_as(p), gradients[part].view_as(p)
        at += p.numel()
    return values, gradients


@torch.no_grad()
def _measured(model: nn.Module, inputs: Tensor) -> dict[str, float]:
    """Center norm and centred effective rank of the unit embeddings, and the length of the raw residual.

    Batch norm takes the statistics of these clean inputs.
    """
    z = model.embed([inputs, inputs])["z"][0]
    return {
        "center": float(center_norm(z)),
        "rank": float(effective_rank(z)),
        "residual": float((z - z.mean(0)).norm(dim=1).square().mean().sqrt()),
    }
