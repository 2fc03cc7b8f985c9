"""Networks applied to values: sizes through the layers, and which networks the gradient reaches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePath

from losslang.diagnostics import Span
from losslang.objective import elaborate as expressions
from losslang.objective.axes import FEATURE, Axis, Dim, Size, describe_axes
from losslang.objective.context import Context, Scope
from losslang.objective.networks import Network
from losslang.objective.rules import Problem, Typed
from losslang.syntax.tree import Call

__all__ = ["apply", "trained_by"]


@dataclass(frozen=True)
class _Flow:
    """What passes between the stages of a network: images (size None), or vectors of a size along an axis."""

    axis: Axis
    size: Size | None
    origin: str


def apply(call: Call, context: Context, scope: Scope) -> Typed | None:
    """`projector(h)`: the value of a network."""
    name = call.function
    context.used.add(("network", name))
    if len(call.arguments) != 1 or call.keywords:
        raise Problem("E202", f"the network `{name}` takes one value", help=f"{name}(z)")
    value = expressions.elaborate(call.arguments[0], context, scope)
    network = context.networks[name]
    if value is None or network is None:
        return None
    flow = _entering(name, value)
    out = _through(name, network, flow, value, context)
    assert out.size is not None
    rest = value.type.without([FEATURE])
    type_ = rest.with_dim(Dim(out.axis, out.size, origin=out.origin)).real()
    trains = value.node.trains | trained_by(name, context.networks)
    return context.make("apply", (value.node,), (("network", name),), type_, call.span, scope, trains)


def _capped(flow: _Flow, cap: int | None) -> _Flow:
    """The flow with a small size, where the analysis asks for one."""
    if cap is None:
        return flow
    most = cap if flow.axis == FEATURE else 4 * cap
    return replace(flow, size=min(flow.size, most) if isinstance(flow.size, int) else most)


def _entering(name: str, value: Typed) -> _Flow:
    if value.type.kind == "image":
        return _Flow(FEATURE, None, "the images")
    feature = value.type.find(FEATURE)
    if feature is None or value.type.kind == "mask":
        has = describe_axes(value.type.axes)
        raise Problem(
            "E302", f"the network `{name}` takes vectors along `feature`", labels=[(value.span, f"has {has}")]
        )
    return _Flow(FEATURE, feature.size, feature.origin)


def _through(name: str, network: Network, flow: _Flow, value: Typed, context: Context) -> _Flow:
    """The flow after the network called `name`; its input size is noted and must be the same at every use."""
    entry = context.network_entries[name]
    source = entry.name_span.source
    file = "" if source is value.span.source else f"{PurePath(source.name).name}, "
    origin = f"{name} ({file}line {entry.name_span.line})"
    if network.kind == "backbone" and flow.size is not None:
        raise Problem(
            "E322",
            f"the backbone `{name}` takes images",
            labels=[(value.span, f"a vector from {flow.origin}")],
            help=f"{name}(x)",
        )
    _note_input(name, flow, value.span, context)
    return _capped(_stage(network, flow, origin, value, name, context), context.cap)


def _note_input(name: str, flow: _Flow, span: Span, context: Context) -> None:
    size: Size = "images" if flow.size is None else flow.size
    if name not in context.inputs:
        context.inputs[name] = (size, flow.origin, span)
        return
    known, origin, other = context.inputs[name]
    if known == size:
        return
    if isinstance(known, str) and isinstance(size, str) and "images" not in {known, size}:
        return
    raise Problem(
        "E323",
        f"the network `{name}` is given inputs of two sizes",
        labels=[(span, f"{size}, from {flow.origin}"), (other, f"{known}, from {origin}")],
        help="two networks with separate weights need two names",
    )


def _stage(network: Network, flow: _Flow, origin: str, value: Typed, owner: str, context: Context) -> _Flow:
    match network.kind:
        case "reference":
            inner = context.networks[network.name]
            context.used.add(("network", network.name))
            if inner is None:
                raise Problem("", "")
            return _through(network.name, inner, flow, value, context)
        case "chain":
            for part in network.parts:
                flow = _capped(_stage(part, flow, origin, value, owner, context), context.cap)
            return flow
        case "ema" | "frozen" | "freeze_for":
            return _stage(network.parts[0], flow, origin, value, owner, context)
        case "backbone":
            if flow.size is not None:
                raise Problem("E322", f"the backbone in `{owner}` takes images", labels=[(value.span, flow.origin)])
            size = context.feature_sizes.get(owner, f"features({owner})")
            return _Flow(FEATURE, size, origin)
    return _layers(network, flow, origin, value, owner)


def _layers(network: Network, flow: _Flow, origin: str, value: Typed, owner: str) -> _Flow:
    """The flow after layers that work on vectors."""
    if flow.size is None:
        raise Problem(
            "E322",
            f"the network `{owner}` works on vectors, and this is a batch of images",
            labels=[(value.span, "images")],
            help=f"{owner}(encoder(x)), with a network encoder: backbone",
        )
    if flow.axis != FEATURE:
        raise Problem("E322", f"`{owner}` has a stage behind its prototypes, whose scores are no features")
    if network.kind == "prototypes":
        return _Flow(Axis("prototype"), network.widths[0], origin)
    if network.widths:
        return _Flow(FEATURE, network.widths[-1], origin)
    return flow


def trained_by(name: str, networks: dict[str, Network | None]) -> frozenset[str]:
    """The networks whose parameters a gradient through `name` trains."""

    def inside(network: Network | None, owner: str) -> frozenset[str]:
        if network is None or network.kind in {"ema", "frozen", "identity", "normalize"}:
            return frozenset()
        if network.kind == "reference":
            return inside(networks[network.name], network.name)
        if network.kind in {"chain", "freeze_for"}:
            return frozenset().union(*(inside(part, owner) for part in network.parts))
        return frozenset({owner})

    return inside(networks[name], name)
