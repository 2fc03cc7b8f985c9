"""Explanations for tests: of methods that ship, each made once, and of small ones written as text."""

import functools

from losslang.analysis.explain import explain
from losslang.commands.explain import explanation_of
from losslang.diagnostics import Report
from losslang.objective.resolve import resolve
from losslang.pipeline import find_base
from losslang.shipped import shipped_specs
from losslang.syntax.read import read_method
from tests.methods import method

NAMES = [*shipped_specs()]

shipped = functools.cache(lambda name: explanation_of(shipped_specs()[name]))


def explained(body, **options):
    """The explanation of a method of `tests.methods`."""
    spec = method(body, **options)
    report = Report()
    resolved = resolve(read_method(spec.source, report), find_base, report)
    return explain(spec, resolved)


def statements(explanation):
    """Every equation of an explanation."""
    functions = [s for row in explanation.primitives for s in (row.statement, *row.bindings)]
    return [*explanation.terms, *explanation.definitions, *functions]
