"""What functions with a gradient of their own and a form for torch.vmap share. Needs torch alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

__all__: list[str] = []


class Given(NamedTuple):
    """What a call gives, by position alone."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def apply_defaults(self) -> None:
        """There are none."""


class ByPosition(inspect.Signature):
    """The signature of a function that is always called with all its arguments, by position."""

    __slots__ = ()

    def bind(self, *args: Any) -> Given:  # type: ignore[override]
        """Nothing is matched."""
        return Given(args, {})


def with_signature(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself, which knows its signature.

    With every call of a function that has a form for torch.vmap, torch asks for the signature of its `forward`, and matches
    the arguments to it: that takes longer than small matrices do.
    """
    function.__signature__ = ByPosition(list(inspect.signature(function).parameters.values()))  # type: ignore[attr-defined]
    return function


def axes_behind(dim: Sequence[int]) -> tuple[int, ...]:
    """Places of axes, after one more axis came in front."""
    return tuple(axis if axis < 0 else axis + 1 for axis in dim)
