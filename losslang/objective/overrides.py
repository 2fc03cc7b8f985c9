"""Parameters that are set from outside a method's file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import TypeAlias

from losslang.diagnostics import LosslangError
from losslang.objective.parameters import Override

__all__ = ["Settings", "read_count", "read_overrides"]

Settings: TypeAlias = Mapping[str, "int | float | Override"]
"""Parameters set from outside, by name; an `Override` also says by whom."""


def read_overrides(parameters: Settings | None, by: str = "--set") -> dict[str, Override]:
    """The same as overrides, set by what messages then name. Raises LosslangError for what is no finite number."""
    return {name: _override(name, value, by) for name, value in (parameters or {}).items()}


def read_count(name: str, value: object) -> int:
    """A size or a number of steps, whichever library made it. Raises LosslangError for what is no whole number above 0."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise LosslangError(f"{name} is a whole number above 0, not {value!r}")
    return int(value)


def _override(name: str, value: object, by: str) -> Override:
    """A finite number, whichever library made it, and who set it. Raises LosslangError."""
    if isinstance(value, Override):
        return value
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise LosslangError(f"the parameter `{name}` is a finite number, not {value!r}")
    return Override(int(value) if isinstance(value, Integral) else float(value), by)
