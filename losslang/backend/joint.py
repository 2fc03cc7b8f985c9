"""The networks' part of a method for many members at once, from the graph: what the emitted `embed` does for one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from losslang.backend.front import embeddings
from losslang.networks.joint import Joint, JointNetwork
from losslang.objective.axes import VIEW
from losslang.objective.boundary import find_inputs
from losslang.objective.graph import Node, walk
from losslang.objective.spec import Spec

__all__ = ["JointFront", "of_batch"]


class JointFront:
    """Embeds all members. Values are [member, feature, view, batch], or [member, feature, batch] of one view.

    `of_batch` puts their axes into the order in which losses and measures take them.

    `networks` are those of the first member. Raises NotStackable.
    """

    def __init__(self, spec: Spec, networks: Mapping[str, nn.Module], joint: Joint) -> None:
        self._wanted = {i.name: i.node for i in find_inputs(spec)} | embeddings(spec)
        self._statistics = spec.forward
        nodes = list(walk(self._wanted.values()))
        inner = self._followed(nodes)
        self._nodes = [node for node in nodes if node.number not in inner]
        self._operands = {node.number: node.inputs[0] for node in self._nodes if node.inputs}
        self._networks: dict[int, JointNetwork] = {}
        for node in self._nodes:
            if node.op == "apply":
                chain = [node]
                while chain[0].inputs[0].number in inner:
                    chain.insert(0, chain[0].inputs[0])
                self._networks[node.number] = JointNetwork([networks[str(n["network"])] for n in chain], joint)
                self._operands[node.number] = chain[0].inputs[0]

    def _followed(self, nodes: Sequence[Node]) -> set[int]:
        """The numbers of the outputs that only one network takes, with the same statistics: both are one chain of layers."""
        uses = Counter(child.number for node in nodes for child in node.inputs)
        kept = {node.number for node in self._wanted.values()}
        pairs = [(node, node.inputs[0]) for node in nodes if node.op == "apply" and node.inputs[0].op == "apply"]
        return {
            inner.number
            for outer, inner in pairs
            if uses[inner.number] == 1 and inner.number not in kept and self._mode(outer) == self._mode(inner)
        }

    def _mode(self, node: Node) -> str:
        return self._statistics[str(node["network"])]

    def embed(self, views: Sequence[Tensor]) -> dict[str, Tensor]:
        """Inputs [member, batch, …] by view to what networks make of them."""
        images = torch.cat([view.flatten(2).mT[:, :, None] for view in views], dim=2).contiguous()
        found: dict[int, Tensor] = {}
        for node in self._nodes:
            found[node.number] = images if node.op == "images" else self._value(node, found)
        return {name: found[node.number] for name, node in self._wanted.items()}

    def _value(self, node: Node, found: Mapping[int, Tensor]) -> Tensor:
        x = found[self._operands[node.number].number]
        if node.op == "select":
            return x[:, :, int(str(node["view"]))]
        if node.op == "take":
            views = node["views"]
            assert isinstance(views, tuple)
            return x[:, :, list(views)]
        batches = x.shape[2] if node.type.has(VIEW) and self._mode(node) != "joint" else 1
        return self._networks[node.number](x.flatten(2), batches).unflatten(2, x.shape[2:])


def of_batch(x: Tensor) -> Tensor:
    """[member, view, batch, feature], or without view."""
    return x.permute(0, 2, 3, 1) if x.dim() == 4 else x.mT
