"""Definitions: inlined at every call, with their names kept for people."""

from __future__ import annotations

from dataclasses import replace

from losslang.diagnostics import Span
from losslang.objective import elaborate as expressions
from losslang.objective.axes import AXIS_NAMES, Axis, Dim, Type, describe_axes
from losslang.objective.calls import read_axes
from losslang.objective.context import Context, Scope, Value
from losslang.objective.elsewhere import axis_help
from losslang.objective.graph import Application
from losslang.objective.ranges import check_positive
from losslang.objective.rules import Problem, Typed
from losslang.syntax.names import nearest
from losslang.syntax.tree import Call, Definition, DefinitionParameter, Expression, Items, Keyword, Name

__all__ = ["check_definition", "inline", "usage"]

MAX_DEPTH = 32
_CONSTANTS = {"ddof"}  # parameters of definitions that mean what the option of an operation does
_POSITIVE = {"temperature", "distortion", "t"}  # parameters of definitions of the library: above 0


def usage(definition: Definition) -> str:
    """The signature as written in a method."""
    from losslang.syntax.write import write_expression

    parts = [p.name if p.default is None else f"{p.name}={write_expression(p.default)}" for p in definition.parameters]
    return f"{definition.name}({', '.join(parts)})"


def inline(call: Call, definition: Definition, context: Context, scope: Scope) -> Typed | None:
    """The value of a definition at work on its arguments."""
    name = definition.name
    context.used.add(("function", name))
    if name in scope.inside:
        circle = " -> ".join([*scope.inside[scope.inside.index(name) :], name])
        help_ = "write out what it would repeat, or loop over views: mean(… for v in views)"
        raise Problem("E204", f"definitions call each other in a circle: {circle}", help=help_)
    if len(scope.inside) >= MAX_DEPTH:
        raise Problem("E407", f"definitions that call each other are nested more than {MAX_DEPTH} deep")
    bound = _bind(call, definition, context, scope)
    if bound is None:
        return None
    mapped = _map_over(definition, bound, scope)
    span = expressions.place(call, scope)
    hidden = name not in context.functions
    inner = Scope(bound, mapped, (*scope.inside, name), hidden, span, scope.grouping)
    for binding in definition.bindings:
        assert binding.value is not None
        value = expressions.elaborate(binding.value, context, inner)
        if value is None:
            return None
        inner = inner.bind(binding.name, value)
    assert definition.body is not None
    result = expressions.elaborate(definition.body, context, inner)
    if result is None:
        return None
    _note(definition, bound, result, span, context, inner)
    return result if scope.hidden else replace(result, span=span)


def _note(
    definition: Definition, bound: dict[str, Value], result: Typed, span: Span, context: Context, inner: Scope
) -> None:
    context.applications.append(
        Application(
            definition.name,
            tuple((name, value.node) for name, value in bound.items() if isinstance(value, Typed)),
            result.node,
            tuple(role for group in definition.roles for role in group.names),
            tuple(option for group in definition.roles for option in group.options),
            span,
            len(inner.inside) - 1,
            inner.mapped,
        )
    )


def check_definition(definition: Definition, context: Context) -> None:
    """Report what is wrong with a definition by itself: its axes, and its body on values of the axes it declares."""
    known = True
    for parameter in definition.parameters:
        for axis in parameter.axes or ():
            if axis.id not in AXIS_NAMES:
                context.report.add("E315", f"there is no axis `{axis.id}`", axis.span, help=axis_help(axis.id))
                known = False
    declared = all(p.axes is not None or p.default is not None for p in definition.parameters)
    if not known or not declared or ("function", definition.name) in context.used:
        return
    names = {p.name: _example(p, definition, context) for p in definition.parameters if p.axes is not None}
    arguments = tuple(Keyword(name, Name(name, 0, definition.name_span), definition.name_span) for name in names)
    call = Call(definition.name, (), arguments, (), None, definition.name_span, definition.name_span)
    try:
        inline(call, definition, context, Scope(names=names))
    except Problem as problem:
        context.problem(problem, definition.name_span)


def _example(parameter: DefinitionParameter, definition: Definition, context: Context) -> Typed:
    """A value of the declared axes, of unknown sizes."""
    axes = {Axis(name.id, name.primes) for name in parameter.axes or ()}
    labels = context.views.all.names
    dims = [
        Dim(axis, len(labels), labels) if axis.name == "view" else Dim(axis, f"{axis.name} of {parameter.name}")
        for axis in axes
    ]
    return context.make("argument", (), (("name", parameter.name),), Type.of(dims), definition.name_span, Scope())


