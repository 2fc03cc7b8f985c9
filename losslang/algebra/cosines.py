"""A row for cosines of views: their lengths are kept in place of their unit rows, and gradients of all views are one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from losslang.algebra.patterns import axes_of
from losslang.algebra.rewrite import Maker, Row, roots
from losslang.objective.axes import VIEW
from losslang.objective.graph import Graph, Node, walk

__all__ = ["UnitView", "cosines_of_views"]


@dataclass(frozen=True)
class UnitView:
    """A view of a value, each row over its length and `shift` places on; `stopped` where no gradient goes back."""

    whole: Node
    view: int
    norm: Node
    stopped: bool
    shift: int

    @classmethod
    def of(cls, node: Node) -> UnitView | None:
        """What a node is, in any order of choosing, stopping, moving on and dividing."""
        steps: dict[str, Node] = {}
        while node.op in {"normalize", "select", "stopgrad", "roll"} and node.op not in steps:
            steps[node.op] = node
            (node,) = node.inputs
        if "normalize" not in steps or "select" not in steps or node.type.axes[:1] != (VIEW,):
            return None
        view, shift = steps["select"]["view"], steps["roll"]["shift"] if "roll" in steps else 0
        assert isinstance(view, int)
        assert isinstance(shift, int)
        if shift and axes_of(steps["roll"]) != node.type.axes[-2:-1]:
            return None
        return cls(node, view, steps["normalize"], "stopgrad" in steps, shift)

    @property
    def trains(self) -> bool:
        """Whether a gradient goes back."""
        return bool(self.whole.trains) and not self.stopped


def cosines_of_views(graph: Graph) -> Row:
    """The row for a graph: which unit rows serve nothing but such cosines is read off before."""
    pairs = _pairs(graph)

    def together(node: Node, make: Maker) -> Node | None:
        if make.at is None or node.op != "dot" or node.attributes != make.at.attributes or make.at.number not in pairs:
            return None
        one, other = map(UnitView.of, node.inputs)
        if one is None or other is None:
            return None
        y = make.call("stopgrad", other.whole) if other.stopped else other.whole
        views = dict(pairs[make.at.number])
        options = {"over": axes_of(node), "eps": one.norm["eps"], "others": tuple(views[n] for n in sorted(views))}
        cosines = make.call("cosines_of_views", one.whole, y, **options)
        return make.make("select", (cosines,), (("view", one.view),), node.type)

    return Row("cosines_of_views", "cos of all views of x with views of y, by products and lengths", together)


def _pairs(graph: Graph) -> dict[int, tuple[tuple[int, int], ...]]:
    """By the number of a cosine: the views of x and y in it and in all its like, where each view of x is in one of them."""
    users: dict[int, set[int]] = defaultdict(set)
    groups: dict[tuple[object, ...], list[tuple[Node, UnitView, UnitView]]] = defaultdict(list)
    for node in walk(roots(graph)):
        for child in node.inputs:
            users[child.number].add(node.number)
        one, other = map(UnitView.of, node.inputs) if node.op == "dot" and not axes_of(node, "pairs") else (None, None)
        if one is not None and other is not None and _fit(node, one, other):
            key = (one.whole, other.whole, other.stopped, node.attributes, one.norm.attributes)
            groups[key].append((node, one, other))
    found: dict[int, tuple[tuple[int, int], ...]] = {}
    for group in groups.values():
        numbers = {node.number for node, _, _ in group}
        pairs = tuple((one.view, other.view) for _, one, other in group)
        dim = group[0][1].whole.type.find(VIEW)
        alone = all(users[child.number] <= numbers for node, _, _ in group for child in node.inputs)
        if alone and dim is not None and sorted(u for u, _ in pairs) == list(range(len(dim.labels))):
            found |= dict.fromkeys(numbers, pairs)
    return found


def _fit(node: Node, one: UnitView, other: UnitView) -> bool:
    x, y = one.whole, other.whole
    alike = x.type.axes == y.type.axes and one.norm.attributes == other.norm.attributes
    last = axes_of(node) == x.type.axes[-1:] == axes_of(one.norm)
    return last and alike and not one.stopped and not one.shift and not other.shift and (x is not y or other.stopped)
