"""A row for cross entropies with a softmax: they read the scores of all views, and no logarithms of probabilities are kept."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from losslang.algebra.contrast import view_of
from losslang.algebra.patterns import Affine, affine, axes_of
from losslang.algebra.rewrite import Maker, Row
from losslang.objective.axes import VIEW
from losslang.objective.graph import Graph, Node

__all__ = ["cross_entropies"]

NAME = "cross_entropies"


class Entropy(NamedTuple):
    """What stands in -mean(Σ q · log p): the product, q, log p of the rows at hand, and the log-softmax that these are of."""

    product: Node
    q: Node
    log_p: Node
    softmax: Node

    @classmethod
    def of(cls, node: Node) -> Entropy | None:
        """What a node is, if it is a cross entropy along the last axis, in the mean over every row."""
        chain = []
        for op in ("negative", "mean", "sum"):
            if node.op != op or len(node.inputs) > 1:
                return None
            chain.append(node)
            (node,) = node.inputs
        _, mean, over = chain
        axes = node.type.axes
        if node.op != "multiply" or len(axes) < 2 or axes_of(over) != axes[-1:] or set(axes_of(mean)) != set(axes[:-1]):
            return None
        for q, log_p in (node.inputs, reversed(node.inputs)):
            softmax = log_p.inputs[0] if log_p.op == "select" else log_p
            alone = softmax.op == "log_softmax" and len(softmax.inputs) == 1 and axes_of(softmax) == axes[-1:]
            if alone and q.type.axes == log_p.type.axes == axes:
                return cls(node, q, log_p, softmax)
        return None

    def scores(self, make: Maker) -> tuple[Node, Node]:
        """The scores of the rows at hand, and the number that they are times."""
        (whole,) = self.softmax.inputs
        chosen = self.log_p if self.log_p is not self.softmax else whole
        if chosen is whole and whole.op == "select":
            (whole,) = whole.inputs
        found = affine(whole, make)
        if found.offset is not None or found.hollow is not None or found.diagonal is not None:
            found = Affine(whole, make.constant(1))
        if chosen.op == "select":
            return make.make("select", (found.core,), chosen.attributes, self.log_p.type), found.scale
        return found.core, found.scale


def cross_entropies(graph: Graph) -> Row:
    """The row for a graph: which log-softmaxes serve nothing else is read off before."""
    found = _alone(graph)

    def together(node: Node, make: Maker) -> Node | None:
        if node.op == "total":
            return _of_views(node, make)
        entropy = Entropy.of(node) if make.at is not None and make.at.number in found else None
        if entropy is None:
            return None
        x, scale = entropy.scores(make)
        return make.call(NAME, entropy.q, x, scale, over=axes_of(entropy.softmax))

    return Row(NAME, "-Σ q log softmax(s) is log Σ e^s - Σ q s where q sums to 1, whose gradient is p - q", together)


def _alone(graph: Graph) -> set[int]:
    """The numbers of the cross entropies whose log-softmax and products nothing else uses."""
    users: dict[int, list[Node]] = defaultdict(list)
    for node in graph.nodes():
        for child in node.inputs:
            users[child.number].append(node)
    entropies = [(node, entropy) for node in graph.nodes() if (entropy := Entropy.of(node)) is not None]
    products = {entropy.product.number for _, entropy in entropies}

    def serves(node: Node) -> bool:
        """Whether a log-softmax is in these products alone, in views or whole."""
        return all(serves(u) if u.op == "select" else u.number in products for u in users[node.number])

    def is_read_once(node: Node, product: Node) -> bool:
        """Whether every value from the product to the cross entropy has one user."""
        (child,) = node.inputs
        return len(users[child.number]) == 1 and (child is product or is_read_once(child, product))

    return {
        node.number for node, entropy in entropies if serves(entropy.softmax) and is_read_once(node, entropy.product)
    }


def _of_views(node: Node, make: Maker) -> Node | None:
    """Cross entropies of views of one value with views of another."""
    if not all(part.op == NAME and not part["ones"] for part in node.inputs):
        return None
    found = [(*view_of(part.inputs[0], make), *view_of(part.inputs[1], make), part.inputs[2]) for part in node.inputs]
    q, _, x, _, scale = found[0]
    if q is None or x is None or any((one, other, of) != (q, x, scale) for one, _, other, _, of in found):
        return None
    if any(part.attributes != node.inputs[0].attributes for part in node.inputs) or q.type.axes[:1] != (VIEW,):
        return None
    ones, others = tuple(part[1] for part in found), tuple(part[3] for part in found)
    return make.call(NAME, q, x, scale, over=axes_of(node.inputs[0]), ones=ones, others=others)
