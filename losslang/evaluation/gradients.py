"""What each term of the loss does to the embeddings of a batch, by its gradient."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["angle", "center_force", "gradient_norm", "gradients", "residual_force", "summary"]


def gradients(terms: Mapping[str, Tensor], z: Tensor) -> dict[str, Tensor]:
    """∂term/∂z, of the shape of `z`, for every term; zero where a term does not see it. The graph stays for the training step."""
    if not z.requires_grad:
        return {name: torch.zeros_like(z) for name in terms}
    return {name: _gradient(value, z) for name, value in terms.items()}


def _gradient(value: Tensor, z: Tensor) -> Tensor:
    if not value.requires_grad:
        return torch.zeros_like(z)
    (found,) = torch.autograd.grad(value, z, retain_graph=True, allow_unused=True, materialize_grads=True)
    return found.detach()


def gradient_norm(gradient: Tensor) -> Tensor:
    """Length of a gradient over the whole batch."""
    return gradient.double().norm()


def angle(one: Tensor, other: Tensor) -> Tensor:
    """Angle between two gradients in degrees: 0 the terms agree, 90 they do not touch, 180 they fight. 90 where one is zero."""
    cosine = F.cosine_similarity(one.double().flatten(), other.double().flatten(), dim=0, eps=1e-30)
    return torch.rad2deg(torch.arccos(cosine.clamp(-1, 1)))


def center_force(gradient: Tensor, z: Tensor) -> Tensor:
    """d log‖o‖/dt under descent along a gradient: how fast the center o of the unit embeddings grows; > 0 towards collapse.

    `gradient` and `z` are [row, feature]. Rows turn by what of the gradient is across them, in units of their length, so
    that the scale of the embeddings does not matter; time counts as in `losslang probe`. What the center gains the
    residual r loses: ‖o‖² center_force + mean‖r‖² residual_force = 0.
    """
    unit, moved = _turning(gradient, z)
    center = unit.mean(0)
    return (moved @ center).sum() / center.square().sum()


def residual_force(gradient: Tensor, z: Tensor) -> Tensor:
    """d log‖r‖/dt likewise, of the residuals r_i = u_i − o."""
    unit, moved = _turning(gradient, z)
    rest = unit - unit.mean(0)
    return (moved * rest).sum() / rest.square().sum(-1).mean()


def _turning(gradient: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """The unit embeddings, and where each goes on the sphere."""
    length = z.double().norm(dim=-1, keepdim=True)
    unit = z.double() / length
    pull = -gradient.double() * length
    return unit, pull - (pull * unit).sum(-1, keepdim=True) * unit


def summary(found: Mapping[str, Tensor], z: Tensor) -> dict[str, float]:
    """For every term `norm/TERM`, `center_force/TERM`, `residual_force/TERM`; for every pair `angle/TERM,TERM`.

    `found` are the gradients of the terms to `z` [view, batch, feature] or [batch, feature]. What is no number, as the force
    on a center of length zero, is left out.
    """
    rows = z.flatten(0, -2)
    numbers = {f"norm/{name}": gradient_norm(gradient) for name, gradient in found.items()}
    for name, gradient in found.items():
        numbers[f"center_force/{name}"] = center_force(gradient.flatten(0, -2), rows)
        numbers[f"residual_force/{name}"] = residual_force(gradient.flatten(0, -2), rows)
    for one, other in combinations(found, 2):
        numbers[f"angle/{one},{other}"] = angle(found[one], found[other])
    return {name: float(value) for name, value in numbers.items() if torch.isfinite(value)}
