"""Facts of an explanation in words, the same on every page."""

from __future__ import annotations

from collections.abc import Iterator

from losslang.analysis.explain.crossings import Crossing
from losslang.analysis.explain.explanation import Explanation, Primitive
from losslang.analysis.explain.notation.formula import Numeral, Symbol
from losslang.analysis.explain.notation.glyphs import PARAMETERS
from losslang.analysis.explain.notation.unicode import unicode
from losslang.objective.spec import Spec

__all__ = ["crossing_words", "forward_words", "primitive_words", "view_words"]


def view_words(spec: Spec) -> str:
    """`a, b`; `global 2, local 6`."""
    groups = spec.view_groups
    return ", ".join(name if views == (name,) else f"{name} {len(views)}" for name, views in groups.items())


def forward_words(explanation: Explanation) -> Iterator[str]:
    """How networks see the views."""
    modes = {row.name: row.forward for row in explanation.networks}
    joint = [name for name, mode in modes.items() if mode == "joint"]
    if len(joint) == len(modes):
        yield "joint: every network sees all views of equal size as one batch"
    elif joint:
        yield f"separate: each network sees each view as a batch of its own; joint: {', '.join(joint)}"
    else:
        yield "separate: each network sees each view as a batch of its own"


def primitive_words(primitive: Primitive) -> Iterator[str]:
    """What a function says of itself, its roles, defaults and place."""
    if primitive.documentation:
        yield " ".join(primitive.documentation.split())
    roles = ", ".join(primitive.roles) + (f", by {_spaced(primitive.mechanism)}" if primitive.mechanism else "")
    defaults = ", ".join(f"{_letter(name)} = {unicode(Numeral(value))}" for name, value in primitive.defaults)
    facts = [roles and f"role: {roles}", defaults and f"default {defaults}", primitive.place]
    yield "; ".join(filter(None, facts))


def _letter(name: str) -> str:
    return unicode(Symbol(PARAMETERS.get(name, name)))


def _spaced(name: str) -> str:
    return name.replace("_", " ")


_VERBS = {"sum": "sum over processes", "gather": "gather rows of all processes"}


def crossing_words(crossing: Crossing, quote: str = "") -> str:
    """One exchange; what is code stands in quotes."""
    if not crossing.text:
        return f"{_VERBS[crossing.kind]}: {crossing.operation} of {quote}{crossing.where}{quote}"
    shape = "one number" if crossing.shape == "[]" else crossing.shape
    inside = f"{crossing.operation} in {quote}{crossing.where}{quote}" if crossing.where else crossing.operation
    times = f", {crossing.count} times" if crossing.count > 1 else ""
    return f"{_VERBS[crossing.kind]}: {shape}, {inside}: {quote}{crossing.text}{quote}{times}"
