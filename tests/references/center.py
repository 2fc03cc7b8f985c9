"""Losses on the center vector: Jha et al. (2024) and the center probes of Zhang et al. (2022)."""

from __future__ import annotations

from torch import Tensor

from .formulas import cosine, unit
from .registry import reference


@reference("center_penalty", power=1)
@reference("center_penalty_squared", power=2)
def center_penalty(z: Tensor, strength: float, power: float) -> Tensor:
    """Half of (-cos + lambda ||s||^power), s the mean unit embedding, per view (Jha et al. 2024, L_Simple as a loss)."""
    center = sum(unit(view).mean(0).norm() ** power for view in z) / len(z)
    return 0.5 * (-cosine(z[0], z[1]).mean() + strength * center)


def _pull(anchor: Tensor, target: Tensor) -> Tensor:
    """-<unit anchor, sg target>, mean over rows."""
    return -(unit(anchor) * target.detach()).sum(-1).mean()


@reference("triplet_simple")
def triplet_simple(z: Tensor) -> Tensor:
    """-a . sg(b - n): the triplet loss without margin (Zhang et al. 2022)."""
    return _pull(z[0], unit(z[1]) - unit(z[2]).roll(1, dims=0))


@reference("triplet_center")
def triplet_center(z: Tensor) -> Tensor:
    """Only the center of the negatives repels: -a . sg(b - o) (Zhang et al. 2022)."""
    return _pull(z[0], unit(z[1]) - unit(z[2]).mean(0))


@reference("triplet_residual")
def triplet_residual(z: Tensor) -> Tensor:
    """Only the residual of the negative repels: -a . sg(b - (n - o)) (Zhang et al. 2022)."""
    n = unit(z[2])
    return _pull(z[0], unit(z[1]) - (n.roll(1, dims=0) - n.mean(0)))


@reference("pull_center")
def pull_center(z: Tensor) -> Tensor:
    """-a . sg(o): the gradient component of the center alone (Zhang et al. 2022, conjecture 1)."""
    return sum(_pull(view, unit(view).mean(0)) for view in z) / len(z)


@reference("pull_residual")
def pull_residual(z: Tensor) -> Tensor:
    """-a . sg(r_a): the gradient component of the residual alone (Zhang et al. 2022, conjecture 1)."""
    return sum(_pull(view, unit(view) - unit(view).mean(0)) for view in z) / len(z)
