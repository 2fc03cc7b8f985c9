"""Similarities are summed by kernels where a GPU and triton are there (`gpu_tiles`), else by tiles of torch, which is enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losslang.backend.fused import logsumexp_of_products

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
    x: Tensor, y: Tensor | None, scale: float | Tensor, dropped: Sequence[int], given: torch.dtype
) -> Tensor:
    """As `logsumexp_of_products`. On a GPU rows take part in the precision that they were `given` to the loss in.

    Products, sums and exponentials are float32 there, too.
    """
    tiles = tiles_on_gpu(x.device.type)
    if tiles is None or x.dtype != torch.float32:
        return logsumexp_of_products(x, y, scale, dropped)
    half = given if given in (torch.float16, torch.bfloat16) else x.dtype
    return tiles.logsumexp_by_tiles(x.to(half), None if y is None else y.to(half), scale, dropped)
