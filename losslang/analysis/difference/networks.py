"""Networks in a few words, and what tells two of them apart."""

from __future__ import annotations

from losslang.objective.networks import Network, Norm
from losslang.objective.schedules import Schedule

__all__ = ["describe", "scalar", "what_differs"]

_BIASES = {
    (True, True): "",
    (False, False): "no bias",
    (True, False): "no bias in the last layer",
    (False, True): "bias in the last layer only",
}
"""Words for (bias, last_bias)."""


def what_differs(ours: Network, theirs: Network) -> str:
    """What differs between two networks with layers: their number, sizes, normalisation, activation, biases."""
    found = {
        "layers": len(ours.widths) != len(theirs.widths),
        "size": len(ours.widths) == len(theirs.widths) and ours.widths != theirs.widths,
        "normalisation": (ours.norm, ours.last_norm) != (theirs.norm, theirs.last_norm),
        "activation": ours.activation != theirs.activation,
        "bias": (ours.bias, ours.last_bias) != (theirs.bias, theirs.last_bias),
    }
    return ", ".join(word for word, differs in found.items() if differs)


def describe(network: Network) -> str:
    """A network in a few words."""
    if network.kind == "reference":
        return network.name
    inner = ", ".join(describe(part) for part in network.parts)
    sizes = " -> ".join(map(str, network.widths))
    words = [f"{network.kind}({inner})" if inner else f"{network.kind} {sizes}".strip()]
    words += [network.activation] if network.kind == "mlp" and network.activation != "relu" else []
    words += [_norm(network.norm)] if network.norm.kind != "none" else []
    words += [f"{_norm(network.last_norm)} at the output"] if network.last_norm.kind != "none" else []
    words += [_bias(network)] if network.kind in {"mlp", "linear"} and _bias(network) else []
    words += [f"rows {network.rows}"] if network.rows != "free" else []
    words += [f"momentum {scalar(network.momentum)}"] if network.momentum is not None else []
    words += [f"{network.epochs:g} epochs"] if network.epochs is not None else []
    words += [f"{network.steps} steps"] if network.steps is not None else []
    return ", ".join(words)


def _bias(network: Network) -> str:
    if len(network.widths) == 1:
        return "" if network.last_bias else "no bias"
    return _BIASES[network.bias, network.last_bias]


def _norm(norm: Norm) -> str:
    return norm.kind + ("" if norm.affine else " without scale and shift") + ("" if norm.beta else " without shift")


def scalar(value: float | Schedule) -> str:
    """A number, or the ends of a schedule."""
    return f"{value.start:g} -> {value.end:g}" if isinstance(value, Schedule) else f"{value:g}"
