"""Every number that is measured of embeddings: one row each, with its formula, source and cost.

Rows of cost `step` are taken of the training batch at every logged step (`batch/NAME` in the metrics), all rows at every
evaluation, on clean or freshly augmented test samples (`NAME`). The names stay, so that runs of any age can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from losslang.evaluation import geometry, pairs

__all__ = [
    "BOUNDS",
    "CLOUD",
    "DRAWS",
    "GRADIENT",
    "TURN",
    "GradientQuantity",
    "Quantity",
    "of_cloud",
    "of_draws",
    "turn",
]

Cost = Literal["step", "evaluation"]


@dataclass(frozen=True)
class Quantity:
    """A row: `of` takes a cloud [sample, feature], or draws [draw, sample, feature], and gives one number."""

    name: str
    formula: str
    source: str
    cost: Cost
    of: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class GradientQuantity:
    """A row of what a term's gradient g does to the batch; the names in the metrics are `gradient/NAME/TERM`."""

    name: str
    formula: str
    source: str


def _row(name: str, formula: str, source: str, cost: Cost, of: Callable[[Tensor], Tensor]) -> tuple[str, Quantity]:
    return name, Quantity(name, formula, source, cost, of)


CLOUD = dict(
    [
        _row("center_norm", "mₒ = ‖o‖, o = meanᵢ uᵢ", "Jha et al. 2024", "step", geometry.center_norm),
        _row("residual_norm", "meanᵢ ‖uᵢ − o‖", "Zhang et al. 2022", "step", geometry.residual_norm),
        _row("residual_rms", "mᵣ = √meanᵢ ‖uᵢ − o‖²; mₒ² + mᵣ² = 1", "ibid.", "step", geometry.residual_rms),
        _row("spread", "meanₖ √meanᵢ (uᵢₖ − oₖ)²", "Chen and He 2021, fig. 2", "step", geometry.spread),
        _row("correlation", "√ mean over k ≠ l of corr(zₖ, zₗ)²", "Zhang et al. 2022", "step", geometry.correlation),
        _row("effective_rank", "exp H(λ/Σλ), λ of cov(u)", "Roy, Vetterli 2007", "evaluation", geometry.effective_rank),
        _row("rankme", "exp H(σ/Σσ), σ of Z", "Garrido et al. 2023, eq. 1", "evaluation", geometry.rankme),
        _row("alpha_req", "α of λᵢ ∝ i^−α, λ of cov(z)", "Agrawal et al. 2022", "evaluation", geometry.alpha_req),
    ]
)
"""Of one cloud; u = z/‖z‖."""

DRAWS = dict(
    [
        _row("alignment", "meanᵢ ‖uᵢ¹ − uᵢ²‖²", "Wang, Isola 2020", "step", pairs.alignment),
        _row("uniformity", "log mean over i ≠ j of exp(−2‖uᵢ − uⱼ‖²)", "Wang, Isola 2020", "step", pairs.uniformity),
        _row(
            "lidar",
            "exp H(λ/Σλ), λ of W^−½ B W^−½",
            "Thilak et al. 2023",
            "evaluation",
            pairs.lidar,
        ),
    ]
)
"""Of several augmentations of the same samples."""

TURN = ("center_turn", "cos(oₜ, oₛ), s the logged step before t", "Zhang et al. 2022")
"""Name, formula and source of the one number that looks back."""

GRADIENT = (
    GradientQuantity("norm", "‖g‖, g = ∂term/∂z", "as logged by the official code of several methods"),
    GradientQuantity("angle", "∠(g, g′) in degrees, of every two terms", "Yu et al. 2020"),
    GradientQuantity("center_force", "d log‖o‖/dt under descent along g", "as `losslang probe`"),
    GradientQuantity("residual_force", "d log mᵣ/dt under descent along g", "as `losslang probe`"),
)
"""What `losslang.evaluation.gradients.summary` gives, all at every logged step."""


_SHARES = ("knn", "embedding_knn", "online_probe", "online_train")
_LENGTHS = ("center_norm", "residual_norm", "residual_rms", "correlation")

BOUNDS: dict[str, tuple[float, float]] = {
    **dict.fromkeys((*_SHARES, *_LENGTHS), (0, 1)),
    **dict.fromkeys(("effective_rank", "rankme", "lidar"), (1, math.inf)),
    **dict.fromkeys(("spread", "norm"), (0, math.inf)),
    "alignment": (0, 4),
    "uniformity": (-8, 0),
    "center_turn": (-1, 1),
    "angle": (0, 180),
}
"""The least and the most that a number can be, for those that have a bound: a standard deviation about a mean may pass it."""


def of_cloud(z: Tensor, *, cheap: bool = False) -> dict[str, float]:
    """The rows of `CLOUD` of a cloud [sample, feature]; only those of cost `step` where `cheap`."""
    return _numbers(CLOUD, z, cheap=cheap)


def of_draws(z: Tensor, *, cheap: bool = False) -> dict[str, float]:
    """The rows of `DRAWS` of embeddings [draw, sample, feature], at least two draws."""
    return _numbers(DRAWS, z, cheap=cheap)


def _numbers(rows: dict[str, Quantity], z: Tensor, *, cheap: bool) -> dict[str, float]:
    """The rows that there are numbers for: what is not finite, such as a mean over no pairs, is left out."""
    found = {name: float(row.of(z)) for name, row in rows.items() if row.cost == "step" or not cheap}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def turn(now: Tensor, before: Tensor) -> float:
    """Cosine of two centers [feature]; 0 where one has no length."""
    return float(torch.nn.functional.cosine_similarity(now.double(), before.double(), dim=0, eps=1e-30))
