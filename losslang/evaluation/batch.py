"""What is measured of a training batch at a logged step, from the forward pass that trains: nothing is computed twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from losslang.evaluation import geometry
from losslang.evaluation.gradients import summary
from losslang.evaluation.quantities import of_cloud, of_draws, turn
from losslang.objective.graph import walk
from losslang.objective.spec import Spec

__all__ = ["batch_record", "observing", "output_norm", "standardizes"]


@contextmanager
def observing(norm: nn.Module | None) -> Iterator[list[Tensor]]:
    """Within, what a network's output batch norm is given is kept, one tensor [batch, feature] per view; without one nothing."""
    seen: list[Tensor] = []
    if norm is None:
        yield seen
        return
    hook = norm.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].detach()))
    try:
        yield seen
    finally:
        hook.remove()


def output_norm(network: nn.Module) -> nn.Module | None:
    """The batch norm that is the last layer of a network, if it is."""
    layers = [module for module in network.modules() if not list(module.children())]
    return layers[-1] if layers and isinstance(layers[-1], nn.BatchNorm1d) else None


def standardizes(spec: Spec, embedding: str) -> bool:
    """Whether the objective itself standardises the embedding over the batch, as Barlow Twins does."""
    if embedding not in spec.graph.definitions:
        return False
    number = spec.graph.definitions[embedding].number
    given = [value for call in spec.graph.applications if call.name == "standardize" for _, value in call.arguments]
    return any(node.number == number for node in walk(given))


def batch_record(
    z: Tensor,
    gradients: Mapping[str, Tensor],
    before_norm: Sequence[Tensor],
    earlier: Tensor | None,
    *,
    standardized: bool = False,
) -> tuple[dict[str, dict[str, float]], Tensor]:
    """The parts `batch` and `gradient` of a line of the metrics, and the center [feature] for the next.

    `z` is the embedding [view, batch, feature] or [batch, feature], and `gradients` are those of the terms to it;
    `before_norm` [batch, feature] is what its output batch norm was given, view by view, `earlier` the center of the logged
    step before. Where `standardized`, numbers after the loss's own batch norm join.
    """
    rows = z.flatten(0, -2)
    found = of_cloud(rows, cheap=True)
    if z.dim() == 3 and len(z) > 1:
        found |= of_draws(z, cheap=True)
    if before_norm:
        found |= _lengths("before_norm", torch.cat(list(before_norm)))
    if standardized:
        found |= _lengths("after_norm", _standardized(z).flatten(0, -2))
    center = geometry.center(rows)
    if earlier is not None and earlier.shape == center.shape:
        found["center_turn"] = turn(center, earlier)
    return {"batch": found, "gradient": summary(gradients, z)}, center


def _standardized(z: Tensor) -> Tensor:
    """Every feature with mean 0 and variance 1 over the batch of its view."""
    return (z - z.mean(-2, keepdim=True)) / (z.var(-2, correction=0, keepdim=True) + 1e-5).sqrt()


def _lengths(place: str, rows: Tensor) -> dict[str, float]:
    return {
        f"{place}/center_norm": float(geometry.center_norm(rows)),
        f"{place}/residual_norm": float(geometry.residual_norm(rows)),
        f"{place}/residual_rms": float(geometry.residual_rms(rows)),
    }
