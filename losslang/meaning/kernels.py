"""The meaning of every core operation, in float64 numpy: one row per operation.

These rows define what is right; every other form is compared with them. Here are those that work entry by entry.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from losslang.meaning.arrays import Array
from losslang.meaning.assignment import ASSIGNMENT
from losslang.meaning.kernel import Kernel, elementwise
from losslang.meaning.matrices import MATRICES
from losslang.meaning.reductions import REDUCTIONS
from losslang.meaning.shapes import SHAPES
from losslang.objective.graph import Node

__all__ = ["KERNELS"]


def _total(*operands: Array) -> Array:
    return sum(operands[1:], operands[0])


def _numbers(node: Node, option: str) -> tuple[float, ...]:
    values = node[option]
    assert isinstance(values, tuple)
    return tuple(value for value in values if isinstance(value, int | float))


def _combination(node: Node, operands: Sequence[Array]) -> Array:
    """Σ scale·value + offset, of the canonical form."""
    offset = node["offset"]
    assert isinstance(offset, int | float)
    scaled = [scale * x for scale, x in zip(_numbers(node, "scales"), operands, strict=True)]
    return elementwise(_total)(node, scaled) + offset


def _monomial(node: Node, operands: Sequence[Array]) -> Array:
    """Π base^power, of the canonical form."""
    raised = [x**power for x, power in zip(operands, _numbers(node, "powers"), strict=True)]
    return elementwise(lambda *x: math.prod(x[1:], start=x[0]))(node, raised)


ELEMENTWISE: Final[dict[str, Kernel]] = {
    "add": elementwise(np.add),
    "subtract": elementwise(lambda x, y: np.subtract(x, y, dtype=float)),
    "multiply": elementwise(lambda x, y: np.multiply(x, y, dtype=float)),
    "divide": elementwise(np.divide),
    "power": elementwise(np.power),
    "negative": elementwise(np.negative),
    "equal": elementwise(np.equal),
    "not_equal": elementwise(np.not_equal),
    "less": elementwise(np.less),
    "less_equal": elementwise(np.less_equal),
    "greater": elementwise(np.greater),
    "greater_equal": elementwise(np.greater_equal),
    "both": elementwise(np.logical_and),
    "either": elementwise(np.logical_or),
    "negate": elementwise(np.logical_not),
    "exp": elementwise(np.exp),
    "log": elementwise(np.log),
    "sqrt": elementwise(np.sqrt),
    "abs": elementwise(np.abs),
    "relu": elementwise(lambda x: np.maximum(x, 0.0)),
    "tanh": elementwise(np.tanh),
    "sigmoid": elementwise(lambda x: 1 / (1 + np.exp(-x))),
    "softplus": elementwise(lambda x: np.logaddexp(x, 0.0)),
    "sin": elementwise(np.sin),
    "cos": elementwise(np.cos),
    "maximum": elementwise(np.maximum),
    "minimum": elementwise(np.minimum),
    "stopgrad": lambda _node, operands: operands[0],
    "total": elementwise(_total),
    "combination": _combination,
    "monomial": _monomial,
}

KERNELS: Final[dict[str, Kernel]] = {**ELEMENTWISE, **REDUCTIONS, **MATRICES, **ASSIGNMENT, **SHAPES}
