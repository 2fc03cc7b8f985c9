"""The networks of a method: their layers and sizes, and what moves their weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from losslang.analysis.explain.schedules import describe_number
from losslang.objective.networks import Network, Norm
from losslang.objective.resolve import Resolved
from losslang.objective.spec import Spec
from losslang.syntax.write import write_expression

__all__ = ["NetworkRow", "network_rows"]


@dataclass(frozen=True)
class NetworkRow:
    """A network: as written, its layers with sizes, and what moves its weights."""

    name: str
    written: str
    layers: str
    training: str
    forward: str


def network_rows(spec: Spec, resolved: Resolved) -> tuple[NetworkRow, ...]:
    """The networks in order of declaration."""
    return tuple(_rows(spec, resolved))


def _rows(spec: Spec, resolved: Resolved) -> Iterator[NetworkRow]:
    reached = frozenset[str]().union(*(term.value.trains for term in spec.graph.terms))
    for name, network in spec.networks.items():
        expression = resolved.networks[name].value
        written = write_expression(expression) if expression is not None else ""
        into = spec.network_inputs.get(name)
        layers = "not used" if into is None and not _inner(name, spec) else _layers(network, into)
        yield NetworkRow(name, written, layers, _training(name, network, spec, reached), spec.forward.get(name, ""))


def _inner(name: str, spec: Spec) -> bool:
    """Whether a network stands inside another."""
    return any(part.name == name for network in spec.networks.values() for part in network.nested())


# ---------------------------------------------------------------- layers


def _layers(network: Network, into: int | str | None) -> str:
    """`512 → 2048 → 512, batch norm`, from the size that goes in."""
    match network.kind:
        case "mlp" | "linear":
            sizes = [into, *network.widths] if into is not None else [*network.widths]
            parts = [" → ".join(map(str, sizes)), *_norms(network), *_biases(network)]
            parts += [network.activation] if network.kind == "mlp" and network.activation != "relu" else []
            return ", ".join(parts)
        case "backbone":
            return "images → features"
        case "prototypes":
            into = "" if into is None else f"{into} → "
            return f"{into}{network.widths[0]} scores, {_ROWS[network.rows]}"
        case "reference":
            return network.name
        case "chain":
            first, *rest = network.parts
            return ", then ".join([_layers(first, into), *(_layers(part, None) for part in rest)])
        case "ema" | "frozen" | "freeze_for":
            inner = _layers(network.parts[0], into)
            return f"a copy of {inner}" if network.kind == "ema" else inner
    return _PLAIN.get(network.kind, network.kind)


_PLAIN = {"bias_layer": "z + b", "identity": "z itself", "normalize": "unit rows"}
_ROWS = {
    "free": "free rows",
    "weight_norm": "rows of unit length by construction",
    "project": "rows set to unit length before every step",
}


def _norms(network: Network) -> Iterator[str]:
    hidden, last = _norm(network.norm), _norm(network.last_norm)
    if hidden == last != "":
        yield f"{hidden} after every layer"
        return
    if hidden and len(network.widths) > 1:
        yield f"{hidden} after hidden layers"
    if last:
        yield f"{last} at the output"


def _norm(norm: Norm) -> str:
    name = {"none": "", "batchnorm": "batch norm", "layernorm": "layer norm", "iternorm": "iterative norm"}[norm.kind]
    if name and not norm.affine:
        return f"{name} without scale and shift"
    return f"{name} without shift" if name and not norm.beta else name


def _biases(network: Network) -> Iterator[str]:
    if not network.bias and not network.last_bias:
        yield "no bias"
    elif not network.bias:
        yield "bias in the last layer only"
    elif not network.last_bias:
        yield "no bias in the last layer"


# ---------------------------------------------------------------- training


def _training(name: str, network: Network, spec: Spec, reached: frozenset[str]) -> str:
    match network.kind:
        case "ema":
            momentum = describe_number(network.momentum) if network.momentum is not None else "?"
            return f"follows {_sources(network.parts[0])} by moving average, momentum {momentum}"
        case "frozen":
            return "never trains"
        case "identity" | "normalize":
            return "has no weights"
        case "freeze_for":
            length = f"{network.epochs:g} epochs" if network.epochs is not None else f"{network.steps} steps"
            return f"trains by gradient, frozen for the first {length}".replace("first 1 epochs", "first epoch")
        case "chain":
            inside = [part.name for part in network.parts if part.kind == "reference"]
            own = "trains by gradient" if name in reached else "no gradient reaches it"
            return own if not inside else f"{own}; {', '.join(inside)} as said there"
        case "reference":
            return f"is {network.name}"
    return "trains by gradient" if name in reached else "no gradient reaches it"


def _sources(network: Network) -> str:
    names = [part.name for part in network.nested() if part.kind == "reference"]
    return " and ".join(names) or network.kind
