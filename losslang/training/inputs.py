"""Data on the device: what training draws batches from, and what evaluation sees."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from losslang.data.datasets import Arrays, Part
from losslang.data.policies import Photo
from losslang.data.readers import Reader
from losslang.data.stores import CleanPhotos, Resident, Store, Streamed, open_store
from losslang.evaluation.measure import Samples, augmented
from losslang.training.plan import RunPlan

__all__ = ["LoadedInputs", "load_inputs"]

_FEW = 256  # test samples that are augmented at evaluations


class LoadedInputs(NamedTuple):
    """Training inputs as batches take them, and both parts as evaluation sees them."""

    train: Store
    samples: Samples


def load_inputs(arrays: Arrays, plan: RunPlan, device: torch.device, dtype: torch.dtype) -> LoadedInputs:
    """The data of a plan on a device. Numbers are converted to `dtype`; photos stay uint8 until they are augmented."""
    policy = next(iter(plan.policies.values()))
    train, test = (_labels(part, device) for part in (arrays.train, arrays.test))
    if isinstance(policy, Photo):
        stores = [_store(part, plan, device) for part in (arrays.train, arrays.test)]
        few = stores[1][torch.arange(min(len(stores[1]), _FEW), device=device)]
        like = torch.empty(0, dtype=dtype, device=device)
        clean = [CleanPhotos(store, policy, like) for store in stores]
        draw = partial(augmented, few, policy)
        return LoadedInputs(stores[0], Samples(clean[0], train, clean[1], test, lambda n: draw(n).to(like)))
    inputs = [torch.as_tensor(part.inputs).to(device, dtype) for part in (arrays.train, arrays.test)]
    draw = partial(augmented, inputs[1][:_FEW], policy)
    return LoadedInputs(inputs[0], Samples(inputs[0], train, inputs[1], test, draw))


def _store(part: Part, plan: RunPlan, device: torch.device) -> Resident | Streamed:
    assert isinstance(part.inputs, Reader)
    resident = {"auto": None, "device": True, "stream": False}[plan.recipe.data_on]
    return open_store(part.inputs, device, resident=resident)


def _labels(part: Any, device: torch.device) -> Tensor:
    return torch.as_tensor(part.labels, dtype=torch.int64).to(device)
