"""What type rules are written with: the bound arguments of a call, and the problem that a rule reports.

A rule goes from the types of the operands to the type of the result: `rules_matched`, `rules_along`, `rules_matrix`,
`rules_state`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from losslang.diagnostics import Span
from losslang.objective.axes import Axis, Type, describe_axes
from losslang.objective.graph import Attribute, Node

__all__ = ["MAX_COUNT", "Bound", "Problem", "Typed", "counted", "missing_axis"]

MAX_COUNT = 10**7
"""The largest size, and the largest count of rows, directions or centroids."""


@dataclass(frozen=True)
class Typed:
    """A value and the place in the user's file that made it."""

    node: Node
    span: Span

    @property
    def type(self) -> Type:
        """The type of the value."""
        return self.node.type


class Problem(Exception):
    """A rule that does not hold; the elaborator turns it into a diagnostic."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        help: str = "",  # noqa: A002 - the word users see
        labels: Sequence[tuple[Span, str]] = (),
        at: str = "",
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.help, self.labels, self.at = code, message, help, tuple(labels), at


@dataclass
class Bound:
    """The arguments of one call, bound to the signature of its operation."""

    name: str
    values: dict[str, Typed] = field(default_factory=dict)
    options: dict[str, Attribute] = field(default_factory=dict)
    mapped: frozenset[Axis] = frozenset()
    cap: int | None = None

    def type(self, name: str) -> Type:
        """The type of an operand."""
        return self.values[name].type

    def over(self, operand: str = "x", option: str = "over") -> tuple[Axis, ...]:
        """The axes a reduction removes; without `over`, every axis that the call is not mapped over."""
        type_ = self.type(operand)
        axes = self.options.get(option)
        if axes is None:
            axes = tuple(axis for axis in type_.axes if axis not in self.mapped)
            self.options[option] = axes
        assert isinstance(axes, tuple)
        for axis in axes:
            if not type_.has(axis):  # type: ignore[arg-type]
                raise missing_axis(self, operand, axis)  # type: ignore[arg-type]
        return axes  # type: ignore[return-value]


def counted(bound: Bound, option: str) -> None:
    """Refuse an option that is no count, or too large a one."""
    count = bound.options[option]
    if not isinstance(count, int) or not 1 <= count <= MAX_COUNT:
        raise Problem("E307", f"`{option}` of `{bound.name}` is from 1 to {MAX_COUNT:,}, not {count}", at=option)


def missing_axis(bound: Bound, operand: str, axis: Axis) -> Problem:
    """The value of `operand` lacks an axis that the operation names."""
    value = bound.values[operand]
    has = describe_axes(value.type.axes) if value.type.dims else "no axes (it is one number)"
    return Problem(
        "E302",
        f"`{bound.name}` works over `{axis}`, which its operand does not have",
        labels=[(value.span, f"has {has}")],
        help=f"name one of its axes, such as over={value.type.axes[-1]}" if value.type.dims else "",
        at=operand,
    )
