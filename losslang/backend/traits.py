"""What an emitted body must know of operations: which keep masks, which keep or share memory, and names of their values."""

from __future__ import annotations

from losslang.objective.graph import Node
from losslang.objective.operations import OPERATIONS

__all__ = ["LABELS", "OF_MASKS", "SHARE", "keeps_nothing", "takes"]

OF_MASKS = {"both", "either", "negate", "select", "take", "group", "size", "same", "gathered", "own_rows", "own_same"}
"""Operations that keep a mask a mask."""

SHARE = {"select", "take", "stopgrad", "first", "group", "total", "sum", "mean"}
"""Operations whose result may be (part of) their operand."""


def keeps_nothing(node: Node) -> bool:
    """Whether an operation with gradient keeps no operand for the way back."""
    return node.op == "contrast_of_products" and node["attracted"] == "beside"


_MASKED = {"entries", "kept"}
"""Operations of no method whose second operand is a mask."""


def takes(op: str) -> set[str]:
    """The names of its parameters."""
    if op in _MASKED:
        return {"where"}
    return {parameter.name for parameter in OPERATIONS[op].parameters} if op in OPERATIONS else set()


LABELS = {
    "normalize": "unit_rows",
    "dot": "product",
    "mean": "mean",
    "subtract": "difference",
    "total": "pairs",
    "power": "powered",
    "select": "view",
    "running": "statistic",
    "contrast_of_products": "contrasted",
    "cosines_of_views": "cosines",
    "cosines_of_pairs": "cosines",
    "cross_entropies": "entropy",
    "nearest_rows": "nearest",
    "waves": "summed",
    "across": "total",
    "log_sum_across": "log_total",
    "largest_across": "largest",
    "gathered": "rows_of_all",
    "squared_products_across": "squares",
    "logdet_of_products_across": "logdet",
    "trace_of_log_across": "trace",
    "sinkhorn_across": "assigned",
    "argmax_across": "chosen",
}
"""Names of values that have none."""
