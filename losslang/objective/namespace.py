"""The names of a method: each is given once, and what is set from outside is there."""

from __future__ import annotations

from collections.abc import Mapping

from losslang.diagnostics import NOWHERE, Label, Report, Span
from losslang.objective.budget import stop_at_many
from losslang.objective.constructors import CONSTRUCTORS
from losslang.objective.context import Library
from losslang.objective.operations import OPERATIONS, SPECIAL, SPELLED_WITH_SIGNS
from losslang.objective.parameters import SCHEDULES, Override
from losslang.objective.resolve import Resolved
from losslang.syntax.names import nearest

__all__ = ["check_names", "known_overrides"]


def check_names(resolved: Resolved, library: Library, report: Report) -> None:
    """Reports names that are given twice: one namespace for everything but terms; nothing of the language is redefined."""
    taken = _of_the_language(library)
    callable_ = {name for name, (what, _) in taken.items() if what not in {"the images", "all views"}}
    sections = (
        ("a view", [(v.name, v.span) for v in resolved.views]),
        ("a parameter", [(e.name, e.name_span) for e in resolved.parameters.values()]),
        ("a network", [(e.name, e.name_span) for e in resolved.networks.values()]),
        ("a function", [(d.name, d.name_span) for d in resolved.functions.values()]),
        ("a definition", [(e.name, e.name_span) for e in resolved.define.values()]),
    )
    for kind, names in sections:
        for name, span in names:
            if kind in {"a view", "a parameter"} and name in callable_:
                continue  # neither is ever called, and a call is told from a name by its parentheses
            if name in taken:
                what, other = taken[name]
                stop_at_many(report, span)
                labels = [Label(other, f"{what} here")] if other and other != NOWHERE else []
                report.add("E220", f"`{name}` is {what} already", span, labels=labels, help="choose another name")
            else:
                taken[name] = (kind, span)


def _of_the_language(library: Library) -> dict[str, tuple[str, Span | None]]:
    """The names that a method cannot give: what each is."""
    taken: dict[str, tuple[str, Span | None]] = {"x": ("the images", None), "views": ("all views", None)}
    taken |= dict.fromkeys({*OPERATIONS, *SPECIAL} - SPELLED_WITH_SIGNS, ("an operation", None))
    taken |= dict.fromkeys(SCHEDULES, ("a schedule", None))
    taken |= dict.fromkeys([*CONSTRUCTORS, "features"], ("a constructor of networks", None))
    taken |= dict.fromkeys(library, ("a function of the library", None))
    return taken


def known_overrides(resolved: Resolved, overrides: Mapping[str, Override], report: Report) -> dict[str, Override]:
    """The settings of parameters that the method has; the others are reported."""
    known = {}
    for name, override in overrides.items():
        if name in resolved.parameters:
            known[name] = override
        if name in resolved.parameters or name in resolved.broken:
            continue
        close = nearest(name, resolved.parameters)
        names = ", ".join(resolved.parameters) or "none"
        help_ = f"did you mean `{close}`?" if close else f"its parameters are: {names}"
        message = f"{override.source}: the method `{resolved.method.name}` has no parameter `{name}`"
        report.add("E221", message, resolved.method.name_span, help=help_)
    return known
