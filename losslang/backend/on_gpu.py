"""Similarities are summed by kernels where a GPU and triton are there (`gpu_tiles`), else by tiles of torch, which is enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losslang.backend.contrast import contrast_of_products
from losslang.backend.lengths import unit_rows
from losslang.backend.similarities import logsumexp_of_products

__all__: list[str] = []


@torch.compiler.assume_constant_result
def tiles_on_gpu(device: str) -> Any:
    """The kernels for tiles on such a device; None on a CPU, and where losslang or triton are not installed."""
    if device != "cuda":
        return None
    try:
        from losslang.backend import gpu_tiles
    except ImportError:
        return None
    return gpu_tiles


def logsumexp_of_similarities(
    x: Tensor,
    y: Tensor | None,
    scale: float | Tensor,
    dropped: Sequence[int],
    given: torch.dtype,
    attracted: Sequence[int] = (),
) -> Tensor:
    """As `logsumexp_of_products`. On a GPU rows take part in the precision that they were `given` to the loss in.

    Products, sums and exponentials are float32 there, too.
    """
    tiles = tiles_on_gpu(x.device.type)
    if tiles is None or x.dtype != torch.float32:
        return logsumexp_of_products(x, y, scale, dropped, attracted)
    half = given if given in (torch.float16, torch.bfloat16) else x.dtype
    rows = tiles.logsumexp_by_tiles(x.to(half), None if y is None else y.to(half), scale, dropped)
    return less_attracted(rows, x, x if y is None else y, scale, attracted)


def less_attracted(rows: Tensor, x: Tensor, y: Tensor, scale: float | Tensor, attracted: Sequence[int]) -> Tensor:
    """[rows]: values less the scaled products of each row of x with those of y on some diagonals."""
    for diagonal in attracted:
        first, pulled = products_on_diagonal(x, y, diagonal)
        rows = rows - torch.nn.functional.pad(pulled * scale, (first, len(x) - first - len(pulled)))
    return rows


def products_on_diagonal(x: Tensor, y: Tensor, diagonal: int) -> tuple[int, Tensor]:
    """The first row that a diagonal of [rows, columns] goes through, and the products along it."""
    first, other = max(-diagonal, 0), max(diagonal, 0)
    count = min(len(x) - first, len(y) - other)
    return first, (x.narrow(0, first, count) * y.narrow(0, other, count)).sum(-1)


def contrast_of_similarities(
    x: Tensor,
    y: Tensor | None,
    scale: float | Tensor,
    given: torch.dtype,
    dropped: Sequence[int] = (),
    attracted: Sequence[int] = (),
    pairs: Sequence[tuple[int, int]] | None = None,
    beside: Tensor | None = None,
    units: Sequence[float | None] = (None, None, None),
) -> Tensor:
    """As `contrast_of_products`; where there are kernels for them, by the log-sum-exps of rows."""
    if tiles_on_gpu(x.device.type) is None or x.dtype != torch.float32:
        return contrast_of_products(x, y, scale, dropped, attracted, pairs, beside, units)
    x, y, beside = map(unit_if_asked, (x, y, beside), units)
    if pairs is None:
        return contrast_by_rows(x, y, scale, given, dropped, attracted, beside)
    columns = x if y is None else y
    parts = [contrast_by_rows(x[u], columns[v], scale, given, dropped, attracted, None) for u, v in pairs]
    return torch.stack(parts).sum()


def unit_if_asked(x: Any, eps: float | None) -> Any:
    """The unit rows, if there is an eps."""
    return x if x is None or eps is None else unit_rows(x, (-1,), eps)


def contrast_by_rows(
    x: Tensor,
    y: Tensor | None,
    scale: float | Tensor,
    given: torch.dtype,
    dropped: Sequence[int],
    attracted: Sequence[int],
    beside: Tensor | None,
) -> Tensor:
    """The mean of log-sum-exps of rows, less that of the products on the diagonals `attracted`, or with `beside`."""
    rows, columns = logsumexp_of_similarities(x, y, scale, dropped, given), x if y is None else y
    if beside is not None:
        own = (x * beside).sum(-1) * scale
        return (torch.logaddexp(own, rows) - own).mean()
    if not attracted:
        return rows.mean()
    pulled = torch.cat([products_on_diagonal(x, columns, diagonal)[1] for diagonal in attracted])
    return rows.mean() - pulled.mean() * scale
