"""What functions with a gradient of their own and a form for torch.vmap share. Needs torch alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

__all__: list[str] = []


def with_signature(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself, which knows its signature.

    With every call of a function that has a form for torch.vmap, torch asks for the signature of its `forward`; to work that
    out takes longer than small matrices do.
    """
    function.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return function


def axes_behind(dim: Sequence[int]) -> tuple[int, ...]:
    """Places of axes, after one more axis came in front."""
    return tuple(axis if axis < 0 else axis + 1 for axis in dim)
