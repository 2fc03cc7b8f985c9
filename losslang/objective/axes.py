"""Named axes, their sizes, and the type of a value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

__all__ = [
    "AXIS_NAMES",
    "BATCH",
    "FEATURE",
    "GROUP",
    "MEANINGS",
    "VIEW",
    "Axis",
    "Dim",
    "Size",
    "Type",
    "describe_axes",
]

Size: TypeAlias = int | str
"""A known size, or the name of an unknown one: `batch`, `features(encoder)`."""

# The order in which a value lays out its axes; with one order for all values, elementwise operations never permute.
_LAYOUT = ("item", "group", "view", "batch", "queue", "direction", "knot", "prototype", "feature", "rank")

MEANINGS = {
    "view": "augmented views of one image, in the order in which they are declared",
    "batch": "images of the batch, of all processes",
    "feature": "what a network gives for an image: one vector, never patch tokens",
    "prototype": "scores against the vectors of `prototypes`",
    "queue": "rows that a `queue`, `memory` or `centroids` holds",
    "group": "groups of rows inside `local`",
    "direction": "unit vectors of `random_directions`",
    "knot": "points of `linspace`",
    "rank": "eigenvalues, by size",
}
"""What the axes hold that a method can name."""

AXIS_NAMES = frozenset(MEANINGS)
"""The axes a method can name."""


@dataclass(frozen=True)
class Axis:
    """An axis name; `primes` counts copies (`batch'` has one)."""

    name: str
    primes: int = 0

    @property
    def place(self) -> tuple[int, int]:
        """Where the axis stands in the layout of a value."""
        return _LAYOUT.index(self.name), self.primes

    def primed(self, by: int = 1) -> Axis:
        """The next copy of the axis."""
        return Axis(self.name, self.primes + by)

    def __str__(self) -> str:
        return self.name + "'" * self.primes


VIEW, BATCH, FEATURE, GROUP = Axis("view"), Axis("batch"), Axis("feature"), Axis("group")


@dataclass(frozen=True)
class Dim:
    """One axis of a value: its size, the views along it or the grid of its knots, and where the size comes from."""

    axis: Axis
    size: Size
    labels: tuple[str, ...] = ()
    grid: tuple[float, float] | None = None
    origin: str = field(compare=False, default="")

    @property
    def known(self) -> int | None:
        """The size, where it is known."""
        return self.size if isinstance(self.size, int) else None

    def __str__(self) -> str:
        return f"{self.axis}={self.size}" if self.known is not None else str(self.axis)


@dataclass(frozen=True)
class Type:
    """The axes of a value in layout order, and its kind: `real`, `mask` or `image`."""

    dims: tuple[Dim, ...] = ()
    kind: str = "real"

    @classmethod
    def of(cls, dims: Iterable[Dim], kind: str = "real") -> Type:
        """A type from dims in any order."""
        return cls(tuple(sorted(dims, key=lambda dim: dim.axis.place)), kind)

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """The axes, in layout order."""
        return tuple(dim.axis for dim in self.dims)

    def find(self, axis: Axis) -> Dim | None:
        """The dim of an axis, if the value has it."""
        return next((dim for dim in self.dims if dim.axis == axis), None)

    def has(self, axis: Axis) -> bool:
        """Whether the value has the axis."""
        return axis in self.axes

    def position(self, axis: Axis) -> int:
        """Index of the axis in the layout. Raises ValueError if the value lacks it."""
        return self.axes.index(axis)

    def without(self, axes: Iterable[Axis]) -> Type:
        """The type after a reduction over `axes`."""
        gone = set(axes)
        return Type(tuple(dim for dim in self.dims if dim.axis not in gone), self.kind)

    def with_dim(self, dim: Dim) -> Type:
        """The type with a dim added, or replaced where the axis is there."""
        return Type.of([*(d for d in self.dims if d.axis != dim.axis), dim], self.kind)

    def renamed(self, old: Axis, new: Axis) -> Type:
        """The type with one axis renamed."""
        return Type.of((replace(d, axis=new) if d.axis == old else d for d in self.dims), self.kind)

    def real(self) -> Type:
        """The same axes, as numbers."""
        return Type(self.dims, "real")

    def mask(self) -> Type:
        """The same axes, as a mask."""
        return Type(self.dims, "mask")

    def __str__(self) -> str:
        return "[" + ", ".join(str(dim) for dim in self.dims) + "]"


def describe_axes(axes: Iterable[Axis]) -> str:
    """`[view, batch]`, as people write it."""
    return "[" + ", ".join(str(axis) for axis in axes) + "]"
