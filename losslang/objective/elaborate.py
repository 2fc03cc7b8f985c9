"""Expressions to values of the typed graph."""

from __future__ import annotations

from dataclasses import replace

from losslang.diagnostics import Span
from losslang.objective import calls, loops, special
from losslang.objective.axes import AXIS_NAMES, VIEW, Axis, Dim, Type
from losslang.objective.constructors import CONSTRUCTORS
from losslang.objective.context import Context, Scope, Value
from losslang.objective.elsewhere import ELSEWHERE
from losslang.objective.inline import inline
from losslang.objective.operations import OPERATIONS, SIGNS, SPECIAL, SPELLED_WITH_SIGNS, STATEFUL
from losslang.objective.parameters import SCHEDULES
from losslang.objective.rules import Bound, Problem, Typed
from losslang.objective.schedules import Schedule
from losslang.objective.views import ViewSet, read_view_set
from losslang.syntax.names import nearest
from losslang.syntax.spelling import spelled
from losslang.syntax.tree import Binary, Call, Entry, Expression, Index, Items, Name, Number, Text, Unary

__all__ = ["define", "elaborate", "place"]


def place(expression: Expression, scope: Scope) -> Span:
    """Where the user sees an expression: itself, or inside a definition the call that led there."""
    return scope.span if scope.hidden else expression.span


def elaborate(expression: Expression, context: Context, scope: Scope) -> Typed | None:
    """The value of an expression; None, with a diagnostic, where it has none."""
    context.budget.enter(place(expression, scope))
    try:
        return _dispatch(expression, context, scope)
    except Problem as problem:
        context.problem(problem, place(expression, scope))
        return None
    finally:
        context.budget.leave()


def _dispatch(expression: Expression, context: Context, scope: Scope) -> Typed | None:
    span = place(expression, scope)
    match expression:
        case Number():
            return context.make("constant", (), (("value", expression.value),), Type(), span, scope)
        case Name():
            return _tensor(expression, context, scope)
        case Unary(operator="-"):
            return _operate("negative", (expression.operand,), context, scope, span)
        case Unary():
            return _operate("negate", (expression.operand,), context, scope, span)
        case Binary():
            return _operate(SIGNS[expression.operator], (expression.left, expression.right), context, scope, span)
        case Index():
            return _index(expression, context, scope)
        case Call():
            return _call(expression, context, scope)
        case Items():
            raise Problem("E310", "a list stands only where axes are named, as in over=[view, batch]")
        case Text():
            raise Problem("E310", "a quoted text is not a value")


def _operate(op: str, operands: tuple[Expression, ...], context: Context, scope: Scope, span: Span) -> Typed | None:
    values = [elaborate(operand, context, scope) for operand in operands]
    if any(value is None for value in values):
        return None
    names = ("x", "y")
    sign = next((sign for sign, name in SIGNS.items() if name == op), "not" if op == "negate" else "-")
    bound = Bound(sign, {n: v for n, v in zip(names, values, strict=False) if v is not None}, {}, scope.mapped)
    return calls.finish(OPERATIONS[op], bound, context, scope, span)


# ---------------------------------------------------------------- names


def _tensor(name: Name, context: Context, scope: Scope) -> Typed | None:
    value = _look_up(name, context, scope)
    if value is None or isinstance(value, Typed):
        return value
    if isinstance(value, ViewSet):
        raise Problem("E311", f"`{name.id}` names views, not a value", help=f"take a value of it, as in z[{name.id}]")
    raise Problem(
        "E311", f"`{name.id}` names an axis, not a value", help="axes are named in over=, pairs= and size(z, …)"
    )


def _look_up(name: Name, context: Context, scope: Scope) -> Value | None:
    if name.primes:
        raise Problem("E311", f"`{Axis(name.id, name.primes)}` is an axis, not a value")
    if name.id in scope.names:
        bound = scope.names[name.id]
        return replace(bound, span=name.span) if isinstance(bound, Typed) and not scope.hidden else bound
    if not scope.inside:
        found = _of_method(name, context, scope)
        if found is not None or name.id in context.define or name.id in context.broken:
            return found
    raise _unknown(name, context, scope)


def _of_method(name: Name, context: Context, scope: Scope) -> Value | None:
    if name.id in context.define:
        context.used.add(("define", name.id))
        value = define(name.id, context, name)
        value = special.grouped(value, context, scope) if value is not None else None
        return None if value is None else replace(value, span=name.span)
    if name.id in context.parameters:
        context.used.add(("parameter", name.id))
        return _parameter(name, context, scope)
    if name.id == "x":
        labels = context.views.all.names
        views = () if len(labels) == 0 else (Dim(VIEW, len(labels), labels),)
        batch = Dim(Axis("batch"), "batch")
        return context.make("images", (), (), Type.of([*views, batch], "image"), name.span, scope)
    return context.views.named(name.id)


def _parameter(name: Name, context: Context, scope: Scope) -> Typed | None:
    parameter = context.parameters[name.id]
    if isinstance(parameter.value, Schedule):
        attributes = (("schedule", parameter.value), ("name", name.id))
        return context.make("schedule", (), attributes, Type(), name.span, scope)
    if parameter.value is None:
        earlier = replace(context, define={})
        earlier.budget = context.budget
        return elaborate(parameter.expression, earlier, Scope())
    return context.make("parameter", (), (("name", name.id),), Type(), name.span, scope)


