"""A row for products of a covariance with a running one, which then need not be held beside its buffers."""

from __future__ import annotations

from collections import defaultdict

from losslang.algebra.patterns import Affine, affine, axes_of
from losslang.algebra.rewrite import Maker, Row, roots
from losslang.objective.graph import Graph, Node, walk

__all__ = ["product_with_running"]


def product_with_running(graph: Graph) -> Row:
    """The row for a graph that the other rows have rewritten: which statistics serve nothing else is read off before."""
    users: dict[int, list[Node]] = defaultdict(list)
    for node in walk(roots(graph)):
        for child in node.inputs:
            users[child.number].append(node)
    found = {node.number for node in walk(roots(graph)) if _serves_products(node, users)}

    def tracked(node: Node, make: Maker) -> Node | None:
        if node.op == "running":
            return _tracked(node, make) if make.at is not None and make.at.number in found else None
        return _product(node, make) if node.op == "sum" else None

    return Row("product_with_running", "⟨xᵀx, m c + (1 - m) yᵀy⟩ = m ⟨x c, x⟩ + (1 - m) ‖x yᵀ‖²", tracked)


def _serves_products(node: Node, users: dict[int, list[Node]]) -> bool:
    """Whether a running covariance is multiplied with covariances and summed, and nothing else is done with it."""
    if node.op != "running" or node["read"] != "after" or node["init"] == "first" or len(node.type.axes) != 2:
        return False
    make = Maker(at=node)
    statistic = _covariance(node.inputs[0], make)
    sums = [(factor, total) for factor in users[node.number] for total in users[factor.number]]
    if statistic is None or len(sums) != 1 or len(users[node.number]) != 1:
        return False
    ((factor, total),) = sums
    own = _covariance(_other(factor, node), make) if factor.op == "multiply" else None
    if own is None or total.op != "sum" or len(total.inputs) > 1 or set(axes_of(total)) != set(node.type.axes):
        return False
    return own.core.inputs[0] is statistic.core.inputs[0] or not node.inputs[0].trains


def _other(factor: Node, node: Node) -> Node:
    return factor.inputs[0] if factor.inputs[1] is node else factor.inputs[1]


def _covariance(node: Node, make: Maker) -> Affine | None:
    """scale · xᵀx [k, k'] over the other axes of x, with gradient or without."""
    found = affine(node.inputs[0] if node.op == "stopgrad" else node, make)
    core = found.core
    if core.op != "dot" or core.inputs[0] is not core.inputs[1]:
        return None
    (x, _), pairs = core.inputs, axes_of(core, "pairs")
    bare = found.offset is None and found.hollow is None and found.diagonal is None
    whole = len(pairs) == 1 and {*axes_of(core), *pairs} == set(x.type.axes)
    return found if bare and whole and core.type.axes == (pairs[0], pairs[0].primed()) else None


def _tracked(node: Node, make: Maker) -> Node:
    statistic, momentum = node.inputs
    found = _covariance(statistic, make)
    assert found is not None
    y = found.core.inputs[0]
    y = make.call("stopgrad", y) if y.trains and not statistic.trains else y
    options = {"over": axes_of(found.core), "pairs": axes_of(found.core, "pairs"), "init": node["init"]}
    attributes = (*options.items(), ("name", node["name"]))
    return make.make("running_products", (y, found.scale, momentum), attributes, node.type, frozenset())


def _product(node: Node, make: Maker) -> Node | None:
    (factor, *_) = node.inputs
    state = next((child for child in factor.inputs if child.op == "running_products"), None)
    if state is None:
        return None
    own = _covariance(_other(factor, state), make)
    assert own is not None
    over, pairs = axes_of(own.core), axes_of(own.core, "pairs")
    y, scale, momentum = state.inputs
    operands = (own.core.inputs[0], own.scale, state, y, scale, momentum)
    return make.call("product_with_running", *operands, over=over, pairs=pairs)
