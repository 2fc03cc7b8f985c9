"""The table of what every shipped method is, and which public implementations it equals: `losslang/parity.json`.

    python -m tests.golden.parity

writes it anew, from the specs and from the golden runs; test_parity.py compares, and test_compiled.py proves the cases.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import losslang
from losslang.analysis.structure.mechanisms import find_mechanisms
from losslang.diagnostics import Report
from losslang.objective.spec import Spec
from losslang.parity import FILE
from losslang.shipped import shipped_specs
from losslang.syntax.read import read_method
from tests.golden.cases import Case, golden_cases
from tests.golden.runs import Run, run_of

__all__ = ["document"]

SIZES = {"views", "parameters"}
"""Sections of an overlay that leave a method what it is: the number of views, values of parameters."""


def document() -> dict[str, Any]:
    """The table as it should be."""
    runs = defaultdict(list)
    for case in golden_cases():
        run = run_of(case)
        runs[run.spec].append((case, run))
    return {name: _entry(losslang.load(path), runs.get(name, [])) for name, path in shipped_specs().items()}


def _entry(spec: Spec, runs: list[tuple[Case, Run]]) -> dict[str, Any]:
    return {
        "title": spec.title,
        "paper": spec.paper,
        "extends": _extends(spec),
        "roles": _roles(spec),
        "mechanisms": list(dict.fromkeys(found.mechanism.name for found in find_mechanisms(spec))),
        "sources": _sources(runs),
    }


def _extends(spec: Spec) -> str:
    method = read_method(spec.source, Report())
    assert method is not None
    return method.extends


def _roles(spec: Spec) -> list[str]:
    """Roles of the definitions that the terms apply, and of the forces that mechanisms in the terms exert.

    What works through networks or the order of updates (predictors, moving averages) is a mechanism and no role.
    """
    roles = {role for applied in spec.graph.applications if applied.depth == 0 for role in applied.roles}
    forces = [found.mechanism for found in find_mechanisms(spec) if found.terms and not found.mechanism.dynamic]
    roles |= {"decentering"} if any(force.decenters for force in forces) else set()
    roles |= {"decorrelation"} if any(force.decorrelates for force in forces) else set()
    return sorted(roles)


def _sources(runs: list[tuple[Case, Run]]) -> list[dict[str, Any]]:
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for case, run in runs:
        tolerance = case.relative if run.rtol is None else run.rtol
        row = rows.setdefault(
            (*case.origin.values(), run.term, tolerance),
            {**case.origin, "term": run.term, "relative": tolerance, "cases": 0, "rewritten": 0},
        )
        row["cases"] += 1
        row["rewritten"] += not set(run.overlay) <= SIZES
    return list(rows.values())


if __name__ == "__main__":
    FILE.write_text(json.dumps(document(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
