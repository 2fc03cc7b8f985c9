"""`losslang export`: the trained backbone, in the form that other programs load."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from losslang.data.files import write_atomically
from losslang.diagnostics import LosslangError
from losslang.networks.zoo import CLASSIFIERS
from losslang.training.plan import RunPlan
from losslang.training.reopen import reopen

__all__ = ["TARGETS", "Written", "export"]


@dataclass(frozen=True)
class Written:
    """A file, what it holds, and the lines of Python that load it."""

    path: Path
    about: str
    usage: str


@dataclass(frozen=True)
class _Target:
    suffix: str
    check: Callable[[RunPlan], None]
    write: Callable[[nn.Module, RunPlan, Path], None]
    usage: Callable[[nn.Module, RunPlan, Path], tuple[str, ...]]


def export(run: Path, target: str, out: Path | None = None) -> Written:
    """Write the backbone of a run for a target, in its folder or to `out`.

    Raises LosslangError where the folder holds no run, a package is missing, or the target has no such network.
    """
    session, to = reopen(run), TARGETS[target]
    plan, encoder = session.plan, session.model.encoder
    to.check(plan)
    path = out or run / f"backbone-{target}{to.suffix}"
    encoder.cpu().float().eval()
    to.write(encoder, plan, path)
    count = sum(p.numel() for p in encoder.parameters())
    about = f"{plan.recipe.backbone.name} of {plan.spec.method_name}, step {session.step}, {count:,} parameters"
    return Written(path, about, "\n".join(f"  {line}" for line in to.usage(encoder, plan, path)))


# ---------------------------------------------------------------- who has which network

_RESNETS = ("resnet18", "resnet34", "resnet50")
_THEIRS = {"vit_ti": "vit_tiny_patch16_224", "vit_s": "vit_small_patch16_224", "vit_b": "vit_base_patch16_224"}


def _check_torchvision(plan: RunPlan) -> None:
    _check_known("torchvision", plan, _RESNETS)
    if (channels := plan.input_shape[0]) != 3:
        raise LosslangError(
            f"torchvision's networks take 3 channels, and this one {channels}; --to timm takes any number"
        )


def _check_timm(plan: RunPlan) -> None:
    _check_known("timm", plan, (*_RESNETS, *_THEIRS))


def _check_known(library: str, plan: RunPlan, names: tuple[str, ...]) -> None:
    backbone = plan.recipe.backbone
    if backbone.name.startswith(f"{library}:"):
        return
    if backbone.name not in names:
        raise LosslangError(
            f"{library} has no `{backbone.name}`; it has {', '.join(names)}. --to safetensors takes all"
        )
    usual = {"stem": "imagenet", "width": 64, "patch": 16}
    for option, value in usual.items():
        if option in backbone.options and backbone.options[option] != value:
            raise LosslangError(
                f"{library}'s {backbone.name} has {option} {value}, and this one {backbone.options[option]}; --to safetensors"
                " takes it as it is"
            )


# ---------------------------------------------------------------- how it is loaded


def _load_state(path: Path) -> str:
    return f"model.load_state_dict(torch.load('{path}', weights_only=True))"


def _use_torchvision(encoder: nn.Module, plan: RunPlan, path: Path) -> tuple[str, ...]:
    name = plan.recipe.backbone.name.removeprefix("torchvision:")
    last = next((part for part in CLASSIFIERS if hasattr(encoder, part)), "fc")
    return f"model = torchvision.models.get_model('{name}'); model.{last} = torch.nn.Identity()", _load_state(path)


def _use_timm(_encoder: nn.Module, plan: RunPlan, path: Path) -> tuple[str, ...]:
    name, (channels, size, _) = plan.recipe.backbone.name, plan.input_shape
    options = ", num_classes=0"
    if channels != 3:
        options += f", in_chans={channels}"
    if name in _THEIRS and size != 224:
        options += f", img_size={size}"
    name = _THEIRS.get(name, name).removeprefix("timm:")
    return f"model = timm.create_model('{name}'{options})", _load_state(path)


def _use_safetensors(_encoder: nn.Module, _plan: RunPlan, path: Path) -> tuple[str, ...]:
    return (f"safetensors.torch.load_file('{path}')",)


def _use_onnx(_encoder: nn.Module, _plan: RunPlan, path: Path) -> tuple[str, ...]:
    return (f"onnxruntime.InferenceSession('{path}').run(None, {{'images': …}})",)


# ---------------------------------------------------------------- writing


def _write_torch(encoder: nn.Module, _plan: RunPlan, path: Path) -> None:
    write_atomically(path, lambda file: torch.save(encoder.state_dict(), file))


def _write_safetensors(encoder: nn.Module, plan: RunPlan, path: Path) -> None:
    save = _package("safetensors.torch").save
    tensors = {name: value.contiguous() for name, value in encoder.state_dict().items()}
    about = {"method": plan.spec.method_name, "backbone": plan.recipe.backbone.name, "data": plan.dataset.name}
    write_atomically(path, lambda file: file.write(save(tensors, metadata=about)))


def _write_onnx(encoder: nn.Module, plan: RunPlan, path: Path) -> None:
    """By torch's exporter of captured graphs, for batches of any size."""
    checker = _package("onnx")
    _package("onnxscript")
    try:
        with _quiet():
            program = torch.onnx.export(
                encoder,
                (torch.zeros(2, *plan.input_shape),),
                dynamo=True,
                input_names=["images"],
                output_names=["features"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        name = plan.recipe.backbone.name
        raise LosslangError(
            f"{name} cannot be written as ONNX: {str(error).splitlines()[0]}; --to safetensors can"
        ) from error
    assert program is not None
    model = program.model_proto
    checker.checker.check_model(model)
    write_atomically(path, lambda file: file.write(model.SerializeToString()))


@contextmanager
def _quiet() -> Iterator[None]:
    """Within, the exporter keeps to itself what concerns its own code, and operations of packages that are not there."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _package(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise LosslangError(
            f"this needs the package {name.partition('.')[0]}, which is not installed: pip install 'losslang[export]'"
        ) from error


def _anything(_plan: RunPlan) -> None:
    """Every network will do."""


TARGETS: dict[str, _Target] = {
    "torchvision": _Target(".pth", _check_torchvision, _write_torch, _use_torchvision),
    "timm": _Target(".pth", _check_timm, _write_torch, _use_timm),
    "safetensors": _Target(".safetensors", _anything, _write_safetensors, _use_safetensors),
    "onnx": _Target(".onnx", _anything, _write_onnx, _use_onnx),
}
