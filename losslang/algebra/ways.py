"""Two ways to a function of products xᵀx over rows that processes share, and which of them is cheaper. Emitted as it is.

By sums: every process multiplies its own rows, and [k, k'] is summed over the processes. By rows: every process gets the rows
of all, and multiplies its own with them, which is a part of [row, row']. Both give the same value and gradient. Gradients
travel as single numbers either way, as every process holds the matrix, or its own part of it.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "OPERATIONS_PER_BYTE",
    "Way",
    "rows_are_cheaper",
    "ways_of_cross_squares",
    "ways_of_logdet",
    "ways_of_squares",
    "ways_of_trace",
]

OPERATIONS_PER_BYTE = 500
"""What a device computes while it sends one byte (assumed: 4e14 float32 operations and 8e11 bytes a second, or 5e10 and 1e8)."""


class Way(NamedTuple):
    """What one process does in a step: operations, forward and backward, and the numbers it sends, by rings."""

    operations: float
    sent: float


def rows_are_cheaper(sums: Way, rows: Way, itemsize: int = 4) -> bool:
    """Whether rows are gathered."""

    def cost(way: Way) -> float:
        return way.operations + OPERATIONS_PER_BYTE * itemsize * way.sent

    return cost(rows) < cost(sums)


def ways_of_squares(n: int, k: int, world: int) -> tuple[Way, Way]:
    """By sums and by rows: ‖xᵀx‖² of x [n, k], whose own rows are n / world."""
    others = (world - 1) / world
    return Way(4 * n * k * k / world, 2 * others * k * k), Way(4 * n * n * k / world, others * n * k)


def ways_of_cross_squares(n: int, k: int, world: int) -> tuple[Way, Way]:
    """By sums and by rows: ‖xᵀy‖² of x and y [n, k]."""
    others = (world - 1) / world
    return Way(6 * n * k * k / world, 2 * others * k * k), Way(8 * n * n * k / world, 2 * others * n * k)


def ways_of_logdet(n: int, k: int, world: int) -> tuple[Way, Way]:
    """By sums and by rows: log det(I + xᵀx) of x [n, k]; the factor is computed by every process."""
    others = (world - 1) / world
    sums = Way(4 * n * k * k / world + k**3, 2 * others * k * k)
    return sums, Way(4 * n * n * k / world + n**3, others * (n * k + n * n))


def ways_of_trace(n: int, k: int, world: int, order: int) -> tuple[Way, Way]:
    """By sums and by rows: tr f(xᵀy) of x and y [n, k], f of some order; the gradient travels as the values do."""
    others, powers = (world - 1) / world, 6 * max(order // 2 - 1, 0)
    small = min(n, k)
    sums = Way(6 * n * k * k / world + powers * k**3, 4 * others * k * k)
    return sums, Way(6 * n * k * small + powers * small**3, 4 * others * n * k)