def _unknown(name: Name, context: Context, scope: Scope) -> Problem:
    if name.id in context.networks and not scope.inside:
        return Problem("E312", f"`{name.id}` is a network: apply it to something", help=f"{name.id}(x)")
    if name.id in AXIS_NAMES:
        return Problem("E311", f"`{name.id}` is an axis, not a value", help="axes are named in over= and pairs=")
    if name.id in OPERATIONS or name.id in context.library or name.id in context.functions:
        return Problem("E312", f"`{name.id}` is a function: it needs arguments", help=f"{name.id}(…)")
    candidates = [*scope.names]
    if not scope.inside:
        candidates += [*context.define, *context.parameters, *context.views.groups, *context.networks, "x"]
    close = nearest(name.id, candidates)
    if close:
        help_ = f"did you mean `{close}`?"
    elif scope.inside:
        help_ = f"a definition sees only its own parameters: add `{name.id}` to those of {scope.inside[-1]}"
    else:
        loss = f"define it: `{name.id} = …`, or `parameter {name.id} = …`"
        help_ = spelled(name.span, yaml="name it under `define` or `parameters`", loss=loss)
    return Problem("E201", f"there is nothing called `{name.id}`", help=help_)


def define(name: str, context: Context, user: Name | None = None) -> Typed | None:
    """The value of a `define` entry, elaborated on first use."""
    if name in context.open:
        circle = " -> ".join([*context.open[context.open.index(name) :], name])
        span = user.span if user else context.define[name].span
        help_ = "compute one of them from values that do not need it"
        context.report.add("E204", f"definitions depend on each other in a circle: {circle}", span, help=help_)
        return None
    if name not in context.defined:
        context.open.append(name)
        context.defined[name] = _define(context.define[name], context)
        context.open.pop()
    return context.defined[name]


def _define(entry: Entry, context: Context) -> Typed | None:
    expression = entry.value
    assert expression is not None
    if isinstance(expression, Call) and expression.function in STATEFUL:
        try:
            return calls.stateful(expression, entry.name, context, Scope())
        except Problem as problem:
            context.problem(problem, expression.span)
            return None
    value = elaborate(expression, context, Scope())
    size = context.input_sizes.get(entry.name)
    return value if value is None or size is None else _resized(value, size, context)


def _resized(value: Typed, size: int, context: Context) -> Typed:
    """The output of a network with the size that the caller's own tensors have."""
    if value.node.op != "apply":
        raise Problem("E325", "sizes are given for outputs of networks, and this is computed from them")
    node = value.node
    last = node.type.dims[-1]
    type_ = node.type.with_dim(replace(last, size=size, origin="the sizes given"))
    return context.make("apply", node.inputs, node.attributes, type_, value.span, Scope(), node.trains)


# ---------------------------------------------------------------- indexing and calls


def _index(expression: Index, context: Context, scope: Scope) -> Typed | None:
    value = elaborate(expression.value, context, scope)
    chosen = read_view_set(expression.index, context.views, scope.loops, context.report)
    if value is None or chosen is None:
        return None
    return special.select(value, chosen, context, scope, place(expression, scope))


def _call(call: Call, context: Context, scope: Scope) -> Typed | None:
    name = call.function
    if call.loops:
        return loops.unroll(call, context, scope)
    if name in SPECIAL:
        return special.SPECIAL_CALLS[name](call, context, scope)
    if name in STATEFUL:
        raise Problem(
            "E408",
            f"`{name}` keeps state, so it must be the whole of a definition",
            help="define it by name first: "
            + spelled(call.span, yaml=f"statistic: {name}(…)", loss=f"statistic = {name}(…)"),
        )
    if name in OPERATIONS and name not in SPELLED_WITH_SIGNS:
        return calls.operation(call, OPERATIONS[name], context, scope)
    if name in context.networks and not scope.inside:
        return special.apply(call, context, scope)
    definition = context.functions.get(name) or context.library.get(name)
    if definition is not None:
        return inline(call, definition, context, scope)
    if name in context.broken:
        return None
    if name in SCHEDULES:
        raise Problem(
            "E409",
            f"`{name}` is a schedule: it is the value of a parameter, or of `momentum=`",
            help=spelled(
                call.span,
                yaml=f"write `parameters: {{weight: '{name}(…)'}}`",
                loss=f"write `parameter weight = {name}(…)`",
            ),
        )
    raise _unknown_function(call, context, scope)


def _unknown_function(call: Call, context: Context, scope: Scope) -> Problem:
    known = [*(set(OPERATIONS) - SPELLED_WITH_SIGNS), *SPECIAL, *context.library, *context.functions]
    if not scope.inside:
        known += list(context.networks)
    close = nearest(call.function, known)
    help_ = f"did you mean `{close}`?" if close else "`losslang list primitives` shows what there is"
    if call.function in ELSEWHERE:
        help_ = f"write `{ELSEWHERE[call.function]}`"
    if call.function in CONSTRUCTORS:
        line = spelled(call.span, yaml="under `networks`, `net: {}`", loss="`network net = {}`").format(
            CONSTRUCTORS[call.function].usage
        )
        help_ = f"give the network a name first, {line}, then apply it: net(…)"
    if call.function in context.define:
        help_ = f"`{call.function}` is a value; multiply with *"
    return Problem(
        "E202",
        f"there is no operation, function or network `{call.function}`",
        help=help_,
        labels=[] if scope.hidden else [(call.function_span, "")],
    )
