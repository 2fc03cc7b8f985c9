"""A method as a flow chart: views, networks, state and terms, and how values and gradients pass between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from losslang.objective.axes import VIEW
from losslang.objective.graph import Node
from losslang.objective.networks import Network
from losslang.objective.operations import OPERATIONS, STATEFUL
from losslang.objective.spec import Spec

__all__ = ["Box", "Chart", "Link", "chart"]


@dataclass(frozen=True)
class Box:
    """A box: its kind is `views`, `network`, `target` (follows or frozen: no gradient trains it), `state` or `term`."""

    key: str
    kind: str
    title: str
    detail: str = ""


@dataclass(frozen=True)
class Link:
    """An arrow. `flow`: the value passes, and its gradient back; `stopped`: only the value; `follows`: a moving average."""

    source: str
    target: str
    kind: str
    label: str = ""


@dataclass(frozen=True)
class Chart:
    """Boxes in order of first use, and links."""

    boxes: tuple[Box, ...]
    links: tuple[Link, ...]


def chart(spec: Spec) -> Chart:
    """The flow chart of a method."""
    return _Drawing(spec).draw()


class _Drawing:
    """The boxes and links found so far."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.boxes: dict[str, Box] = {}
        self.labels: dict[tuple[str, str, str], dict[str, None]] = {}
        self.names = {node.number: name for name, node in reversed(spec.graph.definitions.items())}
        self.seen: set[tuple[str, int, bool]] = set()

    def draw(self) -> Chart:
        for term in self.spec.graph.terms:
            self.trace(f"term {term.name}", term.value)
            self.boxes[f"term {term.name}"] = Box(f"term {term.name}", "term", term.name)
        self._follow()
        boxes = sorted(self.boxes.values(), key=lambda box: _ORDER.get(box.kind, 0))
        links = [Link(*ends, ", ".join(labels)) for ends, labels in self.labels.items()]
        return Chart(tuple(boxes), tuple(links))

    def trace(self, consumer: str, root: Node, *, flows: bool = True) -> None:
        """Link everything that a value is computed from to what uses it."""
        waiting = [(root, flows)]
        while waiting:
            node, open_ = waiting.pop()
            if (consumer, node.number, open_) in self.seen:
                continue
            self.seen.add((consumer, node.number, open_))
            key = self._box(node)
            if key:
                self._link(key, consumer, node, flows=open_ and bool(node.trains))
                continue
            row = OPERATIONS.get(node.op)
            open_ = open_ and (row is None or row.gradient)
            waiting += [(child, open_) for child in reversed(node.inputs)]

    def _link(self, key: str, consumer: str, node: Node, *, flows: bool) -> None:
        kind = "flow" if flows or self.boxes[key].kind == "views" else "stopped"
        label = "" if self.boxes[key].kind in {"views", "state"} else self.names.get(node.number, "")
        self.labels.setdefault((key, consumer, kind), {}).update({label: None} if label else {})

    def _box(self, node: Node) -> str:
        """The key of the box that stands for a value; empty where it has none of its own."""
        if node.op == "apply":
            return self._network(node)
        if node.op in STATEFUL:
            return self._state(node)
        return self._views(node) if node.type.kind == "image" else ""

    def _views(self, node: Node) -> str:
        labels = _labels(node)
        groups = self.spec.view_groups
        named = [
            name if views == (name,) else f"{name} ×{len(views)}"
            for name, views in groups.items()
            if set(views) <= set(labels)
        ]
        key = "views " + " ".join(labels)
        self.boxes.setdefault(key, Box(key, "views", ", ".join(named) or ", ".join(labels), "views"))
        return key

    def _network(self, node: Node) -> str:
        name = str(node["network"])
        key = f"network {name}"
        if key not in self.boxes:
            network = self.spec.networks[name]
            kind = "target" if network.kind in {"ema", "frozen"} else "network"
            self.boxes[key] = Box(key, kind, name, _detail(network))
        self.trace(key, node.inputs[0])
        return key

    def _state(self, node: Node) -> str:
        name = str(node["name"])
        key = f"state {name}"
        if key not in self.boxes:
            self.boxes[key] = Box(key, "state", name, _STATES[node.op])
            for child in node.inputs:
                self.trace(key, child, flows=bool(node.trains))
        return key

    def _follow(self) -> None:
        """Link moving averages to what they follow."""
        for name, network in self.spec.networks.items():
            if network.kind != "ema" or f"network {name}" not in self.boxes:
                continue
            for source in _references(network):
                if f"network {source}" in self.boxes:
                    self.labels.setdefault((f"network {source}", f"network {name}", "follows"), {"EMA": None})


_ORDER = {"target": 1, "state": 2, "term": 3}  # from top to bottom, where links leave it open
_STATES = {"running": "running", "queue": "queue", "memory": "memory", "centroids": "k-means"}


def _labels(node: Node) -> tuple[str, ...]:
    """The views of a batch of images."""
    dim = node.type.find(VIEW)
    if dim is not None:
        return dim.labels
    whole = node.inputs[0].type.find(VIEW) if node.inputs else None
    place = node["view"] if node.op == "select" else 0
    return (whole.labels[place],) if whole is not None and isinstance(place, int) else ("x",)


def _references(network: Network) -> Iterator[str]:
    if network.kind == "reference":
        yield network.name
    for part in network.parts:
        yield from _references(part)


def _detail(network: Network) -> str:
    """One short line under the name of a network."""
    match network.kind:
        case "mlp" | "linear":
            return " → ".join(map(str, network.widths))
        case "prototypes":
            return f"{network.widths[0]} prototypes"
        case "ema":
            return "moving average"
        case "frozen":
            return "frozen"
        case "chain":
            return _joined(_detail(part) for part in network.parts)
        case "freeze_for":
            return _detail(network.parts[0])
        case "reference":
            return network.name
    return network.kind.replace("_", " ")


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(part for part in parts if part)
