"""The networks' part of an emitted module: from views of images to the embeddings the loss takes."""

from __future__ import annotations

from losslang.objective.axes import VIEW
from losslang.objective.boundary import Input, is_embedding
from losslang.objective.graph import Node, walk
from losslang.objective.spec import Spec

__all__ = ["embed_lines", "embeddings"]


def embeddings(spec: Spec) -> dict[str, Node]:
    """Every definition that is the output of networks alone, by name."""
    return {name: node for name, node in spec.graph.definitions.items() if is_embedding(node) and node.op == "apply"}


def _images(node: Node) -> str:
    """The views of the images that a node stands for: a list, or one tensor."""
    if node.op == "images":
        return "x"
    inner = _images(node.inputs[0])
    if node.op == "select":
        return f"{inner}[{node['view']}]"
    views = node["views"]
    assert isinstance(views, tuple)
    return "[" + ", ".join(f"{inner}[{i}]" for i in views) + "]"


def embed_lines(spec: Spec, inputs: tuple[Input, ...], name: str, extra: list[str]) -> list[str]:
    """The class that joins networks and loss."""
    wanted = {i.name: i.node for i in inputs} | embeddings(spec)
    networks = list(dict.fromkeys(str(n["network"]) for n in walk(wanted.values()) if n.op == "apply"))
    typed = [*(f"{argument}: Tensor" for argument in extra), "places: Tensor | None = None"]
    lines = [
        f"class {name}(nn.Module):",
        f'    """{spec.method_name} as a whole: networks, then the objective."""',
        "",
        f"    views = {spec.views!r}",
        "",
        f"    def __init__(self, networks: Mapping[str, nn.Module], loss: {name}Loss) -> None:",
        "        super().__init__()",
        "        self.networks = nn.ModuleDict(networks)",
        "        self.loss = loss",
        "",
        f"    def forward(self, {', '.join(['views: Mapping[str, Tensor] | Sequence[Tensor]', *typed])}) -> Output:",
        '        """The loss of a batch: images by view name, or in view order."""',
        "        embedded = self.embed(views)",
        f"        return self.loss({', '.join([*(f'embedded[{i.name!r}]' for i in inputs), *extra, 'places'])})",
        "",
        "    def embed(self, views: Mapping[str, Tensor] | Sequence[Tensor]) -> dict[str, Tensor]:",
        '        """Every named output of the networks."""',
        "        x = [views[name] for name in self.views] if isinstance(views, Mapping) else list(views)",
    ]
    known: dict[int, str] = {}
    names = {node.number: key for key, node in reversed(wanted.items())}
    for node in walk(wanted.values()):
        if node.op == "apply":
            variable = f"{names.get(node.number, node['network'])}_"
            while variable in known.values():
                variable += "_"
            place = f"{node.span.source.name.rsplit('/', 1)[-1]}:{node.span.line}".replace("\n", " ")
            lines.append(f"        {variable} = {_applied(spec, node, known)}  # {place}")
            known[node.number] = variable
    returned = ", ".join(f"{key!r}: {known[node.number]}" for key, node in wanted.items())
    assert networks
    return [*lines, f"        return {{{returned}}}"]


def _operand(node: Node, known: dict[int, str]) -> str:
    base = node
    while base.op in {"select", "take"}:
        base = base.inputs[0]
    if base.op == "images":
        return _images(node)
    if node.op == "apply":
        return known[node.number]
    inner = _operand(node.inputs[0], known)
    if node.op == "select":
        return f"{inner}[{node['view']}]"
    views = node["views"]
    assert isinstance(views, tuple)
    return f"{inner}[{list(views)}]"


def _applied(spec: Spec, node: Node, known: dict[int, str]) -> str:
    network = str(node["network"])
    operand = _operand(node.inputs[0], known)
    module = f"self.networks[{network!r}]"
    mode = "jointly" if spec.forward[network] == "joint" else "separately"
    output = f"{mode}({module}, {operand})" if node.type.has(VIEW) else f"{module}({operand})"
    size = node.type.dims[-1].known
    if spec.networks[network].kind != "backbone" or size is None:
        return output
    return f"checked_features({output}, {network!r}, {size}, {len(node.type.dims)})"
