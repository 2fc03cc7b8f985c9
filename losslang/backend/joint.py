"""The networks' part of a method for many members at once, from the graph: what the emitted `embed` does for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from losslang.backend.front import embeddings
from losslang.networks.joint import JointNetwork
from losslang.objective.axes import VIEW
from losslang.objective.boundary import find_inputs
from losslang.objective.graph import Node, walk
from losslang.objective.spec import Spec

__all__ = ["JointFront"]


class JointFront:
    """Embeds all members. Values are [member, feature, view, batch], or [member, feature, batch] of one view."""

    def __init__(self, spec: Spec, networks: Mapping[str, JointNetwork]) -> None:
        self._networks = networks
        self._batches = {name: mode for name, mode in spec.forward.items()}
        self._wanted = {i.name: i.node for i in find_inputs(spec)} | embeddings(spec)
        self._nodes = list(walk(self._wanted.values()))

    def embed(self, views: Sequence[Tensor]) -> dict[str, Tensor]:
        """Inputs [member, batch, …] by view to what networks make of them: [view, member, batch, feature] or without view."""
        images = torch.stack([view.flatten(2) for view in views], dim=1).permute(0, 3, 1, 2)
        found: dict[int, Tensor] = {}
        for node in self._nodes:
            found[node.number] = images if node.op == "images" else self._value(node, found[node.inputs[0].number])
        return {name: _for_the_loss(found[node.number]) for name, node in self._wanted.items()}

    def _value(self, node: Node, x: Tensor) -> Tensor:
        if node.op == "select":
            return x[:, :, int(str(node["view"]))]
        if node.op == "take":
            views = node["views"]
            assert isinstance(views, tuple)
            return x[:, :, list(views)]
        name = str(node["network"])
        separate = node.type.has(VIEW) and self._batches[name] != "joint"
        return self._networks[name](x.flatten(2), x.shape[2] if separate else 1).unflatten(2, x.shape[2:])


def _for_the_loss(x: Tensor) -> Tensor:
    return x.permute(2, 0, 3, 1) if x.dim() == 4 else x.mT
