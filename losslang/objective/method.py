"""A whole method: names checked, everything elaborated, the spec assembled."""

from __future__ import annotations

from collections.abc import Mapping

from losslang.diagnostics import Report
from losslang.objective.budget import Enough, stop_at_many
from losslang.objective.context import Context, Library
from losslang.objective.elaborate import define
from losslang.objective.graph import Graph
from losslang.objective.inline import check_definition
from losslang.objective.lints import lint
from losslang.objective.namespace import check_names, known_overrides
from losslang.objective.parameters import Override, read_parameters
from losslang.objective.read_networks import read_networks
from losslang.objective.resolve import Resolved
from losslang.objective.spec import Spec
from losslang.objective.terms import read_term
from losslang.objective.views import Views
from losslang.syntax.names import nearest
from losslang.syntax.tree import Name

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
    check_names(resolved, library, report)
    parameters = read_parameters(
        resolved.parameters, known_overrides(resolved, overrides, report), report, resolved.broken
    )
    context = Context(
        report=report,
        views=Views.of(resolved.views),
        parameters=parameters,
        networks=read_networks(resolved.networks, parameters, report, sizes),
        network_entries=resolved.networks,
        define=resolved.define,
        functions=resolved.functions,
        library=library,
        feature_sizes=sizes,
        input_sizes=input_sizes,
        cap=cap,
        broken=frozenset(parameters.broken),
    )
    if _too_many(resolved, context):
        return None
    forward = _forward(resolved, report)
    graph = _graph(resolved, context)
    if report.has_errors:
        return None
    lint(resolved, context, graph, report)
    return _spec(resolved, context, forward, graph)


def _too_many(resolved: Resolved, context: Context) -> bool:
    """Whether a method has more views or terms than it may; reported."""
    if len(context.views.all.names) > MAX_VIEWS:
        context.report.add("E407", f"a method has at most {MAX_VIEWS:,} views", resolved.method.views_span)
    elif len(resolved.objective) > MAX_TERMS:
        term = [*resolved.objective.values()][MAX_TERMS]
        context.report.add("E407", f"a method has at most {MAX_TERMS:,} terms", term.name_span)
    else:
        return False
    return True


def _graph(resolved: Resolved, context: Context) -> Graph:
    """All terms and definitions, elaborated. What the terms use is what `context` says is used."""
    for definition in resolved.functions.values():
        check_definition(definition, context)
    context.used.clear()
    context.applications.clear()
    terms = [read_term(entry, context) for entry in resolved.objective.values()]
    used = set(context.used)
    defined = {name: define(name, context) for name in resolved.define}
    context.used = used
    return Graph(
        tuple(term for term in terms if term is not None),
        {name: value.node for name, value in defined.items() if value is not None},
        tuple(context.states.values()),
        tuple(context.applications),
    )


def _spec(resolved: Resolved, context: Context, forward: dict[str, str], graph: Graph) -> Spec:
    return Spec(
        method_name=resolved.method.name,
        title=resolved.title,
        paper=resolved.paper,
        notes=resolved.notes,
        source=resolved.method.span.source,
        bases=resolved.bases,
        parameters=context.parameters,
        view_set=context.views,
        forward=forward,
        networks={name: network for name, network in context.networks.items() if network is not None},
        network_inputs={name: size for name, (size, _, _) in context.inputs.items()},
        graph=graph,
        recipes={
            recipe: {".".join(path): override.value for path, override in settings.items()}
            for recipe, settings in resolved.recipes.items()
        },
        recipe_places={
            recipe: {".".join(path): f"{each.span.source.name}:{each.span.line}" for path, each in settings.items()}
            for recipe, settings in resolved.recipes.items()
        },
        warnings=tuple(d for d in context.report.sorted() if not d.is_error),
    )


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
