"""Calls of core operations: arguments bound to the signature, then typed by the rule."""

from __future__ import annotations

from dataclasses import replace

from losslang.diagnostics import Span
from losslang.objective import elaborate as expressions
from losslang.objective.axes import AXIS_NAMES, Axis
from losslang.objective.context import Context, Scope, is_infinite
from losslang.objective.elsewhere import axis_help
from losslang.objective.graph import Attribute, Node, State
from losslang.objective.operation import Operation, Parameter
from losslang.objective.ranges import check_momentum, check_positive
from losslang.objective.rules import Bound, Problem, Typed
from losslang.objective.wildcards import settle
from losslang.syntax.names import nearest
from losslang.syntax.tree import Call, Expression, Items, Name, Number

__all__ = ["finish", "operation", "read_axes", "stateful"]

_POSITIONAL = {"value", "mask", "integer", "number"}


def operation(call: Call, row: Operation, context: Context, scope: Scope) -> Typed | None:
    """The value of a call of a core operation."""
    bound = _bind(call, row, context, scope)
    return None if bound is None else finish(row, bound, context, scope, expressions.place(call, scope))


def stateful(call: Call, name: str, context: Context, scope: Scope) -> Typed | None:
    """The value of a state operation, which lives under the name of its definition."""
    from losslang.objective.operations import OPERATIONS

    row = OPERATIONS[call.function]
    bound = _bind(call, row, context, scope)
    if bound is None:
        return None
    if "momentum" in bound.values:
        check_momentum(bound.values["momentum"], context)
    value = finish(row, bound, context, scope, call.span, ("name", name))
    context.states[name] = State(name, value.node)
    return value


def finish(
    row: Operation, bound: Bound, context: Context, scope: Scope, span: Span, *extra: tuple[str, Attribute]
) -> Typed:
    """The typed node of bound arguments. Raises Problem."""
    settle(bound, context)
    bound.name = next((n for n in scope.inside if n not in context.functions), bound.name)  # the word the user wrote
    for name, value in bound.values.items():
        if value.type.kind == "image":
            raise Problem(
                "E313",
                f"`{bound.name}` works on vectors, and this is a batch of images",
                labels=[(value.span, "images")],
                help="embed it first: encoder(x)",
                at=name,
            )
    type_ = row.rule(bound)
    attributes = tuple((key, _ordered(value)) for key, value in bound.options.items() if value is not None)
    inputs = tuple(value.node for value in bound.values.values())
    trains = None if row.gradient and type_.kind != "mask" else frozenset[str]()
    if row.name == "running" and bound.options["read"] == "before":
        trains = frozenset()
    node_span = _blame(bound, scope) or span
    made = context.make(row.name, inputs, (*attributes, *extra), type_, span, scope, trains)
    zero = row.name == "divide" and context.constant(inputs[1]) == 0
    if zero or is_infinite(made.node, context):
        raise Problem("E403", "this divides by zero" if zero else "this constant is not a finite number")
    return replace(made, span=node_span)


def _blame(bound: Bound, scope: Scope) -> Span | None:
    """Inside a definition a value is shown as the one argument it comes from, where there is just one."""
    if not scope.hidden:
        return None
    spans = {value.span for value in bound.values.values() if value.node.op not in {"constant", "same"}}
    return spans.pop() if len(spans) == 1 else None


def _ordered(value: Attribute) -> Attribute:
    if not isinstance(value, tuple):
        return value
    axes = {item for item in value if isinstance(item, Axis)}
    return tuple(sorted(axes, key=lambda axis: axis.place)) if axes else value


# ---------------------------------------------------------------- binding


def _bind(call: Call, row: Operation, context: Context, scope: Scope) -> Bound | None:
    given = match_arguments(call, row, scope)
    bound = Bound(row.name, mapped=scope.mapped, cap=context.cap)
    broken = False
    for parameter in row.parameters:
        expression = given.get(parameter.name)
        if expression is None:
            bound.options.update(_default(call, row, parameter, scope))
        elif parameter.kind in {"value", "mask"}:
            value = expressions.elaborate(expression, context, scope)
            broken = broken or value is None
            if value is not None:
                bound.values[parameter.name] = value
                if parameter.positive and not value.type.dims:
                    check_positive(value, parameter.name, row.name, context, scope)
        else:
            bound.options[parameter.name] = read_option(expression, parameter, context, scope)
    return None if broken else bound


def match_arguments(call: Call, row: Operation, scope: Scope) -> dict[str, Expression]:
    """Arguments by parameter name. Raises Problem."""
    names = [parameter.name for parameter in row.parameters]
    positional = [parameter.name for parameter in row.parameters if parameter.kind in _POSITIONAL]
    if len(call.arguments) > len(positional):
        extra = call.arguments[len(positional)]
        labels = [] if scope.hidden else [(extra.span, "")]
        raise Problem("E202", f"`{row.name}` takes fewer values", labels=labels, help=f"it is written {row.usage}")
    given: dict[str, Expression] = dict(zip(positional, call.arguments, strict=False))
    for keyword in call.keywords:
        if keyword.name not in names:
            close = nearest(keyword.name, names)
            help_ = f"did you mean `{close}`?" if close else f"it is written {row.usage}"
            labels = [] if scope.hidden else [(keyword.span, "")]
            raise Problem("E203", f"`{row.name}` has no parameter `{keyword.name}`", help=help_, labels=labels)
        if keyword.name in given:
            raise Problem("E203", f"`{row.name}` is given `{keyword.name}` twice", labels=[(keyword.span, "")])
        given[keyword.name] = keyword.value
    return given


