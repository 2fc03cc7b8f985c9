"""Where networks end and the loss begins: the outputs of networks that the mathematics uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from losslang.diagnostics import Diagnostic, SpecError
from losslang.objective.graph import Node, walk
from losslang.objective.spec import Spec

__all__ = ["Input", "embedding_path", "find_inputs", "is_embedding", "networks_of"]

_VIEWS = {"select", "take"}


@dataclass(frozen=True)
class Input:
    """A tensor that enters the loss: the output of a network, by the name of its definition."""

    name: str
    node: Node

    @property
    def detached(self) -> bool:
        """Whether no gradient leaves through it: it comes from a target, or from frozen networks."""
        return not self.node.trains

    @property
    def outermost(self) -> str:
        """The network whose output it is."""
        return str(self.node["network"])

    @property
    def views(self) -> tuple[str, ...]:
        """The views along it; empty for a single view."""
        return self.node.type.dims[0].labels if self.node.type.dims[0].axis.name == "view" else ()


def is_embedding(node: Node) -> bool:
    """Whether a value is reached from the images through networks only."""
    while node.op in _VIEWS or node.op == "apply":
        node = node.inputs[0]
    return node.op == "images"


def networks_of(node: Node) -> tuple[str, ...]:
    """The networks that an embedding passes, outermost first."""
    names = []
    while node.op in {"apply", *_VIEWS}:
        if node.op == "apply":
            names.append(str(node["network"]))
        node = node.inputs[0]
    return tuple(names)


def embedding_path(node: Node) -> tuple[object, ...]:
    """The networks and choices of views from the images to a value: the same in every graph of a method."""
    path: list[object] = []
    while node.inputs:
        path += [node.op, node.attributes]
        (node,) = node.inputs
    return tuple(path)


def _used(spec: Spec) -> Iterable[Node]:
    """Network outputs that something other than a network uses."""
    for root in spec.graph.results:
        if is_embedding(root):
            yield root
    for node in walk(spec.graph.results):
        if not is_embedding(node):
            yield from (child for child in node.inputs if is_embedding(child))


def find_inputs(spec: Spec, *, named: bool = False) -> tuple[Input, ...]:
    """The inputs of the loss, in order of definition.

    Raises SpecError where `named` and one has no definition of its own.
    """
    names: dict[int, str] = {}
    for name, node in spec.graph.definitions.items():
        names.setdefault(node.number, name)
    found: dict[int, Input] = {}
    for used in _used(spec):
        node = _whole(used)
        if node.number not in found:
            found[node.number] = Input(names.get(node.number) or _unnamed(node, named=named), node)
    order = list(names)
    return tuple(sorted(found.values(), key=lambda i: (i.name not in names.values(), _place(i, order))))


def _place(found: Input, order: list[int]) -> int:
    return order.index(found.node.number) if found.node.number in order else found.node.number


def _whole(node: Node) -> Node:
    """The output of a network, before views of it are chosen."""
    while node.op in _VIEWS:
        node = node.inputs[0]
    return node


def _unnamed(node: Node, *, named: bool) -> str:
    if not named:
        return f"{node['network']}_{node.number}"
    raise SpecError(
        [
            Diagnostic(
                "E410",
                f"the output of `{node['network']}` enters the loss and has no name of its own",
                node.span,
                help="define it by itself, as in z: projector(encoder(x)), and use z",
            )
        ]
    )
