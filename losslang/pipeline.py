"""The compiler as one function: read, resolve, type; then emit. `losslang compile --show` prints each stage."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from losslang.diagnostics import Diagnostic, Report, Source
from losslang.library import shipped_library
from losslang.objective.bases import find_base, find_method
from losslang.objective.follow_on import join, say_removed
from losslang.objective.method import type_method
from losslang.objective.overrides import Settings, read_overrides
from losslang.objective.resolve import Resolved, resolve
from losslang.objective.spec import Spec
from losslang.syntax.load import load_source
from losslang.syntax.read import read_method
from losslang.syntax.tree import Method

__all__ = ["check", "compile_source", "emit", "examine", "load", "reread", "retype", "small"]


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
            overrides=read_overrides(parameters),
            feature_sizes=feature_sizes or {},
            input_sizes=input_sizes or {},
            cap=cap,
        )
    join(report, typing, read)
    if resolved is not None:
        say_removed(report, resolved.removed)
    return None if report.has_errors else spec


def examine(path: str | Path, *, parameters: Settings | None = None) -> tuple[tuple[Diagnostic, ...], Spec | None]:
    """Every diagnostic of a method file, by place, and the method if it has no errors."""
    report = Report()
    source = load_source(find_method(path), report)
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
    source = path if isinstance(path, Source) else load_source(find_method(path), report)
    spec = None
    if source is not None:
        spec = compile_source(
            source, report, parameters=parameters, feature_sizes=feature_sizes, input_sizes=input_sizes
        )
    report.raise_errors()
    assert spec is not None
    return spec


def retype(
    spec: Spec, *, feature_sizes: Mapping[str, int] | None = None, input_sizes: Mapping[str, int] | None = None
) -> Spec:
    """The same method with sizes bound. Raises SpecError where they do not fit."""
    if not feature_sizes and not input_sizes:
        return spec
    return load(spec.source, parameters=spec.overrides, feature_sizes=feature_sizes, input_sizes=input_sizes)


def reread(spec: Spec) -> Resolved:
    """The tree of a method that was read before, with what it extends."""
    report = Report()
    method = read_method(spec.source, report)
    assert method is not None
    resolved = resolve(method, find_base, report)
    assert resolved is not None
    return resolved


def small(spec: Spec, features: int | None = None) -> Spec:
    """The same method with small sizes, on which numbers are cheap."""
    from losslang.analysis.embeddings.stage import FEATURES

    return compile_source(spec.source, Report(), parameters=spec.overrides, cap=features or FEATURES) or spec


def emit(
    path: str | Path | Spec,
    *,
    parameters: Settings | None = None,
    without: Collection[str] = (),
    estimate: Mapping[str, int | str] | None = None,
) -> str:
    """The Python source of a method's module, without some passes of the optimiser; `estimate` as for `compile_loss`."""
    from losslang.algebra.estimates import estimate_of
    from losslang.backend.emit import emit as emit_source
    from losslang.objective.schedules import Clock

    spec = path if isinstance(path, Spec) else load(path, parameters=parameters)
    clock = Clock(steps=100_000, steps_per_epoch=1000, images=100_000)
    return emit_source(spec, clock, without=without, estimate=estimate_of(estimate))
