"""What the elaborator itself knows: views, networks, `size`, `same` and `local`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from losslang.diagnostics import Span
from losslang.objective import elaborate as expressions
from losslang.objective.apply import apply
from losslang.objective.axes import BATCH, GROUP, VIEW, Dim, Type, describe_axes
from losslang.objective.calls import read_axes, read_option
from losslang.objective.context import Context, Grouping, Scope
from losslang.objective.operation import Parameter
from losslang.objective.rules import Problem, Typed
from losslang.objective.views import ViewSet
from losslang.objective.wildcards import WILD
from losslang.syntax.tree import Call

__all__ = ["SPECIAL_CALLS", "apply", "grouped", "select"]


def select(value: Typed, chosen: ViewSet, context: Context, scope: Scope, span: Span) -> Typed:
    """`z[a]` removes the axis `view`; `z[global]` keeps the views of the group."""
    dim = value.type.find(VIEW)
    if dim is None:
        has = describe_axes(value.type.axes)
        raise Problem("E319", "this value has no views to choose from", labels=[(value.span, f"has {has}")])
    missing = [name for name in chosen.names if name not in dim.labels]
    if missing:
        raise Problem(
            "E320",
            f"this value has no view `{missing[0]}`",
            labels=[(span, f"it has {', '.join(dim.labels)}")],
        )
    if value.type.find(VIEW.primed()):
        raise Problem("E320", "choose the view before pairing views", labels=[(value.span, "has [view, view']")])
    places = tuple(dim.labels.index(name) for name in chosen.names)
    if chosen.single:
        return context.make("select", (value.node,), (("view", places[0]),), value.type.without([VIEW]), span, scope)
    if chosen.names == dim.labels:
        return replace(value, span=span)
    type_ = value.type.with_dim(replace(dim, size=len(places), labels=chosen.names))
    return context.make("take", (value.node,), (("views", places),), type_, span, scope)


def grouped(value: Typed, context: Context, scope: Scope) -> Typed:
    """Inside `local`, a value with rows is seen in groups of rows."""
    grouping = scope.grouping
    if grouping is None or not value.type.has(BATCH) or value.type.has(GROUP):
        return value
    rows = f"rows({grouping.rows})"  # fewer where the batch is smaller, so not a known size
    type_ = value.type.with_dim(Dim(BATCH, rows)).with_dim(Dim(GROUP, "groups"))
    attributes = (("rows", grouping.rows), ("shuffle", grouping.shuffle))
    return context.make("group", (value.node,), attributes, type_, value.span, scope)


def _size(call: Call, context: Context, scope: Scope) -> Typed | None:
    if len(call.arguments) != 2 or call.keywords:
        raise Problem("E202", "`size` is written size(z, axis)", help="size(z, feature)")
    value = expressions.elaborate(call.arguments[0], context, scope)
    axes = read_axes(call.arguments[1], scope)
    if value is None:
        return None
    span = expressions.place(call, scope)
    known = 1
    for axis in axes or ():
        dim = value.type.find(axis)
        if dim is None:
            has = describe_axes(value.type.axes)
            raise Problem(
                "E302", f"`size` asks for `{axis}`, which its value does not have", labels=[(value.span, f"has {has}")]
            )
        known *= dim.known or 0
    if known:
        return context.make("constant", (), (("value", known),), Type(), span, scope)
    return context.make("size", (value.node,), (("axes", axes or ()),), Type(), span, scope, frozenset())


def _same(call: Call, context: Context, scope: Scope) -> Typed:
    axes = read_axes(call.arguments[0], scope) if len(call.arguments) == 1 and not call.keywords else None
    if axes is None or len(axes) != 1 or axes[0].primes:
        raise Problem("E202", "`same` is written same(axis)", help="same(batch)")
    axis = axes[0]
    type_ = Type.of([Dim(axis, WILD), Dim(axis.primed(), WILD)], "mask")
    return context.make("same", (), (("axis", axis),), type_, expressions.place(call, scope), scope)


def _local(call: Call, context: Context, scope: Scope) -> Typed | None:
    if scope.grouping is not None:
        raise Problem("E321", "`local` cannot stand inside `local`")
    if len(call.arguments) != 1:
        raise Problem("E202", "`local` is written local(expression, rows=64, shuffle=false)")
    options: dict[str, object] = {"shuffle": False}
    for keyword in call.keywords:
        kind = {"rows": "integer", "shuffle": "flag"}.get(keyword.name)
        if kind is None:
            raise Problem("E203", f"`local` has no option `{keyword.name}`", labels=[(keyword.span, "")])
        options[keyword.name] = read_option(keyword.value, Parameter(keyword.name, kind), context, scope)
    rows = options.get("rows")
    if isinstance(rows, int) and rows < 1:
        raise Problem("E216", f"`local` takes groups of one row or more, and rows= is {rows}", help="local(…, rows=64)")
    if not isinstance(rows, int):
        raise Problem("E202", "`local` needs rows=, the number of rows in a group", help="local(…, rows=64)")
    inner = replace(scope, grouping=Grouping(rows, bool(options["shuffle"])), mapped=scope.mapped | {GROUP})
    names = {
        name: grouped(value, context, inner) if isinstance(value, Typed) else value
        for name, value in scope.names.items()
    }
    body = expressions.elaborate(call.arguments[0], context, replace(inner, names=names))
    if body is None or not body.type.has(GROUP):
        return body
    span = expressions.place(call, scope)
    type_ = body.type.without([GROUP])
    return context.make("mean", (body.node,), (("over", (GROUP,)),), type_, span, scope)


SPECIAL_CALLS: dict[str, Callable[[Call, Context, Scope], Typed | None]] = {
    "size": _size,
    "same": _same,
    "local": _local,
}
