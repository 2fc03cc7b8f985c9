"""What a run needs in memory: model, data, optimiser; and its state as a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from losslang.backend.compile import Model, compile  # noqa: A004 - the language's word
from losslang.backend.model import embedding_name
from losslang.backend.pieces import statistical_networks
from losslang.data.batches import Batches
from losslang.diagnostics import LosslangError
from losslang.evaluation.measure import Samples
from losslang.networks.backbones import make_backbone
from losslang.networks.statistics import with_statistics_of_all
from losslang.training.checkpoint import Damaged, pack, unpack
from losslang.training.crew import crew
from losslang.training.environment import environment
from losslang.training.inputs import load_inputs
from losslang.training.online import OnlineProbe, wants_probe
from losslang.training.optimizer import make_optimizer
from losslang.training.plan import RunPlan
from losslang.training.recipe import Recipe
from losslang.training.record import settings_record

__all__ = ["Session", "open_session"]

_FORMAT = 2  # of checkpoints
_LAYOUTS = {"channels_first": torch.contiguous_format, "channels_last": torch.channels_last}
_DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.float32}


@dataclass
class Session:
    """One run in memory.

    `embedding` is the definition that is measured; `step` counts finished optimiser steps; `center` [feature] is that of the
    last batch that was logged.
    """

    plan: RunPlan
    device: torch.device
    model: Model
    optimizer: torch.optim.Optimizer
    batches: Batches
    samples: Samples
    embedding: str
    probe: OnlineProbe | None = None
    step: int = 0
    center: Tensor | None = None

    @property
    def texts(self) -> dict[str, str]:
        """The files of the run folder that are known before the first step."""
        spec = self.plan.spec
        suffix = ".loss" if spec.source.name.endswith(".loss") else ".yaml"
        return {
            f"method{suffix}": spec.source_text,
            "emitted.py": self.model.source,
            "settings.json": json.dumps(settings_record(self.plan), indent=2) + "\n",
            "environment.json": json.dumps(environment(str(self.device)), indent=2) + "\n",
            "metrics.jsonl": "",
        }

    def packed(self) -> bytes:
        """The present state as a sealed checkpoint."""
        state = {
            "format": _FORMAT,
            "step": self.step,
            "hash": self.plan.spec.hash,
            "seed": self.plan.recipe.seed,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "center": self.center,
        }
        return pack(state if self.probe is None else state | {"probe": self.probe.state()})

    def restore(self, path: Path) -> None:
        """Take the state of a checkpoint. Raises Damaged where the file is none, or that of another model."""
        self.take(unpack(path, self.device), str(path))

    def take(self, state: Mapping[str, Any], name: str) -> None:
        """Take a state that was packed. Raises Damaged where it is that of another model."""
        try:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            if self.probe is not None:
                self.probe.take(state["probe"])
            self.step, self.center = int(state["step"]), state.get("center")
        except (KeyError, RuntimeError, ValueError) as error:
            raise Damaged(f"{name} does not fit the model: {str(error).splitlines()[0]}") from error


def open_session(plan: RunPlan) -> Session:
    """Load data and build model and optimiser. All randomness comes from the seed of the recipe.

    Raises LosslangError where something is missing (scikit-learn, a CUDA device), SpecError where sizes do not fit.
    """
    recipe = plan.recipe
    device = _device(recipe.device)
    if recipe.threads is not None:
        torch.set_num_threads(recipe.threads)
    arrays = plan.dataset.load()
    torch.manual_seed(recipe.seed)
    backbone = make_backbone(recipe.backbone.name, plan.input_shape, **recipe.backbone.options)
    model = compile(
        plan.spec,
        backbone=backbone.module,
        feature_size=backbone.feature_size,
        steps=plan.steps,
        steps_per_epoch=plan.steps_per_epoch,
        images=len(arrays.train.inputs),
        estimate=recipe.estimate.model_dump(),
    )
    like = torch.empty(0, dtype=_DTYPES[recipe.precision], device=device)
    _settle(model, recipe, like)
    inputs = load_inputs(arrays, plan, device, like.dtype)
    return Session(
        plan,
        device,
        model,
        make_optimizer(model, recipe.optimizer),
        Batches(
            inputs.train,
            plan.policies,
            recipe.batch_size,
            recipe.seed,
            like,
            crew().rows(recipe.batch_size),
            layout=_LAYOUTS[recipe.layout],
        ),
        inputs.samples,
        embedding_name(plan.spec),
        _probe(plan, model.encoder, backbone.feature_size, like),
    )


def _settle(model: Model, recipe: Recipe, like: Tensor) -> None:
    """Device, precision, layout and exchange of a model as the recipe has them. Raises LosslangError as `_check_pieces`."""
    model.to(like.device, like.dtype)
    _check_pieces(model, recipe)
    model.loss.exchange = recipe.exchange  # type: ignore[assignment]
    if crew().size > 1 and recipe.batchnorm == "global":
        with_statistics_of_all(model)
    model.to(memory_format=_LAYOUTS[recipe.layout])  # type: ignore[call-overload]


def _probe(plan: RunPlan, encoder: nn.Module, features: int, like: Tensor) -> OnlineProbe | None:
    if not wants_probe(plan):
        return None
    of_all = plan.recipe.batchnorm == "global"
    return OnlineProbe(encoder, features, plan.dataset.classes, plan.input_shape, like, of_all=of_all)


def _check_pieces(model: Model, recipe: Recipe) -> None:
    """Micro-batches are those of the whole batch only where no network looks at several rows."""
    if recipe.microbatch is None or recipe.microbatch >= recipe.batch_size or recipe.batchnorm == "microbatch":
        return
    if found := statistical_networks(model):
        raise LosslangError(
            f"microbatch: {recipe.microbatch} rows at a time are not the whole batch for {', '.join(found)}, with statistics of"
            " the batch (batch norm); networks without (--set backbone.norm=none), or statistics of every micro-batch"
            " (--set batchnorm=microbatch)"
        )


def _device(name: str) -> torch.device:
    if name == "cuda" and not torch.cuda.is_available():
        raise LosslangError("the recipe asks for the device cuda, and torch finds none here; --set device=cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)
