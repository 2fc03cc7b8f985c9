"""Whether a recipe's backbone takes what the data and the augmentations give. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping

from losslang.data.datasets import Dataset
from losslang.data.policies import Photo, Policy
from losslang.diagnostics import LosslangError
from losslang.training.recipe import BackboneChoice

__all__ = ["check_backbone", "shape_of"]


def shape_of(policy: Policy, dataset: Dataset) -> tuple[int, ...]:
    """The shape of a view, without the batch axis."""
    return (3, policy.size, policy.size) if isinstance(policy, Photo) else dataset.shape


def check_backbone(choice: BackboneChoice, dataset: Dataset, policies: Mapping[str, Policy], source: str) -> None:
    """Raises LosslangError where the backbone cannot take every view; `source` says where it was chosen."""
    shapes = {view: shape_of(policy, dataset) for view, policy in policies.items()}
    if choice.name == "mlp":
        if len(set(shapes.values())) > 1:
            sides = ", ".join(f"{view} {shape[-1]}" for view, shape in shapes.items())
            raise LosslangError(
                f"{source}: the backbone mlp takes images of one size, and the sides of the views are {sides};"
                " a ResNet takes any (--set backbone.name=resnet18)"
            )
    elif dataset.kind == "points":
        raise LosslangError(
            f"{source}: the backbone {choice.name} takes images, and {dataset.name} holds points;"
            " take other data (--data digits) or --set backbone.name=mlp"
        )
    elif "patch" in choice.options:
        view, side = min(((view, min(shape[1:])) for view, shape in shapes.items()), key=lambda found: found[1])
        if side < choice.patch:
            raise LosslangError(
                f"{source}: the patches of {choice.name} have sides of {choice.patch}, and the view `{view}` of"
                f" {dataset.name} has {side} pixels; --set backbone.patch={max(side // 2, 1)}"
            )
