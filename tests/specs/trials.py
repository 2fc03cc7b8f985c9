"""One trial per shipped method: random embeddings, small sizes, and the hand-written reference that must agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from losslang.networks.layers import Prototypes
from tests.methods import compiled

__all__ = ["BATCH", "FEATURE", "IMAGES", "PROTOTYPES", "TRIALS", "Trial"]

BATCH, FEATURE, PROTOTYPES, QUEUE, IMAGES = 12, 6, 7, 24, 30

TWO = (2, BATCH, FEATURE)
ONE = (BATCH, FEATURE)


def _multi(views: int, last: int = FEATURE) -> tuple[int, ...]:
    return (views, BATCH, last)


def _nothing(_loss: nn.Module, _inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {}


@dataclass(frozen=True)
class Trial:
    """How a method is tried.

    Attributes:
        inputs: the shape of every input of the loss.
        passed: names of parameters that the reference takes too, with the spec's values.
        parameters: values that differ from the spec's (sizes of queues, say).
        reference: row of `tests.references`; the method's own name if empty.
        reference_hyper: what only the reference takes.
        state: the first state of the reference.
        inside: what the reference needs of the networks in the loss.
        directions: how many random directions are drawn.
        images: how many images a memory holds.
        steps_per_epoch: of 100 steps.
    """

    inputs: dict[str, tuple[int, ...]]
    passed: str = ""
    parameters: dict[str, float] = field(default_factory=dict)
    reference: str = ""
    reference_hyper: dict[str, Any] = field(default_factory=dict)
    state: Callable[[], dict[str, Tensor]] = dict
    inside: Callable[[nn.Module, Mapping[str, Tensor]], dict[str, Tensor]] = _nothing
    directions: int = 0
    images: int | None = None
    steps_per_epoch: int = 10

    @property
    def clock(self) -> dict[str, int]:
        """What schedules count."""
        return {"steps": 100, "steps_per_epoch": self.steps_per_epoch}

    def rows(self, batch: int = BATCH, seed: int = 0) -> dict[str, Tensor]:
        """The numbers of the batch's images, for methods with a memory."""
        random = torch.Generator().manual_seed(seed)
        return (
            {}
            if self.images is None
            else {"rows": torch.randperm(max(self.images, batch), generator=random)[:batch] % self.images}
        )

    def tensors(self, seed: int = 0) -> dict[str, Tensor]:
        """Random inputs in float64 that require gradient: views of an image resemble each other."""
        random = torch.Generator().manual_seed(seed)
        shared = torch.randn(BATCH, 64, generator=random, dtype=torch.float64)
        draw = lambda shape: shared[:, : shape[-1]] + 0.7 * torch.randn(shape, generator=random, dtype=torch.float64)  # noqa: E731
        return {name: draw(shape).requires_grad_() for name, shape in self.inputs.items()}

    @property
    def sizes(self) -> dict[str, int]:
        """The last axis of every input: small."""
        return {name: shape[-1] for name, shape in self.inputs.items()}

    @property
    def options(self) -> dict[str, Any]:
        """What a method is compiled with."""
        return {"parameters": self.parameters, "sizes": self.sizes, "images": self.images, **self.clock}

    def compile(self, method: str) -> nn.Module:
        """The compiled loss in float64."""
        loss = compiled(method, **self.options).double()
        for codebook in loss.modules():
            if isinstance(codebook, Prototypes):
                codebook.project()  # rows were of unit length in float32
        return loss


def _queue(name: str, *views: int) -> Callable[[], dict[str, Tensor]]:
    """A queue of random unit rows, oldest first."""

    def start() -> dict[str, Tensor]:
        random = torch.Generator().manual_seed(1)
        rows = torch.randn(*views, QUEUE, FEATURE, generator=random, dtype=torch.float64)
        return {name: normalize(rows, dim=-1), "pointer": torch.tensor(0)}

    return start


def _zero(name: str, *shape: int) -> Callable[[], dict[str, Tensor]]:
    return lambda: {name: torch.zeros(shape, dtype=torch.float64)}


def _information(*views: int) -> Callable[[], dict[str, Tensor]]:
    """CorInfoMax's first state."""
    mean = torch.zeros(*views, FEATURE, dtype=torch.float64)
    identity = torch.eye(FEATURE, dtype=torch.float64).expand(*views, FEATURE, FEATURE).clone()
    return lambda: {"mu": mean, "r": identity}


def _remembered() -> dict[str, Tensor]:
    """A memory of random unit rows [image, view, feature], centroids, and the count of calls."""
    random = torch.Generator().manual_seed(1)
    draw = lambda *shape: normalize(torch.randn(*shape, FEATURE, generator=random, dtype=torch.float64), dim=-1)  # noqa: E731
    return {"stored": draw(IMAGES, 2), **{f"c{i}": draw(PROTOTYPES) for i in (1, 2, 3)}, "step": torch.tensor(0)}


