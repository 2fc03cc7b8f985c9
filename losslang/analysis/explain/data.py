"""An explanation as JSON; every formula in both forms."""

from __future__ import annotations

import json
from dataclasses import asdict

from losslang.analysis.explain.explanation import Explanation, Primitive
from losslang.analysis.explain.formulas.statements import Statement
from losslang.analysis.explain.notation.latex import latex
from losslang.analysis.explain.notation.unicode import unicode
from losslang.analysis.explain.stability import Stability

__all__ = ["explanation_json"]


def explanation_json(explanation: Explanation, *, stability: Stability | None = None) -> str:
    """The whole explanation."""
    spec = explanation.spec
    content = {
        "method": spec.method_name,
        "title": spec.title,
        "paper": spec.paper,
        "notes": spec.notes,
        "extends": list(spec.bases),
        "roles": list(explanation.roles),
        **(stability.plain() if stability else {}),
        "terms": [_statement(statement) for statement in explanation.terms],
        "definitions": [_statement(statement) for statement in explanation.definitions],
        "functions": [_primitive(primitive) for primitive in explanation.primitives],
        "networks": [asdict(row) for row in explanation.networks],
        "parameters": [asdict(row) for row in explanation.parameters],
        "views": {name: list(views) for name, views in spec.view_groups.items()},
        "state": [asdict(row) for row in explanation.states],
        "between_processes": [asdict(crossing) for crossing in explanation.crossings],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _statement(statement: Statement) -> dict[str, str]:
    sign = {"=": ("=", "="), "update": ("←", r"\leftarrow")}[statement.sign]
    return {
        "name": statement.name,
        "unicode": f"{unicode(statement.left)} {sign[0]} {unicode(statement.right)}",
        "latex": f"{latex(statement.left)} {sign[1]} {latex(statement.right)}",
    }


def _primitive(primitive: Primitive) -> dict[str, object]:
    return {
        **_statement(primitive.statement),
        "bindings": [_statement(statement) for statement in primitive.bindings],
        "roles": list(primitive.roles),
        "mechanism": primitive.mechanism,
        "documentation": primitive.documentation,
        "defaults": dict(primitive.defaults),
        "place": primitive.place,
    }
