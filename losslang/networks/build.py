"""From the description of a network to its module: one row of a table per constructor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import nn

from losslang.networks.layers import BiasLayer, IterNorm, Normalize, Prototypes, ScaleBatchNorm
from losslang.networks.targets import Ema, FreezeFor, Frozen
from losslang.objective.networks import Network, Norm

__all__ = ["ACTIVATIONS", "KINDS", "NORMS", "build"]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "silu": nn.SiLU,
    "none": nn.Identity,
}


def _batch_norm(norm: Norm, features: int) -> nn.Module:
    if norm.affine and not norm.beta:
        return ScaleBatchNorm(features)
    return nn.BatchNorm1d(features, affine=norm.affine)


NORMS: dict[str, Callable[[Norm, int], nn.Module]] = {
    "batchnorm": _batch_norm,
    "layernorm": lambda _norm, features: nn.LayerNorm(features),
    "iternorm": lambda _norm, features: IterNorm(features),
}


@dataclass(frozen=True)
class Place:
    """Where a network stands: the size of its input (0 where unknown), the networks it may refer to, and their sizes."""

    in_features: int
    named: Mapping[str, nn.Module]
    sizes: Mapping[str, int]


Built = tuple[nn.Module, int]


def build(
    network: Network, *, in_features: int, named: Mapping[str, nn.Module], sizes: Mapping[str, int] | None = None
) -> Built:
    """The module of a network and the size of its output.

    `in_features` is the size of the input, 0 for images. `named` are the networks that references mean, `sizes` the sizes
    of their outputs; where one is left out it is read off the last layer of the module.
    Raises ValueError where a layer needs an input size that is not known.
    """
    return KINDS[network.kind](network, Place(in_features, named, sizes or {}))


def _part(network: Network, place: Place) -> Built:
    return KINDS[network.kind](network, place)


def _known(place: Place, network: Network) -> int:
    if place.in_features < 1:
        raise ValueError(f"the size of the input of `{network.kind}` is not known")
    return place.in_features


def _width(network: Network, at: int) -> int:
    width = network.widths[at]
    if not isinstance(width, int):
        raise ValueError(f"the size {width} is not bound yet")  # noqa: TRY004 - it is a matter of order, not of type
    return width


def _mlp(network: Network, place: Place) -> Built:
    size, layers = _known(place, network), list[nn.Module]()
    last = len(network.widths) - 1
    for at in range(len(network.widths)):
        width = _width(network, at)
        layers.append(nn.Linear(size, width, bias=network.last_bias if at == last else network.bias))
        norm = network.last_norm if at == last else network.norm
        if norm.kind != "none":
            layers.append(NORMS[norm.kind](norm, width))
        if at < last and network.activation != "none":
            layers.append(ACTIVATIONS[network.activation]())
        size = width
    return nn.Sequential(*layers), size


def _linear(network: Network, place: Place) -> Built:
    size = _width(network, 0)
    return nn.Linear(_known(place, network), size, bias=network.bias), size


def _prototypes(network: Network, place: Place) -> Built:
    count = _width(network, 0)
    return Prototypes(_known(place, network), count, network.rows), count


def _chain(network: Network, place: Place) -> Built:
    parts, size = list[nn.Module](), place.in_features
    for part in network.parts:
        module, size = _part(part, Place(size, place.named, place.sizes))
        parts.append(module)
    return nn.Sequential(*parts), size


def _reference(network: Network, place: Place) -> Built:
    module = place.named[network.name]
    size = place.sizes.get(network.name)
    return module, _output_size(module, place.in_features) if size is None else size


def _wrapped(wrapper: Callable[[nn.Module], nn.Module]) -> Callable[[Network, Place], Built]:
    def make(network: Network, place: Place) -> Built:
        module, size = _part(network.parts[0], place)
        return wrapper(module), size

    return make


def _freeze_for(network: Network, place: Place) -> Built:
    module, size = _part(network.parts[0], place)
    return FreezeFor(module, network.steps, network.epochs), size


def _output_size(module: nn.Module, otherwise: int) -> int:
    """The size of what a module gives, by the last of its layers that has one."""
    for layer in reversed(list(module.modules())):
        if isinstance(layer, nn.Linear):
            return layer.out_features
        if isinstance(layer, Prototypes):
            return layer.weight.shape[0]
    return otherwise


KINDS: dict[str, Callable[[Network, Place], Built]] = {
    "mlp": _mlp,
    "linear": _linear,
    "bias_layer": lambda network, place: (BiasLayer(_known(place, network)), place.in_features),
    "identity": lambda _network, place: (nn.Identity(), place.in_features),
    "normalize": lambda _network, place: (Normalize(), place.in_features),
    "prototypes": _prototypes,
    "chain": _chain,
    "reference": _reference,
    "ema": _wrapped(Ema),
    "frozen": _wrapped(Frozen),
    "freeze_for": _freeze_for,
}
