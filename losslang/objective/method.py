"""A whole method: names checked, everything elaborated, the spec assembled."""

from __future__ import annotations

from collections.abc import Mapping

from losslang.diagnostics import NOWHERE, Label, Report, Span
from losslang.objective.axes import describe_axes
from losslang.objective.budget import Enough, stop_at_many
from losslang.objective.constructors import CONSTRUCTORS
from losslang.objective.context import Context, Library, Scope, static_value
from losslang.objective.elaborate import define, elaborate
from losslang.objective.graph import Graph, Node, Term, walk
from losslang.objective.inline import check_definition
from losslang.objective.lints import lint
from losslang.objective.operations import OPERATIONS, SPECIAL, SPELLED_WITH_SIGNS
from losslang.objective.parameters import SCHEDULES, Override, read_parameters
from losslang.objective.read_networks import read_networks
from losslang.objective.resolve import Resolved
from losslang.objective.rules import Problem
from losslang.objective.spec import Spec
from losslang.objective.views import Views
from losslang.syntax.names import nearest
from losslang.syntax.tree import Entry, Name

__all__ = ["type_method"]

MAX_VIEWS = 1000
MAX_TERMS = 1000


def type_method(
    resolved: Resolved,
    library: Library,
    report: Report,
    *,
    overrides: Mapping[str, Override] | None = None,
    feature_sizes: Mapping[str, int] | None = None,
    input_sizes: Mapping[str, int] | None = None,
    cap: int | None = None,
) -> Spec | None:
    """The typed method; None, with diagnostics, where it has errors.

    `feature_sizes` binds the feature size of backbones by network name, `input_sizes` that of network outputs by definition.
    `cap` makes all sizes small, for analysis: features to that size, counts to four times as many.
    """
    try:
        return _type(resolved, library, report, overrides or {}, feature_sizes or {}, input_sizes or {}, cap)
    except Enough:
        return None


def _type(
    resolved: Resolved,
    library: Library,
    report: Report,
    overrides: Mapping[str, Override],
    sizes: Mapping[str, int],
    input_sizes: Mapping[str, int],
    cap: int | None,
) -> Spec | None:
    _check_names(resolved, library, report)
    overrides = _known_overrides(resolved, overrides, report)
    parameters = read_parameters(resolved.parameters, overrides, report, resolved.broken)
    networks = read_networks(resolved.networks, parameters, report, sizes)
    views = Views.of(resolved.views)
    if len(views.all.names) > MAX_VIEWS:
        report.add("E407", f"a method has at most {MAX_VIEWS:,} views", resolved.method.views_span)
        return None
    if len(resolved.objective) > MAX_TERMS:
        term = [*resolved.objective.values()][MAX_TERMS]
        report.add("E407", f"a method has at most {MAX_TERMS:,} terms", term.name_span)
        return None
    context = Context(
        report=report,
        views=views,
        parameters=parameters,
        networks=networks,
        network_entries=resolved.networks,
        define=resolved.define,
        functions=resolved.functions,
        library=library,
        feature_sizes=sizes,
        input_sizes=input_sizes,
        cap=cap,
        broken=frozenset(parameters.broken),
    )
    forward = _forward(resolved, report)
    for definition in resolved.functions.values():
        check_definition(definition, context)
    context.used.clear()
    context.applications.clear()
    terms = [_term(entry, context) for entry in resolved.objective.values()]
    used = set(context.used)
    defined = {name: define(name, context) for name in resolved.define}
    context.used = used
    graph = Graph(
        tuple(term for term in terms if term is not None),
        {name: value.node for name, value in defined.items() if value is not None},
        tuple(context.states.values()),
        tuple(context.applications),
    )
    if report.has_errors:
        return None
    lint(resolved, context, graph, report)
    return Spec(
        resolved.method.name,
        resolved.title,
        resolved.paper,
        resolved.notes,
        resolved.method.span.source,
        resolved.bases,
        parameters,
        views,
        forward,
        {name: network for name, network in networks.items() if network is not None},
        {name: size for name, (size, _, _) in context.inputs.items()},
        graph,
        {
            recipe: {".".join(path): override.value for path, override in settings.items()}
            for recipe, settings in resolved.recipes.items()
        },
        tuple(d for d in report.sorted() if not d.is_error),
    )


# ---------------------------------------------------------------- names


def _check_names(resolved: Resolved, library: Library, report: Report) -> None:
    """One namespace for everything but terms; nothing of the language is redefined."""
    taken: dict[str, tuple[str, Span | None]] = {"x": ("the images", None), "views": ("all views", None)}
    taken |= dict.fromkeys({*OPERATIONS, *SPECIAL} - SPELLED_WITH_SIGNS, ("an operation", None))
    taken |= dict.fromkeys(SCHEDULES, ("a schedule", None))
    taken |= dict.fromkeys([*CONSTRUCTORS, "features"], ("a constructor of networks", None))
    taken |= dict.fromkeys(library, ("a function of the library", None))
    callable_ = {name for name, (what, _) in taken.items() if what not in {"the images", "all views"}}
    sections = (
        ("a view", [(v.name, v.span) for v in resolved.views]),
        ("a parameter", [(e.name, e.name_span) for e in resolved.parameters.values()]),
        ("a network", [(e.name, e.name_span) for e in resolved.networks.values()]),
        ("a function", [(d.name, d.name_span) for d in resolved.functions.values()]),
        ("a definition", [(e.name, e.name_span) for e in resolved.define.values()]),
    )
    for kind, names in sections:
        for name, span in names:
            if kind in {"a view", "a parameter"} and name in callable_:
                continue  # neither is ever called, and a call is told from a name by its parentheses
            if name in taken:
                what, other = taken[name]
                stop_at_many(report, span)
                labels = [Label(other, f"{what} here")] if other and other != NOWHERE else []
                report.add("E220", f"`{name}` is {what} already", span, labels=labels, help="choose another name")
            else:
                taken[name] = (kind, span)


def _known_overrides(resolved: Resolved, overrides: Mapping[str, Override], report: Report) -> dict[str, Override]:
    known = {}
    for name, override in overrides.items():
        if name in resolved.parameters:
            known[name] = override
        if name in resolved.parameters or name in resolved.broken:
            continue
        close = nearest(name, resolved.parameters)
        names = ", ".join(resolved.parameters) or "none"
        help_ = f"did you mean `{close}`?" if close else f"its parameters are: {names}"
        message = f"{override.source}: the method `{resolved.method.name}` has no parameter `{name}`"
        report.add("E221", message, resolved.method.name_span, help=help_)
    return known


def _forward(resolved: Resolved, report: Report) -> dict[str, str]:
    """How each network sees the views: `separate`, or `joint` for all views of equal size as one batch."""
    modes = ("separate", "joint")
    forward = resolved.forward
    if isinstance(forward, str):
        return dict.fromkeys(resolved.networks, forward)
    result = dict.fromkeys(resolved.networks, "separate")
    for entry in forward:
        if entry.name not in resolved.networks:
            stop_at_many(report, entry.name_span)
            close = nearest(entry.name, resolved.networks)
            help_ = f"did you mean `{close}`?" if close else ""
            report.add("E213", f"there is no network `{entry.name}`", entry.name_span, help=help_)
        elif not isinstance(entry.value, Name) or entry.value.id not in modes:
            report.add("E217", "a network sees its views `separate` or `joint`", entry.span)
        else:
            result[entry.name] = entry.value.id
    return result


# ---------------------------------------------------------------- terms


def _term(entry: Entry, context: Context) -> Term | None:
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
