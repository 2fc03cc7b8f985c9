"""A recipe: everything about training that is not the method. Types, defaults and bounds, in one place, without torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["BACKBONES", "BackboneChoice", "Clip", "Evaluation", "NetworkRule", "Optimizer", "Recipe"]

Count = Annotated[int, Field(ge=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


BACKBONES: dict[str, tuple[str, ...]] = {
    "mlp": ("widths", "norm"),
    **dict.fromkeys(("resnet18", "resnet34", "resnet50"), ("stem", "zero_init_residual", "width")),
    **dict.fromkeys(("vit_ti", "vit_s", "vit_b"), ("patch",)),
}
"""Backbones and the options that each takes; `torchvision:NAME` and `timm:NAME` take none."""


class BackboneChoice(_Section):
    """The network that a method calls `backbone`, with the options that its kind has."""

    name: str = Field(
        default="mlp",
        pattern=f"^({'|'.join(BACKBONES)}|(torchvision|timm):.+)$",
        description="one of `losslang list backbones`, torchvision:NAME or timm:NAME",
    )
    widths: tuple[Count, ...] = Field(default=(64, 64), min_length=1, description="layer sizes (mlp)")
    norm: Literal["batchnorm", "none"] = Field(default="batchnorm", description="after hidden layers (mlp)")
    stem: Literal["imagenet", "cifar"] = Field(default="imagenet", description="first layers (ResNets)")
    zero_init_residual: bool = Field(default=False, description="blocks start as their shortcut (ResNets)")
    width: Count = Field(default=64, description="channels of the first stage (ResNets)")
    patch: Count = Field(default=16, description="side of a patch in pixels (ViTs)")

    @property
    def options(self) -> dict[str, Any]:
        """The options that the backbone of this name takes."""
        return {name: getattr(self, name) for name in BACKBONES.get(self.name, ())}


class NetworkRule(_Section):
    """What the optimiser does differently with one network of the method."""

    schedule: Literal["cosine", "constant"] = Field(
        default="cosine", description="constant: the highest learning rate at every step, without warm-up and fall"
    )
    scale: float = Field(default=1.0, gt=0, description="factor of the learning rate")
    weight_decay: float | None = Field(default=None, ge=0, description="by default that of the optimiser")


class Clip(_Section):
    """Gradients that are longer than `norm` are cut to it, all of them together or part by part."""

    norm: float | None = Field(default=None, gt=0, description="the largest length; by default none is cut")
    per: Literal["parameter", "network", "all"] = Field(default="all", description="what the length is taken of")


class Optimizer(_Section):
    """The optimiser; the learning rate rises linearly over the warm-up and then falls as a half cosine to `final`."""

    name: Literal["sgd", "adamw", "lars"] = "sgd"
    learning_rate: float = Field(
        default=0.1, gt=0, description="the highest, for the batch size as it is (or `for_batch`)"
    )
    for_batch: Count | None = Field(
        default=None, description="the batch size that the learning rate is for: it grows in proportion to the batch"
    )
    momentum: float = Field(default=0.9, ge=0, lt=1, description="of sgd and lars; the first beta of adamw")
    weight_decay: float = Field(default=1e-4, ge=0)
    spare_vectors: bool = Field(
        default=False,
        description="no weight decay, and no scale of lars, for biases and the scales and shifts of norms",
    )
    trust: float = Field(default=1e-3, gt=0, description="of lars: a layer's step as a share of its weights' length")
    trust_clip: bool = Field(default=False, description="of lars: no layer's step is larger than sgd's")
    warmup: float = Field(default=0.02, ge=0, lt=1, description="length of the warm-up, as a share of the run")
    final: float = Field(default=0.0, ge=0, le=1, description="learning rate at the end, as a share of the highest")
    clip: Clip = Clip()
    networks: dict[str, NetworkRule] = Field(
        default_factory=dict, description="rules by network; a network of a chain keeps its own"
    )


class Evaluation(_Section):
    """What is measured, and how often."""

    every: int = Field(default=250, ge=0, description="steps between measurements during training; 0 for none")
    neighbours: Count = Field(default=20, description="k of the k nearest neighbours")
    calibration: Count = Field(
        default=40,
        description="batches that batch norm sees before the first measurement; 40 give 1 − 0.9^40 = 99 % of its statistics",
    )
    online: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="a linear classifier trained beside the method, without a gradient into it; auto: on photos with classes",
    )
    linear: Literal["ridge", "sgd"] = Field(
        default="ridge", description="how `losslang eval` fits its linear classifier: in closed form, or as papers do"
    )
    linear_epochs: Count = Field(default=100, description="length of the linear evaluation by SGD")


class Estimates(_Section):
    """Log-dets and traces by random probes, for dimensions where the exact form is too dear (`losslang explain --cost`)."""

    log_det: Literal["exact", "lanczos"] = Field(default="exact", description="lanczos: stochastic Lanczos quadrature")
    trace: Literal["exact", "hutchinson", "hutch++"] = Field(
        default="exact", description="traces, and the sums of squares of covariances"
    )
    probes: int = Field(default=32, ge=4, le=4096, description="products with the matrix, each with a random direction")
    steps: int = Field(default=20, ge=2, le=4096, description="of Lanczos, from every probe")


class Recipe(_Section):
    """How to train: data, augmentation, backbone, optimiser, length, measurement."""

    data: str = Field(
        default="blobs",
        description="a data set of `losslang list data`, a cache of `losslang data`, or a folder of images",
    )
    augmentation: dict[str, dict[str, Any] | str] | str = Field(
        default_factory=dict,
        description="one of `losslang list augmentations`, by its name alone or under `like`, and a policy and its options"
        " per view or group, or for `all`; by default that of the data",
    )
    data_on: Literal["auto", "device", "stream"] = Field(
        default="auto",
        description="photos lie on the device, or come to it batch by batch; auto: on a GPU where half of its memory holds them",
    )
    backbone: BackboneChoice = BackboneChoice()
    batch_size: int = Field(default=256, ge=2, description="of all processes together")
    microbatch: Count | None = Field(
        default=None,
        description="rows that the networks see at a time, for less memory; the loss is that of the whole batch",
    )
    batchnorm: Literal["global", "process", "microbatch"] = Field(
        default="global",
        description="whose statistics batch norm takes: the whole batch's, those of a process's rows, or of a micro-batch",
    )
    exchange: Literal["auto", "sums", "rows"] = Field(
        default="auto",
        description="of products of rows that processes share, what they send: sums, rows, or what the cost model finds cheaper",
    )
    steps: Count | None = Field(default=None, description="length of the run in optimiser steps (or give epochs)")
    epochs: float | None = Field(default=None, gt=0, description="length of the run in epochs (or give steps)")
    optimizer: Optimizer = Optimizer()
    parameters: dict[str, float | int] = Field(
        default_factory=dict, description="values for parameters of the method, where it has them (sizes, mostly)"
    )
    estimate: Estimates = Estimates()
    evaluation: Evaluation = Evaluation()
    precision: Literal["float32", "float64", "bfloat16"] = "float32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Count | None = Field(default=None, description="CPU threads of torch; by default as torch chooses")
    seed: int = Field(default=0, ge=0, le=2**53)
    on_collapse: Literal["stop", "warn", "ignore"] = Field(
        default="warn",
        description="what the collapse alarm does: end the run, say so in metrics and on the screen, nothing",
    )
    log_to: tuple[Literal["tensorboard", "wandb"], ...] = Field(
        default=(), description="where metrics go beside metrics.jsonl; each needs its extra"
    )
    layout: Literal["channels_last", "channels_first"] = Field(
        default="channels_first", description="how images and convolutions lie in memory; the first is faster on GPUs"
    )
    compile: Literal["auto", "always", "never"] = Field(
        default="never", description="torch.compile for the method and its augmentation; auto: on a GPU"
    )
    log_every: Count = Field(default=50, description="steps between lines in metrics.jsonl")
    checkpoint_every: Count = Field(default=250, description="steps between checkpoints")