def _default(call: Call, row: Operation, parameter: Parameter, scope: Scope) -> dict[str, Attribute]:
    if parameter.optional:
        return {} if parameter.kind in {"value", "mask"} else {parameter.name: None}
    if parameter.default is None:
        labels = [] if scope.hidden else [(call.function_span, "")]
        raise Problem(
            "E202", f"`{row.name}` needs `{parameter.name}`", help=f"it is written {row.usage}", labels=labels
        )
    return {parameter.name: parameter.default}  # type: ignore[dict-item]


def read_option(expression: Expression, parameter: Parameter, context: Context, scope: Scope) -> Attribute:
    """A static argument of the kind that the parameter asks for. Raises Problem."""
    match parameter.kind:
        case "axes":
            return read_axes(expression, scope)
        case "axis":
            axes = read_axes(expression, scope)
            if axes is None or len(axes) != 1:
                raise Problem("E314", f"`{parameter.name}` takes one axis")
            return axes[0]
        case "word":
            return _word(expression, parameter)
        case "flag":
            return _flag(expression, parameter)
        case _:
            return _number(expression, parameter, context, scope)


def read_axes(expression: Expression, scope: Scope) -> tuple[Axis, ...] | None:
    """One axis, a list of axes, or `none`. Raises Problem."""
    items = expression.items if isinstance(expression, Items) else (expression,)
    axes: list[Axis] = []
    for item in items:
        if isinstance(item, Name) and item.id == "none" and len(items) == 1:
            return None
        if not isinstance(item, Name):
            raise Problem("E314", "an axis is needed here, or a list such as [view, batch]", labels=_at(item, scope))
        known = scope.names.get(item.id)
        if isinstance(known, tuple):
            axes.extend(axis.primed(item.primes) for axis in known)
        elif item.id in AXIS_NAMES:
            axes.append(Axis(item.id, item.primes))
        else:
            raise Problem("E315", f"there is no axis `{item.id}`", help=axis_help(item.id), labels=_at(item, scope))
        if len(set(axes)) < len(axes):
            raise Problem("E329", f"the axis `{axes[-1]}` is named twice", help=_ONCE, labels=_at(item, scope))
    if not axes:
        raise Problem("E314", "an axis is needed here", help="without over=, every axis is reduced")
    return tuple(axes)


_ONCE = "name every axis once; the second axis of a matrix has a prime, as in [batch, batch']"


def _at(expression: Expression, scope: Scope) -> list[tuple[Span, str]]:
    return [] if scope.hidden else [(expression.span, "")]


def _word(expression: Expression, parameter: Parameter) -> str:
    spelled = expression.id if isinstance(expression, Name) else ""
    spelled = expression.text if isinstance(expression, Number) else spelled
    if spelled in parameter.choices:
        return spelled
    close = nearest(spelled, parameter.choices)
    raise Problem(
        "E217",
        f"`{parameter.name}` takes one of {', '.join(parameter.choices)}",
        labels=[(expression.span, "")],
        help=f"did you mean `{close}`?" if close else "",
    )


def _flag(expression: Expression, parameter: Parameter) -> bool:
    if isinstance(expression, Name) and expression.id in {"true", "false"}:
        return expression.id == "true"
    raise Problem("E217", f"`{parameter.name}` is true or false", labels=[(expression.span, "")])


def _number(expression: Expression, parameter: Parameter, context: Context, scope: Scope) -> int | float:
    value = expressions.elaborate(expression, context, scope)
    if value is None:
        raise Problem("", "")  # reported where it arose
    number = context.constant(value.node)
    if number is None:
        raise Problem("E405", f"`{parameter.name}` is a constant number", labels=[(value.span, _why(value.node))])
    if parameter.least is not None and number < parameter.least:
        least = f"`{parameter.name}` is {parameter.least:g} or more, not {number:g}"
        raise Problem("E328", least, labels=[] if scope.hidden else [(value.span, "")])
    if parameter.kind == "integer":
        if not isinstance(number, int):
            raise Problem("E216", f"`{parameter.name}` is a whole number, not {number}", labels=[(value.span, "")])
        return number if context.cap is None else _few(number, parameter, context.cap)
    return number


def _few(number: int, parameter: Parameter, cap: int) -> int:
    """A count (of directions, of queued rows) made small for analysis."""
    if parameter.name in {"size", "count"}:
        return min(number, 2 * cap)
    return number


def _why(node: Node) -> str:
    return "changes from step to step" if node.op == "schedule" else "depends on the batch or is not known yet"
