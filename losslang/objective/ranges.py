"""Numbers that are known before training and must lie in a range: momenta, temperatures."""

from __future__ import annotations

from losslang.objective.context import Context, Scope
from losslang.objective.rules import Problem, Typed
from losslang.objective.schedules import Schedule

__all__ = ["check_momentum", "check_positive"]


def check_momentum(momentum: Typed, context: Context) -> None:
    """Raises Problem where a momentum leaves [0, 1]."""
    if any(not 0 <= number <= 1 for number in _known(momentum, context)):
        raise Problem("E219", "momentum lies between 0 (copy) and 1 (never moves)", labels=[(momentum.span, "")])


def check_positive(value: Typed, name: str, of: str, context: Context, scope: Scope) -> None:
    """Raises Problem where the argument `name` of the function `of` is known to be 0 or less."""
    for number in _known(value, context):
        if number <= 0:
            raise Problem(
                "E328",
                f"`{name}` of `{of}` is above 0, not {number:g}",
                labels=[] if scope.hidden else [(value.span, "")],
                help="below 0 near rows count as far ones; to turn a term around, change the sign of its weight",
                at=name,
            )


def _known(value: Typed, context: Context) -> tuple[int | float, ...]:
    """The value of a constant, both ends of a schedule; nothing of what depends on the batch."""
    schedule = value.node["schedule"] if value.node.op == "schedule" else None
    ends = (schedule.start, schedule.end) if isinstance(schedule, Schedule) else (context.constant(value.node),)
    return tuple(end for end in ends if end is not None)
