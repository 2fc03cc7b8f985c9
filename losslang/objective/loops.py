"""Loops over views: counted first, then unrolled."""

from __future__ import annotations

from collections.abc import Iterator

from losslang.diagnostics import Span
from losslang.objective import elaborate as expressions
from losslang.objective.axes import Axis, Dim, Type
from losslang.objective.context import Context, Scope
from losslang.objective.rules import Problem, Typed
from losslang.objective.rules_matched import union
from losslang.objective.views import ViewSet, condition_holds, read_view_set
from losslang.syntax.tree import Call, Loop

__all__ = ["unroll"]

_ITEM = Axis("item")
_REDUCERS = ("mean", "sum", "max", "logsumexp")


def unroll(call: Call, context: Context, scope: Scope) -> Typed | None:
    """`mean(body for u in … if …)`: one flat reduction over the items that remain."""
    if call.function in {"min", "minimum"}:
        raise Problem("E316", "there is no loop with `min`", help="write -max(-(…) for …)")
    if call.function not in _REDUCERS:
        raise Problem("E316", f"`{call.function}` takes no loop", help=f"loops stand in {', '.join(_REDUCERS)}")
    if call.keywords:
        raise Problem("E316", "a loop is reduced as a whole: it takes no options", labels=[(call.keywords[0].span, "")])
    bindings = _bindings(call, context, scope)
    if bindings is None:
        return None
    span = expressions.place(call, scope)
    if not bindings:
        raise Problem("E317", "no view or pair of views is left in this loop", help="look at its `if` and its groups")
    items: list[Typed] = []
    for names in bindings:
        inner = scope
        for name, view in names.items():
            inner = inner.bind(name, view)
        item = expressions.elaborate(call.arguments[0], context, inner)
        if item is None:
            return None
        items.append(item)
    return _reduce(call.function, items, context, scope, span)


def _bindings(call: Call, context: Context, scope: Scope) -> list[dict[str, ViewSet]] | None:
    total = 1
    names: set[str] = set()
    for loop, domain in _domains(call, context, scope):
        _check_name(loop, context, scope)
        if loop.name in names:
            raise Problem(
                "E318",
                f"the name `{loop.name}` is given to two loops of one call",
                labels=[(loop.span, "")],
                help="loop names are new names",
            )
        names.add(loop.name)
        if domain is None:
            return None
        total *= max(len(domain.names), 1)
    context.budget.count_pairs(total, expressions.place(call, scope))
    rows: list[dict[str, ViewSet]] = [{}]
    for loop, domain in _domains(call, context, scope):
        assert domain is not None
        rows = [{**row, loop.name: ViewSet((name,), single=True)} for row in rows for name in domain.names]
    if call.condition is None:
        return rows
    kept = []
    for row in rows:
        holds = condition_holds(call.condition, context.views, {**scope.loops, **row}, context.report)
        if holds is None:
            return None
        if holds:
            kept.append(row)
    return kept


def _domains(call: Call, context: Context, scope: Scope) -> Iterator[tuple[Loop, ViewSet | None]]:
    for loop in call.loops:
        yield loop, read_view_set(loop.domain, context.views, scope.loops, context.report)


def _check_name(loop: Loop, context: Context, scope: Scope) -> None:
    taken = loop.name in scope.names or (
        not scope.inside
        and (
            loop.name in context.define
            or loop.name in context.parameters
            or loop.name in context.networks
            or context.views.named(loop.name) is not None
            or loop.name == "x"
        )
    )
    if taken:
        raise Problem(
            "E318", f"the loop name `{loop.name}` is taken", labels=[(loop.span, "")], help="loop names are new names"
        )


def _reduce(function: str, items: list[Typed], context: Context, scope: Scope, span: Span) -> Typed:
    nodes = tuple(item.node for item in items)
    type_ = union(function, items)
    if function in {"mean", "sum"}:
        total = context.make("total", nodes, (), type_, span, scope) if len(nodes) > 1 else items[0]
        if function == "sum" or len(nodes) == 1:
            return total
        count = context.make("constant", (), (("value", len(nodes)),), Type(), span, scope)
        return context.make("divide", (total.node, count.node), (), type_, span, scope)
    stacked = context.make("stack", nodes, (), type_.with_dim(Dim(_ITEM, len(nodes))), span, scope)
    return context.make(function, (stacked.node,), (("over", (_ITEM,)),), type_, span, scope)
