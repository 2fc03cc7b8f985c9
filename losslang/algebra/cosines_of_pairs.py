"""A row for cosines of pairs of views: no unit rows are held, and the gradients of all views of a value are one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple

from losslang.algebra.cosines import UnitView
from losslang.algebra.patterns import axes_of
from losslang.algebra.rewrite import Maker, Row, roots
from losslang.objective.axes import BATCH, VIEW
from losslang.objective.graph import Graph, Node, walk

__all__ = ["cosines_of_pairs"]

Pair = tuple[int, int, int]  # a view of x, one of y, and by how many rows that is moved on


class Cosine(NamedTuple):
    """A cosine of a view that has a gradient with another one."""

    one: UnitView
    other: UnitView

    @classmethod
    def of(cls, node: Node) -> Cosine | None:
        """What a node is; the operand with a gradient is the first, and stays where it is."""
        if node.op != "dot" or axes_of(node, "pairs"):
            return None
        views = [view for view in map(UnitView.of, node.inputs) if view is not None]
        if len(views) < 2:
            return None
        one, other = sorted(views, key=lambda view: (not view.trains, view.shift != 0))
        x, y = one.whole.type, other.whole.type
        laid_out = x.axes == y.axes and len(x.axes) == 3 and x.axes[:2] == (VIEW, BATCH)
        alike = one.norm.attributes == other.norm.attributes and axes_of(node) == x.axes[2:] == axes_of(one.norm)
        return cls(one, other) if laid_out and alike and one.trains and not one.shift else None

    @property
    def key(self) -> tuple[object, ...]:
        """What cosines share that are computed together."""
        return self.one.whole, self.other.whole, self.other.trains, self.one.norm.attributes

    @property
    def itself(self) -> bool:
        """Whether both are views of one value, to which both gradients go."""
        return self.one.whole is self.other.whole and self.other.trains

    @property
    def pair(self) -> Pair:
        """Which views meet."""
        return self.one.view, self.other.view, self.other.shift


def cosines_of_pairs(graph: Graph) -> Row:
    """The row for a graph: which unit rows serve nothing but such cosines is read off before."""
    found = _pairs(graph)

    def together(node: Node, make: Maker) -> Node | None:
        cosine = Cosine.of(node) if make.at is not None and make.at.number in found else None
        if cosine is None or make.at is None:
            return None
        pairs, (one, other) = found[make.at.number], cosine
        y = make.call("stopgrad", other.whole) if other.stopped else other.whole
        ones, others, shifts = zip(*pairs, strict=True)
        options = {"over": axes_of(node), "eps": one.norm["eps"], "ones": ones, "others": others, "shifts": shifts}
        cosines = make.call("cosines_of_pairs", one.whole, y, **options)
        return make.make("select", (cosines,), (("view", pairs.index(cosine.pair)),), node.type)

    return Row("cosines_of_pairs", "cos of pairs of views, by products and lengths", together)


def _pairs(graph: Graph) -> Mapping[int, tuple[Pair, ...]]:
    """By the number of a cosine: its pair and those of its like, where every view of x is in one of them.

    Where the unit rows of all of x are there anyway, cosines are made of these.
    """
    users: dict[int, set[int]] = defaultdict(set)
    groups: dict[tuple[object, ...], dict[int, Cosine]] = defaultdict(dict)
    units = {(node.inputs[0], node.attributes): node for node in walk(roots(graph)) if node.op == "normalize"}
    for node in walk(roots(graph)):
        for child in node.inputs:
            users[child.number].add(node.number)
        cosine = Cosine.of(node)
        if cosine is not None and units.get((cosine.one.whole, cosine.one.norm.attributes)) in {None, cosine.one.norm}:
            groups[cosine.key][node.number] = cosine
    found: dict[int, tuple[Pair, ...]] = {}
    for group in groups.values():
        if _all_views(group.values()) and all(_alone(cosine, users, group) for cosine in group.values()):
            found |= dict.fromkeys(group, tuple(sorted({cosine.pair for cosine in group.values()})))
    return found


def _all_views(group: Collection[Cosine]) -> bool:
    """Whether every view of x has a gradient: no part of it is zeros."""
    first = next(iter(group))
    met = {cosine.one.view for cosine in group} | {c.other.view for c in group if c.itself}
    dim = first.one.whole.type.find(VIEW)
    return dim is not None and met == set(range(len(dim.labels)))


def _alone(cosine: Cosine, users: Mapping[int, set[int]], group: Collection[int]) -> bool:
    """Whether the unit rows that have a gradient serve nothing else."""
    return all(users[view.norm.number] <= _above(view, users, group) for view in cosine if view.trains)


def _above(view: UnitView, users: Mapping[int, set[int]], group: Collection[int]) -> set[int]:
    """Cosines of the group, and what is chosen or moved on for these alone."""
    between = {number for number in users[view.norm.number] if users[number] and users[number] <= set(group)}
    return set(group) | between
