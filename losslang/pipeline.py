"""The compiler as one function: read, resolve, type; then evaluate, emit. Every stage can be printed."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from losslang.diagnostics import Diagnostic, Label, LosslangError, Report, Source, Span
from losslang.library import shipped_library
from losslang.objective.method import type_method
from losslang.objective.parameters import Override
from losslang.objective.resolve import resolve
from losslang.objective.spec import Spec
from losslang.shipped import shipped_specs
from losslang.syntax.load import load_source
from losslang.syntax.names import nearest
from losslang.syntax.read import read_method
from losslang.syntax.tree import Method

if TYPE_CHECKING:
    from losslang.analysis.ablated import Ablation
    from losslang.analysis.comparison import Many
    from losslang.analysis.difference import Difference
    from losslang.analysis.explain.stability import Stability
    from losslang.analysis.extra import Extra
    from losslang.analysis.measurement import Measurement
    from losslang.analysis.probe import Probe
    from losslang.analysis.stability import Verdict
    from losslang.objective.schedules import Clock

__all__ = [
    "STAGES",
    "Settings",
    "ablate",
    "canonical_hash",
    "check",
    "diff",
    "diff_many",
    "emit",
    "extra_gradient",
    "load",
    "measure",
    "probe",
    "reading",
    "retype",
    "show",
    "stability",
]

Settings: TypeAlias = Mapping[str, "int | float | Override"]
"""Parameters set from outside, by name; an `Override` also says by whom."""


def compile_source(
    source: Source,
    report: Report,
    *,
    parameters: Settings | None = None,
    feature_sizes: Mapping[str, int] | None = None,
    input_sizes: Mapping[str, int] | None = None,
    cap: int | None = None,
) -> Spec | None:
    """Text to typed method; None where the report has errors."""
    method = read_method(source, report)
    if method is None:
        return None
    typing = Report()
    read = [method]

    def base_of(method: Method, report: Report) -> Method | None:
        base = find_base(method, report)
        read.extend(filter(None, [base]))
        return base

    resolved = resolve(method, base_of, typing)
    spec = None
    if resolved is not None:
        spec = type_method(
            resolved,
            shipped_library(),
            typing,
            overrides=_overrides(parameters or {}),
            feature_sizes=feature_sizes or {},
            input_sizes=input_sizes or {},
            cap=cap,
        )
    _join(report, typing, read)
    if resolved is not None:
        _say_removed(report, resolved.removed)
    return None if report.has_errors else spec


def _join(report: Report, later: Report, read: Sequence[Method]) -> None:
    """Add what a later stage found, less what only follows from parts of the files that could not be read."""
    broken = report.has_errors
    lost = {name for method in read for name in method.broken}
    follow = {code for method in read for section in method.unread for code in FOLLOW_ON[section]}
    for found in later.diagnostics:
        of_lost_name = found.code in MISSING and found.span.text in lost
        if not (of_lost_name or found.code in follow or (broken and not found.is_error)):
            report.take(found)


def _say_removed(report: Report, removed: Mapping[str, Span]) -> None:
    """Where a name is missing that this method removed, show that place too."""
    for at, found in enumerate(report.diagnostics):
        place = removed.get(found.span.text) if found.code in MISSING else None
        if place is not None:
            labels = (*found.labels, Label(place, "removed here"))
            report.diagnostics[at] = replace(found, labels=labels, help="remove what uses it too, or replace it")


MISSING: Final = frozenset({"E201", "E202", "E207", "E213", "E221"})
"""Codes of names that are missing."""

FOLLOW_ON: Final = {
    **dict.fromkeys(("parameters", "networks", "functions", "define"), MISSING),
    "views": frozenset({"E209", "E317", "E320"}),
    "objective": frozenset({"E208"}),
}
"""Section of which something could not be read, nor its name -> the codes that may follow from that."""


def find_base(method: Method, report: Report) -> Method | None:
    """The method that a method extends: a file beside it, or one that ships."""
    beside = Path(method.span.source.name).parent
    own = Path(method.span.source.name).name
    candidates = [beside / f"{method.extends}{suffix}" for suffix in (".yaml", ".yml", ".loss")]
    path = next((path for path in candidates if path.name != own and path.is_file()), None)
    path = path or shipped_specs().get(method.extends)
    if path is None:
        folder = next((path for path in candidates if path.is_dir()), None)
        if folder is not None:
            report.add("E222", f"`{folder.name}` is a folder, and no method to extend", method.extends_span)
            return None
        if any(path.name == own for path in candidates):
            report.add("E205", "a method cannot extend its own file", method.extends_span)
            return None
        close = nearest(method.extends, [*shipped_specs(), *(p.stem for p in beside.glob("*.yaml"))])
        help_ = (
            f"did you mean `{close}`?" if close else "it is looked for beside this file and among the shipped methods"
        )
        report.add("E222", f"there is no method `{method.extends}` to extend", method.extends_span, help=help_)
        return None
    source = load_source(path, report)
    return None if source is None else read_method(source, report)


def _overrides(parameters: Settings) -> dict[str, Override]:
    return {name: _override(name, value) for name, value in parameters.items()}


def _override(name: str, value: object) -> Override:
    """A finite number, whichever library made it, and who set it. Raises LosslangError."""
    if isinstance(value, Override):
        return value
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise LosslangError(f"the parameter `{name}` is a finite number, not {value!r}")
    return Override(int(value) if isinstance(value, Integral) else float(value), "--set")


# ---------------------------------------------------------------- the stages, for people and for later stages


def examine(path: str | Path, *, parameters: Settings | None = None) -> tuple[tuple[Diagnostic, ...], Spec | None]:
    """Every diagnostic of a method file, by place, and the method if it has no errors."""
    report = Report()
    source = load_source(_find(path), report)
    spec = None if source is None else compile_source(source, report, parameters=parameters)
    return report.sorted(), spec


def check(path: str | Path, *, parameters: Settings | None = None) -> tuple[Diagnostic, ...]:
    """Every diagnostic of a method file, by place."""
    return examine(path, parameters=parameters)[0]


def load(
    path: str | Path | Source,
    *,
    parameters: Settings | None = None,
    feature_sizes: Mapping[str, int] | None = None,
    input_sizes: Mapping[str, int] | None = None,
) -> Spec:
    """A typed, checked method.

    `path` is a file, or the name of a shipped method where no such file exists. `feature_sizes` binds the feature size of
    backbones by network name, `input_sizes` the feature size of network outputs by definition.
    Raises SpecError with every diagnostic where it has errors.
    """
    report = Report()
    source = path if isinstance(path, Source) else load_source(_find(path), report)
    spec = None
    if source is not None:
        spec = compile_source(
            source, report, parameters=parameters, feature_sizes=feature_sizes, input_sizes=input_sizes
        )
    report.raise_errors()
    assert spec is not None
    return spec


def _find(path: str | Path) -> Path:
    shipped = shipped_specs()
    return shipped[str(path)] if str(path) in shipped and not Path(path).exists() else Path(path)


def retype(
    spec: Spec, *, feature_sizes: Mapping[str, int] | None = None, input_sizes: Mapping[str, int] | None = None
) -> Spec:
    """The same method with sizes bound. Raises SpecError where they do not fit."""
    if not feature_sizes and not input_sizes:
        return spec
    return load(spec.source, parameters=spec.overrides, feature_sizes=feature_sizes, input_sizes=input_sizes)


def stability(spec: Spec) -> Verdict:
    """What is known about collapse before training; forces are those of the method with small networks."""
    from losslang.analysis.stability import verdict

    return verdict(spec, _small(spec))


def reading(spec: Spec) -> Stability:
    """The verdict with its reasons: mechanisms, and the forces of the terms."""
    from losslang.analysis.explain.stability import stability_of
    from losslang.analysis.stability import verdict

    small = _small(spec)
    return stability_of(verdict(spec, small), small)


def _small(spec: Spec, features: int | None = None) -> Spec:
    """The same method with small sizes, on which numbers are cheap."""
    from losslang.analysis.stage import FEATURES

    return compile_source(spec.source, Report(), parameters=spec.overrides, cap=features or FEATURES) or spec


def ablate(path: str | Path | Spec, *, parameters: Settings | None = None) -> Ablation:
    """What each term and mechanism of a method holds up: the verdict on what is left without it. Raises SpecError."""
    from losslang.analysis.ablated import Ablation, Row
    from losslang.analysis.ablation import Ablated, ablations
    from losslang.analysis.stability import verdict
    from losslang.analysis.stage import FEATURES
    from losslang.analysis.standalone import standalone

    spec = path if isinstance(path, Spec) else load(path, parameters=parameters)
    method = read_method(spec.source, Report())
    assert method is not None
    resolved = resolve(method, find_base, Report())
    assert resolved is not None
    rows = []
    for one in (Ablated("whole", "whole", resolved), *ablations(spec, resolved)):
        whole, small = (
            type_method(one.resolved, shipped_library(), Report(), overrides=spec.overrides, cap=cap)
            for cap in (None, FEATURES)
        )
        if whole is not None and small is not None:
            text = standalone(one.resolved, f"{spec.method_name}_{one.short}")
            rows.append(Row(one.change, one.short, text, verdict(whole, small)))
    return Ablation(spec.method_name, tuple(rows))


def probe(path: str | Path | Spec, *, parameters: Settings | None = None) -> Probe:
    """The forces of a method on controlled clouds of embeddings. Raises SpecError."""
    from losslang.analysis.probe import probe as measure

    return measure(_small(path if isinstance(path, Spec) else load(path, parameters=parameters)))


def extra_gradient(path: str | Path | Spec, *, parameters: Settings | None = None) -> Extra:
    """What a method adds to the basic gradient on unit rows. Raises SpecError, and LosslangError where it compares none."""
    from losslang.analysis.extra import FEATURES, extra_gradient

    return extra_gradient(_small(path if isinstance(path, Spec) else load(path, parameters=parameters), FEATURES))


def diff(left: str | Path | Spec, right: str | Path | Spec) -> Difference:
    """What differs between two methods, by role, and whether the stability mechanism does.

    A value that shows itself in a terminal (`print`) and in a notebook; true where the mathematics differ. Raises SpecError.
    """
    from losslang.analysis.compare import compare

    one, two = (spec if isinstance(spec, Spec) else load(spec) for spec in (left, right))
    return compare(one, two, _small(one), _small(two))


def measure(left: str | Path | Spec, right: str | Path | Spec) -> Measurement:
    """Ratio and angle of the gradients of two methods on the same clouds. Raises SpecError, and LosslangError."""
    from losslang.analysis.measurement import features_for, measure

    one, two = (spec if isinstance(spec, Spec) else load(spec) for spec in (left, right))
    features = features_for(one, two)
    return measure(_small(one, features), _small(two, features))


def diff_many(methods: Sequence[str | Path | Spec]) -> Many:
    """Several methods as a table with a column for each, which shows itself in a terminal and in a notebook.

    True where the mathematics are not all the same. Raises SpecError.
    """
    from losslang.analysis.comparison import compare_many

    specs = [method if isinstance(method, Spec) else load(method) for method in methods]
    return compare_many([(spec, _small(spec)) for spec in specs])


def canonical_hash(spec: Spec) -> str:
    """Equal for methods with the same loss, networks and views, however they are spelled, named and ordered."""
    from losslang.algebra.canonical import canonical

    return canonical(spec).hash


def emit(
    path: str | Path | Spec,
    *,
    parameters: Settings | None = None,
    clock: Clock | None = None,
    without: Collection[str] = (),
) -> str:
    """The Python source of a method's module, without some passes of the optimiser."""
    from losslang.backend.emit import emit as emit_source
    from losslang.objective.schedules import Clock

    spec = path if isinstance(path, Spec) else load(path, parameters=parameters)
    return emit_source(spec, clock or Clock(steps=100_000, steps_per_epoch=1000, images=100_000), without=without)


def show(path: str | Path, stage: str, *, parameters: Settings | None = None, without: Collection[str] = ()) -> str:
    """One stage of the compiler as text. Raises SpecError, and LosslangError for an unknown stage."""
    if stage not in STAGES:
        raise LosslangError(f"there is no stage `{stage}`; there are {', '.join(STAGES)}")
    if stage == "tree":
        return _show_tree(path)
    if stage == "python":
        return emit(path, parameters=parameters, without=without)
    from losslang.objective.show import show_graph

    spec = load(path, parameters=parameters)
    if stage == "optimised":
        from losslang.algebra.optimise import optimise

        found = optimise(spec.graph, without)
        return show_graph(replace(spec, graph=found.graph), found.made_by)
    if stage == "canonical":
        from losslang.algebra.canonical import canonical
        from losslang.algebra.show import show_canonical

        return show_canonical(canonical(spec))
    return show_graph(spec)


def _show_tree(path: str | Path) -> str:
    from losslang.syntax.format import format_text

    report = Report()
    source = load_source(_find(path), report)
    report.raise_errors()
    assert source is not None
    return format_text(source, "loss")


STAGES = ("tree", "graph", "canonical", "optimised", "python")
