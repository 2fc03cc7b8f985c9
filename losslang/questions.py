"""What can be asked about a method without training it; each is answered by a stage of `losslang.analysis`.

Numbers are those of the method with small networks, on which they are cheap (`losslang.pipeline.small`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from losslang.diagnostics import Report
from losslang.library import shipped_library
from losslang.objective.method import type_method
from losslang.objective.overrides import Settings
from losslang.objective.spec import Spec
from losslang.pipeline import load, reread, small

if TYPE_CHECKING:
    from losslang.analysis.ablation.changes import Ablated
    from losslang.analysis.ablation.verdicts import Ablation, Row
    from losslang.analysis.difference.difference import Difference
    from losslang.analysis.difference.many import Many
    from losslang.analysis.difference.measurement import Measurement
    from losslang.analysis.explain import Explanation
    from losslang.analysis.explain.stability import Stability
    from losslang.analysis.foresight.stability import Verdict
    from losslang.analysis.probe.extra import Extra
    from losslang.analysis.probe.probe import Probe

__all__ = [
    "ablate",
    "canonical_hash",
    "diff",
    "diff_many",
    "explanation",
    "extra_gradient",
    "measure",
    "probe",
    "reading",
    "stability",
]


def stability(spec: Spec) -> Verdict:
    """What is known about collapse before training; forces are those of the method with small networks."""
    from losslang.analysis.foresight.stability import verdict

    return verdict(spec, small(spec))


def reading(spec: Spec) -> Stability:
    """The verdict with its reasons: mechanisms, and the forces of the terms."""
    from losslang.analysis.explain.stability import stability_of
    from losslang.analysis.foresight.stability import verdict

    little = small(spec)
    return stability_of(verdict(spec, little), little)


def explanation(path: str | Path | Spec, parameters: Settings | None = None) -> Explanation:
    """A method explained: its mathematics, roles and networks. Raises SpecError."""
    from losslang.analysis.explain import explain

    spec = _spec(path, parameters)
    return explain(spec, reread(spec))


def ablate(path: str | Path | Spec, *, parameters: Settings | None = None) -> Ablation:
    """What each term and mechanism of a method holds up: the verdict on what is left without it. Raises SpecError."""
    from losslang.analysis.ablation.changes import Ablated, ablations
    from losslang.analysis.ablation.verdicts import Ablation

    spec = _spec(path, parameters)
    whole = reread(spec)
    changes = (Ablated("whole", "whole", whole), *ablations(spec, whole))
    return Ablation(spec.method_name, tuple(filter(None, (_judged(one, spec) for one in changes))))


def _judged(change: Ablated, spec: Spec) -> Row | None:
    """The verdict on a change of a method; None where nothing is left of it."""
    from losslang.analysis.ablation.standalone import standalone
    from losslang.analysis.ablation.verdicts import Row
    from losslang.analysis.embeddings.stage import FEATURES
    from losslang.analysis.foresight.stability import verdict

    full, little = (
        type_method(change.resolved, shipped_library(), Report(), overrides=spec.overrides, cap=cap)
        for cap in (None, FEATURES)
    )
    if full is None or little is None:
        return None
    text = standalone(change.resolved, f"{spec.method_name}_{change.short}")
    return Row(change.change, change.short, text, verdict(full, little))


def probe(path: str | Path | Spec, *, parameters: Settings | None = None) -> Probe:
    """The forces of a method on controlled clouds of embeddings. Raises SpecError."""
    from losslang.analysis.probe.probe import probe as measure

    return measure(small(_spec(path, parameters)))


def extra_gradient(path: str | Path | Spec, *, parameters: Settings | None = None) -> Extra:
    """What a method adds to the basic gradient on unit rows. Raises SpecError, and LosslangError where it compares none."""
    from losslang.analysis.probe.extra import FEATURES, extra_gradient

    return extra_gradient(small(_spec(path, parameters), FEATURES))


def diff(left: str | Path | Spec, right: str | Path | Spec) -> Difference:
    """What differs between two methods, by role, and whether the stability mechanism does.

    A value that shows itself in a terminal (`print`) and in a notebook; true where the mathematics differ. Raises SpecError.
    """
    from losslang.analysis.difference.compare import compare

    one, two = map(_spec, (left, right))
    return compare(one, two, small(one), small(two))


def measure(left: str | Path | Spec, right: str | Path | Spec) -> Measurement:
    """Ratio and angle of the gradients of two methods on the same clouds. Raises SpecError, and LosslangError."""
    from losslang.analysis.difference.measurement import features_for, measure

    one, two = map(_spec, (left, right))
    features = features_for(one, two)
    return measure(small(one, features), small(two, features))


def diff_many(methods: Sequence[str | Path | Spec]) -> Many:
    """Several methods as a table with a column for each, which shows itself in a terminal and in a notebook.

    True where the mathematics are not all the same. Raises SpecError.
    """
    from losslang.analysis.difference.many import compare_many

    return compare_many([(spec, small(spec)) for spec in map(_spec, methods)])


def canonical_hash(spec: Spec) -> str:
    """Equal for methods with the same loss, networks and views, however they are spelled, named and ordered."""
    from losslang.algebra.canonical import canonical

    return canonical(spec).hash


def _spec(method: str | Path | Spec, parameters: Settings | None = None) -> Spec:
    return method if isinstance(method, Spec) else load(method, parameters=parameters)
