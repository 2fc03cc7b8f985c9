"""Warnings: what types allow and is seldom meant."""

from __future__ import annotations

from collections.abc import Callable

from losslang.diagnostics import Report
from losslang.objective.axes import GROUP
from losslang.objective.context import Context, static_value
from losslang.objective.graph import Graph, Node, walk
from losslang.objective.lints_branches import never_learns, predictor_on_both_sides
from losslang.objective.lints_subject import Subject, trained
from losslang.objective.mentions import names_in
from losslang.objective.resolve import Resolved

__all__ = ["LINTS", "lint"]


Lint = Callable[[Subject, Report], None]


def _unused(subject: Subject, report: Report) -> None:
    resolved, context = subject.resolved, subject.context
    sections = (
        ("network", resolved.networks, "W101"),
        ("define", resolved.define, "W102"),
        ("parameter", resolved.parameters, "W103"),
    )
    spelled = {"define": "definition"}
    _unused_functions(subject, report)
    mentioned = _mentioned(resolved)
    for section, entries, code in sections:
        for name, entry in entries.items():
            used = name in mentioned if section == "parameter" else (section, name) in context.used
            # an inherited entry may serve a sibling method, so only the file's own entries are named
            own = entry.name_span.source is resolved.method.span.source
            if not used and own:
                report.add(code, f"the {spelled.get(section, section)} `{name}` is never used", entry.name_span)


def _unused_functions(subject: Subject, report: Report) -> None:
    resolved = subject.resolved
    for name, function in resolved.functions.items():
        own = function.name_span.source is resolved.method.span.source
        if own and ("function", name) not in subject.context.used:
            known = all(p.axes is not None or p.default is not None for p in function.parameters)
            help_ = (
                ""
                if known
                else "call it or remove it: only a call, or axes as in `z: [batch, feature]`, checks its body"
            )
            report.add("W102", f"the function `{name}` is never used", function.name_span, help=help_)


def _mentioned(resolved: Resolved) -> set[str]:
    entries = [*resolved.parameters.values(), *resolved.networks.values()]
    entries += [*resolved.define.values(), *resolved.objective.values()]
    return {name for entry in entries if entry.value is not None for name in names_in(entry.value)}


def _no_gradient(subject: Subject, report: Report) -> None:
    for term in subject.graph.terms:
        if not term.value.trains:
            report.add(
                "W104",
                f"the term `{term.name}` trains nothing: no gradient reaches a network",
                term.span,
                help="a stopgrad, a target or a running statistic may cut every path",
            )


def _zero_weight(subject: Subject, report: Report) -> None:
    for term in subject.graph.terms:
        if term.weight is not None and static_value(term.weight, subject.context.parameters) == 0:
            report.add("W105", f"the term `{term.name}` has weight 0", term.span, help="remove it, or set its weight")


def _target_of_untrained(subject: Subject, report: Report) -> None:
    context = subject.context
    for name, network in context.networks.items():
        if network is None or network.kind != "ema" or ("network", name) not in context.used:
            continue
        followed = _references(name, context)
        if followed and not followed & trained(subject.graph):
            entry = subject.resolved.networks[name]
            report.add(
                "W106", f"`{name}` follows networks that nothing trains: {', '.join(sorted(followed))}", entry.span
            )


def _references(name: str, context: Context) -> frozenset[str]:
    found: set[str] = set()
    pending = [context.networks[name]]
    while pending:
        network = pending.pop()
        if network is None:
            continue
        if network.kind == "reference" and network.name not in found:
            found.add(network.name)
            pending.append(context.networks[network.name])
        pending.extend(network.parts)
    return frozenset(found)


def _hinge_on_unit_vectors(subject: Subject, report: Report) -> None:
    for application in subject.graph.applications:
        if application.name != "variance_hinge" or application.depth:
            continue
        z = dict(application.arguments).get("z")
        if z is not None and _is_unit(z):
            report.add(
                "W107",
                "a variance hinge on unit vectors: no feature can reach a deviation of 1",
                application.span,
                help="give it the embedding before normalize, or target=1 / size(z, feature) ^ 0.5",
            )


def _is_unit(node: Node) -> bool:
    while node.op in {"select", "take", "stopgrad", "group"}:
        node = node.inputs[0]
    return node.op == "normalize"


def _long_memory(subject: Subject, report: Report) -> None:
    for node in walk(state.node for state in subject.graph.states):
        if node.op != "running" or node["read"] != "after" or not node.trains:
            continue
        momentum = static_value(node.inputs[1], subject.context.parameters)
        if momentum is not None and momentum >= 0.99:
            report.add(
                "W108",
                f"the gradient through a running statistic with momentum {momentum} is scaled by {1 - momentum:.3g}",
                node.span,
            )


def _local_statistics(subject: Subject, report: Report) -> None:
    """Each call of `local` once, at its place: where the groups are averaged."""
    means = [node for node in subject.graph.nodes() if node.op == "mean" and GROUP in node.axes()]
    for span, mean in {node.span: node for node in means}.items():
        rows = next(node["rows"] for node in walk([mean]) if node.op == "group")
        report.add(
            "W111",
            f"statistics of {rows} rows at a time, not of the batch",
            span,
            help="leave `local` out for the whole batch, which is the same on any number of processes",
        )


LINTS: dict[str, Lint] = {
    "unused": _unused,
    "no gradient": _no_gradient,
    "zero weight": _zero_weight,
    "target of untrained networks": _target_of_untrained,
    "variance hinge on unit vectors": _hinge_on_unit_vectors,
    "gradient through a long memory": _long_memory,
    "network that never learns": never_learns,
    "predictor on both sides": predictor_on_both_sides,
    "local statistics": _local_statistics,
}


def lint(resolved: Resolved, context: Context, graph: Graph, report: Report) -> None:
    """Run every lint; what the method allows is dropped, and in a file that it extends what that file allows."""
    own = Report()
    for check in LINTS.values():
        check(Subject(resolved, context, graph), own)
    for found in own.diagnostics:
        if found.code not in resolved.method.allow and (found.span.source.name, found.code) not in resolved.answered:
            report.diagnostics.append(found)
