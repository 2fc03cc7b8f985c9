"""Triton kernels for log-sum-exps over similarities: tiles that are computed again on the way back, never the matrix.

For GPUs, where triton comes with torch. Importing this module raises ImportError where it is not installed, and emitted
modules then compute the same with torch alone (`losslang.backend.similarities`). Rows may be float32, bfloat16 or float16;
products, exponentials and gradients are accumulated in float32. After FlashAttention (Dao et al. 2022) and Inf-CL (Cheng et
al. 2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from losslang.backend.precision import in_own_precision

__all__ = ["logsumexp_by_tiles"]


def logsumexp_by_tiles(x: Tensor, y: Tensor | None, scale: float | Tensor, dropped: Sequence[int] = ()) -> Tensor:
    """[rows]: log Σⱼ exp(scale · xᵢ·yⱼ) in float32, of rows x [rows, k] and y [columns, k]; y is x if None.

    `dropped` are diagonals of [rows, columns] that do not count; a row of which nothing counts gives minus infinity.
    """
    left = torch.tensor(list(dropped), dtype=torch.int64).to(x.device)
    return LogSumExpByTiles.apply(x, y, torch.as_tensor(scale, dtype=torch.float32, device=x.device), left)


class LogSumExpByTiles(torch.autograd.Function):
    """The gradient is that of a softmax: Σⱼ softmaxᵢⱼ yⱼ to xᵢ, and Σᵢ softmaxᵢⱼ xᵢ to yⱼ, in the type of the rows."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor | None, scale: Tensor, dropped: Tensor) -> Tensor:
        """Rows and log-sum-exps are kept."""
        result = torch.ops.losslang.row_sums(x, x if y is None else y, scale, dropped)
        ctx.save_for_backward(x, y, scale, dropped, result)
        return result

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Of x with itself a row counts as a row and as a column."""
        x, y, scale, dropped, result = ctx.saved_tensors
        weights, ends = (grad * scale).float(), result.nan_to_num(neginf=float("inf"))
        none = weights.new_zeros(0)
        other = x if y is None else y
        of_columns = (weights, ends) if y is None else (none, none)
        grad_x = torch.ops.losslang.row_gradients(x, other, scale, dropped, weights, ends, *of_columns)
        grad_y = None
        if y is not None and ctx.needs_input_grad[1]:
            grad_y = torch.ops.losslang.row_gradients(y, x, scale, -dropped, none, none, weights, ends).to(y.dtype)
        return grad_x.to(x.dtype), grad_y, None, None


# ---------------------------------------------------------------- the kernels


class Tile(NamedTuple):
    """Sides of a tile of products, of a part of the sum over features, and of how many features one kernel takes a gradient.

    `stages` are the parts of a sum that are on their way from memory at a time, and the one that is worked on.
    """

    rows: int
    columns: int
    inner: int
    outer: int
    warps: int
    stages: int


def tile_of(x: Tensor) -> Tile:
    """What fits into the registers and the fast memory of a core, from sm_80 to sm_90: the compiler spills next to nothing."""
    if x.device.type != "cuda":  # the interpreter
        return Tile(16, 16, 16, 32, 4, 2)
    return Tile(128, 128, 64, 128, 8, 3) if x.element_size() == 2 else Tile(64, 64, 32, 128, 8, 2)


SHARES = 2**27
"""How many shares of rows of many features are held at a time: 256 MiB in bfloat16."""


@triton.jit
def dot_added(a, b, total, PRECISION: tl.constexpr):
    """total + a b in float32."""
    if PRECISION == "wide":
        total = tl.dot(a.to(tl.float32), b.to(tl.float32), total, input_precision="ieee")
    else:
        total = tl.dot(a, b, total, input_precision=PRECISION)
    return total


@triton.jit
def products_of_tile(
    x,
    y,
    rows,
    columns,
    n,
    m,
    scale,
    dropped,
    K: tl.constexpr,
    INNER: tl.constexpr,
    DROPPED: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """scale · x yᵀ of a tile, minus infinity beyond the matrix and on dropped diagonals."""
    products = tl.zeros((rows.shape[0], columns.shape[0]), tl.float32)
    for start in range(0, K, INNER):
        inner = start + tl.arange(0, INNER)
        a = tl.load(
            x + rows.to(tl.int64)[:, None] * K + inner[None, :], (rows[:, None] < n) & (inner[None, :] < K), 0.0
        )
        b = tl.load(
            y + columns.to(tl.int64)[:, None] * K + inner[None, :], (columns[:, None] < m) & (inner[None, :] < K), 0.0
        )
        products = dot_added(a, tl.trans(b), products, PRECISION)
    products = tl.where(columns[None, :] < m, products * scale, float("-inf"))
    for place in tl.static_range(DROPPED):
        gone = columns[None, :] - rows[:, None] == tl.load(dropped + place)
        products = tl.where(gone, float("-inf"), products)
    return products


@triton.jit
def sums_kernel(
    x,
    y,
    scale,
    dropped,
    result,
    n,
    m,
    K: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    INNER: tl.constexpr,
    DROPPED: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """The log-sum-exps of some rows, tile after tile, with the largest entry so far taken off."""
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    factor = tl.load(scale)
    top = tl.full((ROWS,), float("-inf"), tl.float32)
    total = tl.zeros((ROWS,), tl.float32)
    for start in range(0, m, COLUMNS):
        columns = start + tl.arange(0, COLUMNS)
        products = products_of_tile(x, y, rows, columns, n, m, factor, dropped, K, INNER, DROPPED, PRECISION)
        higher = tl.maximum(top, tl.max(products, 1))
        shift = tl.where(higher == float("-inf"), 0.0, higher)
        total = total * tl.exp(top - shift) + tl.sum(tl.exp(products - shift[:, None]), 1)
        top = higher
    found = tl.where(total > 0, top + tl.log(tl.where(total > 0, total, 1.0)), float("-inf"))
    tl.store(result + rows, found, rows < n)


@triton.jit
def shares_of_tile(
    products,
    rows,
    columns,
    n,
    m,
    row_weights,
    row_ends,
    column_weights,
    column_ends,
    BY_ROW: tl.constexpr,
    BY_COLUMN: tl.constexpr,
):
    """aᵢ exp(pᵢⱼ - bᵢ) + cⱼ exp(pᵢⱼ - dⱼ) of products p."""
    shares = tl.zeros((rows.shape[0], columns.shape[0]), tl.float32)
    if BY_ROW:
        weight = tl.load(row_weights + rows, rows < n, 0.0)
        end = tl.load(row_ends + rows, rows < n, float("inf"))
        shares += tl.exp(products - end[:, None]) * weight[:, None]
    if BY_COLUMN:
        weight = tl.load(column_weights + columns, columns < m, 0.0)
        end = tl.load(column_ends + columns, columns < m, float("inf"))
        shares += tl.exp(products - end[None, :]) * weight[None, :]
    return shares


@triton.jit
def gradients_kernel(
    x,
    y,
    scale,
    dropped,
    row_weights,
    row_ends,
    column_weights,
    column_ends,
    result,
    n,
    m,
    K: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    INNER: tl.constexpr,
    OUTER: tl.constexpr,
    DROPPED: tl.constexpr,
    PRECISION: tl.constexpr,
    BY_ROW: tl.constexpr,
    BY_COLUMN: tl.constexpr,
):
    """The shares of some rows times y, tile after tile."""
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    outer = tl.arange(0, OUTER)
    factor = tl.load(scale)
    total = tl.zeros((ROWS, OUTER), tl.float32)
    for start in range(0, m, COLUMNS):
        columns = start + tl.arange(0, COLUMNS)
        products = products_of_tile(x, y, rows, columns, n, m, factor, dropped, K, INNER, DROPPED, PRECISION)
        shares = shares_of_tile(
            products, rows, columns, n, m, row_weights, row_ends, column_weights, column_ends, BY_ROW, BY_COLUMN
        )
        inside = (columns[:, None] < m) & (outer[None, :] < K)
        b = tl.load(y + columns.to(tl.int64)[:, None] * K + outer[None, :], inside, 0.0)
        total = dot_added(shares.to(b.dtype), b, total, PRECISION)
    inside = (rows[:, None] < n) & (outer[None, :] < K)
    tl.store(result + rows.to(tl.int64)[:, None] * K + outer[None, :], total, inside)


@triton.jit
def shares_kernel(
    x,
    y,
    scale,
    dropped,
    row_weights,
    row_ends,
    column_weights,
    column_ends,
    result,
    first,
    n,
    m,
    K: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    INNER: tl.constexpr,
    DROPPED: tl.constexpr,
    PRECISION: tl.constexpr,
    BY_ROW: tl.constexpr,
    BY_COLUMN: tl.constexpr,
):
    """A tile of the shares of the rows from `first` to n, [n - first, m]."""
    places = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    rows = first + places
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    products = products_of_tile(x, y, rows, columns, n, m, tl.load(scale), dropped, K, INNER, DROPPED, PRECISION)
    shares = shares_of_tile(
        products, rows, columns, n, m, row_weights, row_ends, column_weights, column_ends, BY_ROW, BY_COLUMN
    )
    inside = (rows[:, None] < n) & (columns[None, :] < m)
    tl.store(result + places.to(tl.int64)[:, None] * m + columns[None, :], shares, inside)


# ---------------------------------------------------------------- as operations that torch.compile does not look into


def precision_of(x: Tensor) -> str:
    """As torch's own products of float32: exact, unless the user allows less (`torch.set_float32_matmul_precision`).

    `wide`: the interpreter on a CPU has no products of bfloat16, and takes them of float32 copies.
    """
    if x.device.type != "cuda":
        return "wide"
    exact = x.dtype != torch.float32 or torch.get_float32_matmul_precision() == "highest"
    return "ieee" if exact else "tf32"


@torch.library.custom_op("losslang::row_sums", mutates_args=())
def row_sums(x: Tensor, y: Tensor, scale: Tensor, dropped: Tensor) -> Tensor:
    """[rows]: the log-sum-exps."""
    x, y, tile = x.contiguous(), y.contiguous(), tile_of(x)
    result = torch.empty(len(x), dtype=torch.float32, device=x.device)
    sums_kernel[(triton.cdiv(len(x), tile.rows),)](
        x, y, scale, dropped, result, len(x), len(y), K=x.shape[1], ROWS=tile.rows, COLUMNS=tile.columns,
        INNER=tile.inner, DROPPED=len(dropped), PRECISION=precision_of(x), num_warps=tile.warps, num_stages=tile.stages,
    )  # fmt: skip
    return result


@row_sums.register_fake
def _(x: Tensor, y: Tensor, scale: Tensor, dropped: Tensor) -> Tensor:
    return torch.empty(len(x), dtype=torch.float32, device=x.device)


@torch.library.custom_op("losslang::row_gradients", mutates_args=())
def row_gradients(
    x: Tensor,
    y: Tensor,
    scale: Tensor,
    dropped: Tensor,
    row_weights: Tensor,
    row_ends: Tensor,
    column_weights: Tensor,
    column_ends: Tensor,
) -> Tensor:
    """[rows, k] in float32: Σⱼ (aᵢ exp(pᵢⱼ - bᵢ) + cⱼ exp(pᵢⱼ - dⱼ)) yⱼ for products p that are computed again.

    Weights and ends are a and b [rows], c and d [columns]; those that are empty are not there. Where all features of a row fit
    beside a tile of products, one kernel does it and holds no shares. With more features it would compute the products again for
    every part of them: there some rows' shares at a time are held and multiplied by torch, in the type of y.
    """
    x, y, tile = x.contiguous(), y.contiguous(), tile_of(x)
    result = torch.empty(x.shape, dtype=torch.float32, device=x.device)
    given = (x, y, scale, dropped, row_weights, row_ends, column_weights, column_ends)
    settings = {
        "K": x.shape[1], "ROWS": tile.rows, "COLUMNS": tile.columns, "INNER": tile.inner, "DROPPED": len(dropped),
        "PRECISION": precision_of(x), "BY_ROW": len(row_weights) > 0, "BY_COLUMN": len(column_weights) > 0,
        "num_warps": tile.warps, "num_stages": tile.stages,
    }  # fmt: skip
    if x.shape[1] <= tile.outer:
        outer = max(triton.next_power_of_2(x.shape[1]), 16)
        gradients_kernel[(triton.cdiv(len(x), tile.rows),)](*given, result, len(x), len(y), OUTER=outer, **settings)
        return result
    height = max(SHARES // len(y) // tile.rows, 1) * tile.rows
    for first in range(0, len(x), height):
        end = min(first + height, len(x))
        shares = torch.empty(end - first, len(y), dtype=y.dtype, device=y.device)
        grid = triton.cdiv(end - first, tile.rows), triton.cdiv(len(y), tile.columns)
        shares_kernel[grid](*given, shares, first, end, len(y), **settings)
        result[first:end] = shares @ y
    return result


@row_gradients.register_fake
def _(x: Tensor, *_others: Tensor) -> Tensor:
    return torch.empty(x.shape, dtype=torch.float32, device=x.device)