def _codebook(loss: nn.Module, _inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {"codebook": next(loss.codebook.parameters())}


def _scores(loss: nn.Module, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """SwAV's scores in place of embeddings."""
    return {"scores": torch.stack([loss.codebook(view) for view in normalize(inputs["z"], dim=-1)])}


def _inverse(loss: nn.Module, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {"r": torch.stack([loss.inverse(view) for view in inputs["p"].detach()])}


def _bias(loss: nn.Module, _inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {"bias": next(loss.predictor.parameters())}


CONTRAST = Trial({"z": TWO}, "temperature")
SIAMESE = Trial({"p": TWO, "z": TWO})
QUEUE_SIZE = {"queue": QUEUE}
MOCO = {"q": ONE, "k": ONE}
DINO = "student_temperature teacher_temperature"
CENTER = _zero("center", PROTOTYPES)
SWAV = {"parameters": {"prototypes": PROTOTYPES, "queue": QUEUE, "start": 1000}, "inside": _scores}
SWAV_PASSED = "temperature epsilon iterations"
MSN = {"z": _multi(11), "t": ONE}
MSN_OPTIONS = {"parameters": {"prototypes": PROTOTYPES}, "inside": _codebook}
VICREG = "invariance variance covariance"
TICO = {"z": ONE, "t": ONE}
C = _zero("c", FEATURE, FEATURE)
SIMDINO = Trial({"s": _multi(12), "t": TWO}, "distortion expansion")
SLICED = {"parameters": {"slices": 16}, "directions": 16}
CODING = Trial({"z": TWO}, "distortion strength")

TRIALS: dict[str, Trial] = {
    "align_uniform": Trial({"z": TWO}, "t alpha uniformity"),
    "barlow": Trial({"z": TWO}, "redundancy"),
    "barlow_solo": Trial({"z": TWO}, "redundancy scale"),
    "barlow_spt": Trial({"z": TWO}, "redundancy"),
    "byol": Trial({"p": TWO, "t": TWO}),
    "byol_no_ema": SIAMESE,
    "center_penalty": Trial({"z": TWO}, "strength power"),
    "center_penalty_squared": Trial({"z": TWO}, "strength power"),
    "co2": Trial({"z": TWO}, "temperature consistency consistency_temperature", reference="co2_with_contrast"),
    "coding_rate": CODING,
    "coding_rate_taylor": CODING,
    "corinfomax": Trial({"z": TWO}, "attract forget forget_mean jitter", state=_information(2)),
    "corinfomax_imagenet": Trial({"z": TWO}, "attract forget forget_mean jitter", state=_information()),
    "dcl": CONTRAST,
    "dclw": Trial({"z": TWO}, "temperature sigma"),
    "deepcluster2": Trial(
        {"z": TWO},
        "temperature",
        {"prototypes": PROTOTYPES},
        reference_hyper={"per_epoch": 2},
        state=_remembered,
        images=IMAGES,
        steps_per_epoch=2,
    ),
    "dino": Trial(
        {"s": _multi(10, PROTOTYPES), "t": _multi(2, PROTOTYPES)}, DINO, state=CENTER, reference_hyper={"momentum": 0.9}
    ),
    "dino_solo": Trial(
        {"s": _multi(2, PROTOTYPES), "t": _multi(2, PROTOTYPES)},
        DINO,
        reference="dino",
        state=CENTER,
        reference_hyper={"momentum": 0.9},
    ),
    "dino_spt": Trial(
        {"s": _multi(10, PROTOTYPES), "t": _multi(2, PROTOTYPES)}, DINO, state=CENTER, reference_hyper={"momentum": 0.9}
    ),
    "dinov2_sinkhorn": Trial({"s": _multi(10, PROTOTYPES), "t": _multi(2, PROTOTYPES)}, DINO + " iterations"),
    "directclr": Trial({"z": TWO}, "temperature size", {"size": 4}),
    "directclr_lightly": Trial({"z": TWO}, "temperature size", {"size": 4}),
    "empssl": Trial({"z": _multi(20)}, "align distortion"),
    "empssl_lightly": Trial({"z": _multi(20)}, "align distortion"),
    "extra_center": SIAMESE,
    "extra_residual": SIAMESE,
    "frossl": Trial({"z": _multi(4)}, "invariance"),
    "frossl_twoview": Trial({"z": TWO}, "invariance"),
    "infonce_oneway": CONTRAST,
    "infonce_symmetric": CONTRAST,
    "koleo": Trial({"z": TWO}, "spread", reference="koleo_with_alignment"),
    "lejepa": Trial({"z": _multi(8)}, "lambda knots end", **SLICED),
    "lejepa_lightly": Trial({"z": _multi(8)}, "lambda knots end", **SLICED),
    "lejepa_spt": Trial({"z": _multi(8)}, "lambda knots end", **SLICED),
    "macl": Trial({"z": TWO}, "temperature alpha threshold"),
    "matrixssl": Trial({"z": TWO, "t": TWO}, "mu lambda gamma"),
    "mcr2": Trial({"z": _multi(50)}, "distortion expansion"),
    "mec": Trial({"z": TWO, "t": TWO}, "order", {"widen": 2}, reference_hyper={"scale": FEATURE / (BATCH * 64 * 2)}),
    "mmcr": Trial({"z": _multi(8)}, "compress", {"compress": 0.1}),
    "mmcr_lightly": Trial({"z": _multi(8), "t": _multi(8)}, "compress", {"compress": 0.1}, "mmcr_lightly_target"),
    "mmcr_momentum": Trial({"z": _multi(8), "t": _multi(8)}, "compress", {"compress": 0.1}, "mmcr_momentum_target"),
    "mocov2": Trial(MOCO, "temperature", QUEUE_SIZE, state=_queue("negatives")),
    "mocov2plus": Trial({"q": TWO, "k": TWO}, "temperature", QUEUE_SIZE, state=_queue("negatives", 2)),
    "mocov3": Trial({"q": TWO, "k": TWO}, "temperature"),
    "mocov3_spt": Trial({"q": TWO, "k": TWO}, "temperature", reference="mocov3_spt_target"),
    "msn": Trial(MSN, "temperature sharpen entropy", **MSN_OPTIONS),
    "msn_sinkhorn": Trial(MSN, "temperature sharpen entropy iterations", reference="msn", **MSN_OPTIONS),
    "nnclr": Trial({"z": TWO, "p": TWO}, "temperature", QUEUE_SIZE, state=_queue("support")),
    "pmsn": Trial(MSN, "temperature sharpen entropy iterations exponent", **MSN_OPTIONS),
    "pull_center": Trial({"z": TWO}),
    "pull_residual": Trial({"z": TWO}),
    "ressl": Trial(MOCO, "student_temperature teacher_temperature", QUEUE_SIZE, state=_queue("anchors")),
    "simclr": CONTRAST,
    "simclr_solo": Trial({"z": TWO}, "temperature", reference="simclr"),
    "simclr_tf": CONTRAST,
    "simdino": SIMDINO,
    "simdino_local": Trial({"s": _multi(12), "t": TWO}, "distortion expansion", {"rows": 4}, "simdino", {"groups": 3}),
    "simdino_student": SIMDINO,
    "simdinov2": Trial({"s": _multi(10), "t": TWO}, "distortion expansion", reference="simdino"),
    "simsiam": SIAMESE,
    "simsiam_bias": Trial({"z": TWO}, inside=_bias),
    "simsiam_inverse": Trial({"p": TWO, "z": TWO}, parameters={"width": FEATURE, "bottleneck": 4}, inside=_inverse),
    "simsiam_mirror": SIAMESE,
    "simsiam_no_predictor": Trial({"p": TWO, "z": TWO}, reference="simsiam"),
    "simsiam_no_stopgrad": SIAMESE,
    "simsiam_symmetric": Trial({"p": TWO}),
    "supcon_unsupervised": Trial({"z": TWO}, "temperature base_temperature", {"temperature": 0.1}),
    "swav": Trial({"z": _multi(8)}, SWAV_PASSED, **SWAV),
    "swav_fixed": Trial({"z": _multi(8)}, SWAV_PASSED, reference="swav", **SWAV),
    "swav_joint": Trial({"z": TWO}, SWAV_PASSED, {"prototypes": PROTOTYPES}, inside=_codebook),
    "swav_solo": Trial({"z": TWO}, SWAV_PASSED, reference="swav", **SWAV),
    "tico": Trial(TICO, "redundancy beta", state=C),
    "tico_lightly": Trial(TICO, "redundancy beta", state=C),
    "tico_spt": Trial({"z": TWO}, "redundancy beta", state=C),
    "total_coding_rate": Trial({"z": TWO}, "distortion"),
    "triplet": Trial({"z": _multi(3)}, "margin"),
    "triplet_all": Trial({"z": TWO}, "margin"),
    "triplet_center": Trial({"z": _multi(3)}),
    "triplet_residual": Trial({"z": _multi(3)}),
    "triplet_simple": Trial({"z": _multi(3)}),
    "triplet_torch": Trial({"z": _multi(3)}, "margin p eps"),
    "vibcreg": Trial({"z": TWO}, VICREG),
    "vicreg": Trial({"z": TWO}, VICREG),
    "vicreg_solo": Trial({"z": TWO}, VICREG),
    "vicregl_global": Trial({"z": _multi(8)}, VICREG),
    "visreg": Trial({"z": _multi(8)}, "lambda scale shape center", **SLICED),
    "visreg_spt": Trial({"z": _multi(8)}, "lambda scale shape center", **SLICED),
    "wmse": Trial({"z": TWO}, "rows shrink", {"rows": BATCH}),
    "wmse_solo": Trial({"z": TWO}, "rows shrink", {"rows": BATCH}),
    "wmse_spt": Trial({"z": TWO}, "floor"),
}