# ---------------------------------------------------------------- arguments


def _bind(call: Call, definition: Definition, context: Context, scope: Scope) -> dict[str, Value] | None:
    given = _match(call, definition, scope)
    bound: dict[str, Value] = {}
    broken = False
    for parameter in definition.parameters:
        value: Value | None
        if parameter.name in given:
            value = _argument(given[parameter.name], parameter, context, scope)
        else:
            assert parameter.default is not None
            hidden = definition.name not in context.functions
            inside = Scope(inside=(*scope.inside, definition.name), hidden=hidden, span=expressions.place(call, scope))
            value = _argument(parameter.default, parameter, context, inside)
        if isinstance(value, Typed) and parameter.name in _CONSTANTS and context.constant(value.node) is None:
            where = [] if scope.hidden else [(value.span, "depends on the batch or the step")]
            raise Problem("E405", f"`{parameter.name}` of `{definition.name}` is a constant number", labels=where)
        if isinstance(value, Typed) and parameter.name in _POSITIVE and definition.name not in context.functions:
            check_positive(value, parameter.name, definition.name, context, scope)
        if value is None:
            broken = True
        else:
            bound[parameter.name] = value
    return None if broken else bound


def _match(call: Call, definition: Definition, scope: Scope) -> dict[str, Expression]:
    parameters = [parameter.name for parameter in definition.parameters]

    def labels(span: Span) -> list[tuple[Span, str]]:
        return [] if scope.hidden else [(span, "")]

    if len(call.arguments) > len(parameters):
        extra = call.arguments[len(parameters)].span
        raise Problem(
            "E202",
            f"`{definition.name}` takes fewer values",
            labels=labels(extra),
            help=f"it is written {usage(definition)}",
        )
    given = dict(zip(parameters, call.arguments, strict=False))
    for keyword in call.keywords:
        if keyword.name not in parameters:
            close = nearest(keyword.name, parameters)
            help_ = f"did you mean `{close}`?" if close else f"it is written {usage(definition)}"
            raise Problem(
                "E203",
                f"`{definition.name}` has no parameter `{keyword.name}`",
                labels=labels(keyword.span),
                help=help_,
            )
        if keyword.name in given:
            raise Problem("E203", f"`{definition.name}` is given `{keyword.name}` twice", labels=labels(keyword.span))
        given[keyword.name] = keyword.value
    missing = [p.name for p in definition.parameters if p.default is None and p.name not in given]
    if missing:
        raise Problem(
            "E202",
            f"`{definition.name}` needs `{missing[0]}`",
            labels=labels(call.function_span),
            help=f"it is written {usage(definition)}",
        )
    return given


def _argument(expression: Expression, parameter: DefinitionParameter, context: Context, scope: Scope) -> Value | None:
    if _names_axes(parameter.default) and _names_axes(expression, scope):
        return read_axes(expression, scope) or ()
    return expressions.elaborate(expression, context, scope)


def _names_axes(expression: Expression | None, scope: Scope | None = None) -> bool:
    """Whether an expression is an axis or a list of axes, such as the default `over=batch`."""
    items = expression.items if isinstance(expression, Items) else (expression,)
    bound = {name for name, value in scope.names.items() if isinstance(value, tuple)} if scope else set()
    return bool(items) and all(isinstance(i, Name) and (i.id in AXIS_NAMES or i.id in bound) for i in items)


def _map_over(definition: Definition, bound: dict[str, Value], scope: Scope) -> frozenset[Axis]:
    """The further axes of annotated arguments: the definition is computed for each of their entries."""
    mapped: set[Axis] = set(scope.mapped)
    for parameter in definition.parameters:
        value = bound[parameter.name]
        if parameter.axes is None or not isinstance(value, Typed):
            continue
        if any(name.id not in AXIS_NAMES for name in parameter.axes):
            raise Problem("", "")  # reported with the definition
        wanted = {Axis(name.id, name.primes) for name in parameter.axes}
        missing = [axis for axis in wanted if not value.type.has(axis)]
        if missing:
            raise Problem(
                "E324",
                f"`{definition.name}` takes {parameter.name} with axes {describe_axes(sorted(wanted, key=lambda a: a.place))}",
                labels=[(value.span, f"has {describe_axes(value.type.axes)}")],
            )
        mapped |= set(value.type.axes) - wanted
    return frozenset(mapped)
