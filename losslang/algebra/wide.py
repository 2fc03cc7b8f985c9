"""Which values are in double precision whatever the embeddings are: running matrices that have a log-determinant.

A running covariance forgets its start, so its least eigenvalues fall to those of the batch and a jitter, 1e-9 of the largest,
which the rounding of float32 exceeds: the gradient of its log-determinant is wrong there, and soon it has no Cholesky factor.
Its products are as exact as it is (CorInfoMax, whose authors keep both in float64).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from losslang.meaning.kernels import ELEMENTWISE
from losslang.objective.graph import Node

__all__ = ["OF_WIDE", "PROMOTE", "wide_values"]

OF_WIDE = {"logdet", "same", "size"}
"""Operations that take a wide value as it is; others take it in the precision of the embeddings."""

PROMOTE = {*ELEMENTWISE}
"""Operations that give the wider type of their operands."""

_CARRY = {*ELEMENTWISE, "select", "take"}
"""Operations of entries by themselves."""


def wide_values(nodes: Iterable[Node], given: Container[int]) -> frozenset[int]:
    """The numbers of running statistics that reach a log-determinant entry by entry, of what lies between, and of their makings.

    These end at the embeddings, of the numbers `given`, and at single views of them. `nodes` stand after their operands.
    """
    ordered = list(nodes)
    wide = _towards_logdets(ordered)
    made: set[int] = {node.number for node in ordered if node.number in wide and _is_running(node)}
    narrow = _with_views(ordered, given)
    for node in reversed(ordered):
        if node.number in made:
            made.update(
                x.number for x in node.inputs if x.type.dims and x.type.kind != "mask" and x.number not in narrow
            )
    return frozenset(_with_views(ordered, wide | made))


def _towards_logdets(ordered: Sequence[Node]) -> set[int]:
    """Running statistics and what lies between them and the log-determinants that they reach."""
    leads = {child.number for node in ordered if node.op == "logdet" for child in node.inputs}
    for node in reversed(ordered):
        if node.number in leads and node.op in _CARRY:
            leads.update(child.number for child in node.inputs)
    wide: set[int] = set()
    for node in ordered:
        carries = node.op in _CARRY and any(child.number in wide for child in node.inputs)
        if node.number in leads and (carries or _is_running(node)):
            wide.add(node.number)
    return wide


def _is_running(node: Node) -> bool:
    return node.op == "running" or (node.op == "kept_state" and node["of"] == "running")


def _with_views(ordered: Sequence[Node], values: Container[int]) -> set[int]:
    """Values and single views of them, which come as they come."""
    found: set[int] = set()
    for node in ordered:
        if node.number in values or (node.op == "select" and node.inputs[0].number in found):
            found.add(node.number)
    return found
