"""The terms of an objective: each is one number, with the weight that stands in front of it."""

from __future__ import annotations

from losslang.objective.axes import describe_axes
from losslang.objective.context import Context, Scope, static_value
from losslang.objective.elaborate import elaborate
from losslang.objective.graph import Node, Term, walk
from losslang.objective.rules import Problem
from losslang.syntax.tree import Entry

__all__ = ["read_term"]


def read_term(entry: Entry, context: Context) -> Term | None:
    """The typed term of an entry; None, with a diagnostic, where it is not one number."""
    assert entry.value is not None
    value = elaborate(entry.value, context, Scope())
    if value is None:
        return None
    if value.type.dims or value.type.kind == "image":
        problem = Problem(
            "E309",
            f"the term `{entry.name}` is not one number",
            labels=[(entry.span, f"has {describe_axes(value.type.axes)}")],
            help="reduce it: mean(…) over every axis, or mean(… for v in views)",
        )
        context.problem(problem, entry.span)
        return None
    if value.type.kind == "mask":
        context.report.add(
            "E309", f"the term `{entry.name}` is true or false, not a number", entry.span, help="minimise a number"
        )
        return None
    if any(node.op == "same" and not node.inputs for node in walk([value.node])):
        problem = Problem(
            "E326", "`same` meets no value that has its axis, so it has no size", labels=[(value.span, "")]
        )
        context.problem(problem, entry.span)
        return None
    weight, raw = _split_weight(value.node, context)
    return Term(entry.name, value.node, entry.span, weight, raw)


def _split_weight(node: Node, context: Context) -> tuple[Node | None, Node | None]:
    """The leading scalar factor of a term and what it multiplies."""
    if node.op != "multiply":
        return None, None
    weight, raw = node.inputs
    if static_value(weight, context.parameters) is None and weight.op != "schedule":
        return None, None
    return weight, raw
