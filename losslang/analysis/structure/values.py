"""What a value in a loss is: a contrast over rows, a moment of the features, the length of the center."""

from __future__ import annotations

from collections.abc import Callable

from losslang.analysis.structure.spelling import core, factors, squared, summands
from losslang.objective.axes import Axis
from losslang.objective.graph import Node, walk

__all__ = [
    "is_center_penalty",
    "is_contrast",
    "is_logdet",
    "is_negative_row",
    "is_row_hinge",
    "is_second_order",
    "is_sliced",
    "is_spread",
    "is_standardised",
    "is_whitening",
    "under",
]


def under(node: Node, test: Callable[[Node], bool]) -> bool:
    """Whether a node, or one that it is made of, passes a test."""
    return any(test(child) for child in walk([node]))


def _pairs_rows(node: Node) -> bool:
    """[batch, batch'] or [batch, queue]: rows against all rows."""
    return node.type.has(Axis("batch", 1)) or node.type.has(Axis("queue"))


def _other_rows(node: Node) -> bool:
    return any(axis in {Axis("batch", 1), Axis("queue"), Axis("batch")} for axis in node.axes())


def is_contrast(node: Node) -> bool:
    """A log-sum-exp, softmax or potential over other rows."""
    if node.op in {"logsumexp", "log_softmax", "softmax"}:
        return _pairs_rows(node.inputs[0]) and _other_rows(node)
    if node.op == "log" or (node.op in {"mean", "sum"} and core(node.inputs[0]).op == "exp"):
        inner = core(node.inputs[0])
        return inner.op in {"mean", "sum", "exp"} and under(inner, lambda n: n.op == "exp" and _pairs_rows(n))
    return False


def _is_matrix(node: Node) -> bool:
    return node.type.has(Axis("feature", 1)) and node.type.has(Axis("feature"))


def _is_gram(node: Node) -> bool:
    """The products of rows with rows, whose squares are those of the features' matrix (Garrido et al. 2022)."""
    return node.op == "dot" and node.type.has(Axis("batch", 1))


def is_logdet(node: Node) -> bool:
    """A volume, or what is made of eigenvalues."""
    return node.op in {"logdet", "matrix_log", "eigenvalues", "nuclear_norm"}


def is_second_order(node: Node) -> bool:
    """A square of a matrix of features, such as off-diagonal covariances."""
    if any((_is_matrix(base) or _is_gram(base)) and not _is_mask(base) for base in squared(node)):
        return True
    squares = node.op == "norm" and (_is_matrix(node.inputs[0]) or _is_gram(node.inputs[0]))
    product = node.op == "multiply" and _is_matrix(node) and all(_is_matrix(child) for child in node.inputs)
    return squares or (product and not any(_is_mask(child) for child in node.inputs))


def _is_mask(node: Node) -> bool:
    return node.type.kind == "mask" or (node.op == "multiply" and any(_is_mask(child) for child in node.inputs))


def _is_center(node: Node) -> bool:
    """The mean over the batch of something that trains."""
    reduced = node.op == "mean" and Axis("batch") in node.axes() and Axis("feature") not in node.axes()
    return reduced and node.type.has(Axis("feature")) and not node.type.has(Axis("feature", 1))


def is_center_penalty(node: Node) -> bool:
    """The length of the center, or its square."""
    if node.op == "dot" and node.inputs[0] is node.inputs[1]:
        return _centered_source(node.inputs[0])
    sources = node.inputs[:1] if node.op == "norm" else squared(node)
    return any(_centered_source(core(source)) for source in sources)


def _centered_source(node: Node) -> bool:
    return _is_center(node) or (node.op in {"select", "take", "stack", "total"} and _is_center(node.inputs[0]))


def is_spread(node: Node) -> bool:
    """A hinge or a square that pushes deviations up."""
    added = [*node.inputs] if node.op == "relu" else [*squared(node)]
    while added:
        value = added.pop()
        if value.op in {"std", "var"} and Axis("batch") in value.axes():
            return True
        if value.op in _LINEAR:
            added += value.inputs[:1] if value.op == "divide" else value.inputs
    return False


_LINEAR = {"add", "subtract", "negative", "multiply", "divide", "select", "take", "sqrt", "log"}
"""Operations under which a deviation is still what is pushed up; as a divisor, it standardises."""


def is_sliced(node: Node) -> bool:
    """A value of distributions along random directions."""
    return node.op in {"cos", "sin", "sort"} and under(node, lambda n: n.op == "random_directions")


def is_whitening(node: Node) -> bool:
    """Rows with mean 0 and covariance I."""
    return node.op == "inverse_root"


def is_standardised(node: Node) -> bool:
    """Features with deviation 1, by dividing (x - mean) / (std + eps)."""
    if node.op not in {"divide", "multiply"} or not node.type.has(Axis("batch")):
        return False
    parts = [([*summands(base)], power) for base, power in factors(node)]
    divided = any(power == -1 and any(_is_deviation(each) for each, _ in sums) for sums, power in parts)
    return divided and any(power == 1 and any(sign < 0 for _, sign in sums) for sums, power in parts)


def _is_deviation(node: Node) -> bool:
    return node.op == "std" and Axis("batch") in node.axes()


def is_row_hinge(node: Node) -> bool:
    """A hinge on rows against all rows, as in triplets of a whole batch."""
    return node.op in {"relu", "softplus"} and _pairs_rows(node) and under(node, _is_gram)


def is_negative_row(node: Node) -> bool:
    """Another row as a negative: a rolled one."""
    return node.op == "roll" or (node.op == "select" and node.inputs[0].op == "roll")
