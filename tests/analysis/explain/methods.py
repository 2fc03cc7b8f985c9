"""Explanations for tests: of methods that ship, each made once, and of small ones written as text."""

import functools

from losslang.questions import explanation
from losslang.shipped import shipped_specs
from tests.methods import method

NAMES = [*shipped_specs()]

shipped = functools.cache(lambda name: explanation(shipped_specs()[name]))


def explained(body, **options):
    """The explanation of a method of `tests.methods`."""
    return explanation(method(body, **options))


def statements(explanation):
    """Every equation of an explanation."""
    functions = [s for row in explanation.primitives for s in (row.statement, *row.bindings)]
    return [*explanation.terms, *explanation.definitions, *functions]
