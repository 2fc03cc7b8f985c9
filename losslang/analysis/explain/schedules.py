"""Numbers and schedules in words."""

from __future__ import annotations

from losslang.objective.schedules import Schedule

__all__ = ["describe_number"]


def describe_number(value: float | Schedule) -> str:
    """`0.1`; `0.996 → 1, cosine over the run`."""
    if not isinstance(value, Schedule):
        return str(value)
    parts = [f"{value.start:g} → {value.end:g}, {value.kind} {_length(value)}"]
    parts += [f"rising from 0 for {_epochs(value.warmup)}"] if value.warmup else []
    parts += ["one value per epoch"] if value.every_epoch else []
    return ", ".join(parts)


def _length(schedule: Schedule) -> str:
    preposition = "after" if schedule.kind == "step" else "over"
    if schedule.epochs is not None:
        return f"{preposition} {_epochs(schedule.epochs)}"
    return f"{preposition} {schedule.steps} steps" if schedule.steps is not None else "over the run"


def _epochs(count: float) -> str:
    return f"{count:g} epoch{'' if count == 1 else 's'}"
