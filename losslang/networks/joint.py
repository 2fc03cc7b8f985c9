"""Networks of equal build as one, in training mode: parameters [member, …], inputs and outputs [member, feature, row].

Products of all members are one batched product. With the rows of a batch side by side in memory, batch norm is torch's group
norm of one channel per member, feature and batch: one pass forward and one backward, on a CPU twice as fast as batch norm.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from losslang.networks.layers import BiasLayer, Normalize, Prototypes, ScaleBatchNorm
from losslang.networks.targets import Ema, FreezeFor, Frozen

__all__ = ["LAYERS", "Joint", "JointNetwork", "NotStackable"]

Run = Callable[[Tensor, int], Tensor]
"""A layer on [member, feature, row], where the rows are those of so many batches of equal size, one after the other."""


class NotStackable(Exception):
    """A network has layers that are not known for many members at once."""


class Joint:
    """The tensors of members of equal build, stacked; each member's own become views of the stack, and stay its state.

    `leaves` holds a stack [member, …] for every parameter, by the first member's parameter.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        self.members = len(members)
        self.leaves: dict[nn.Parameter, Tensor] = {}
        self._buffers: dict[Tensor, Tensor] = {}
        self._heard: dict[nn.Module, list[Tensor]] = {}
        for parameters in zip(*(member.parameters() for member in members), strict=True):
            stack = torch.stack([parameter.detach() for parameter in parameters])
            for parameter, part in zip(parameters, stack, strict=True):
                parameter.data = part
            self.leaves[parameters[0]] = stack
        for modules in zip(*(member.modules() for member in members), strict=True):
            for name in [name for name, _ in modules[0].named_buffers(recurse=False)]:
                stack = torch.stack([getattr(module, name) for module in modules])
                for module, part in zip(modules, stack, strict=True):
                    setattr(module, name, part)
                self._buffers[getattr(modules[0], name)] = stack
        self.follow()

    @property
    def stacks(self) -> list[Tensor]:
        """All of them."""
        return [*self.leaves.values(), *self._buffers.values()]

    def follow(self) -> None:
        """Stacks train where the members' parameters do."""
        for parameter, stack in self.leaves.items():
            stack.requires_grad_(parameter.requires_grad)

    def maybe(self, tensor: Tensor | None) -> Tensor | None:
        """The stack of what a layer may lack."""
        return None if tensor is None else self.of(tensor)

    def of(self, tensor: Tensor) -> Tensor:
        """The stack of a parameter or a buffer of the first member."""
        return self.leaves[tensor] if isinstance(tensor, nn.Parameter) else self._buffers[tensor]

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Within, buffers may change; after it they are as before."""
        before = [stack.clone() for stack in self._buffers.values()]
        yield
        for stack, value in zip(self._buffers.values(), before, strict=True):
            stack.copy_(value)

    @contextmanager
    def hearing(self, norm: nn.Module | None) -> Iterator[list[Tensor]]:
        """Within, what a batch norm of the first member is given is kept, each [member, feature, row]; without one nothing."""
        heard: list[Tensor] = []
        self._heard = {} if norm is None else {norm: heard}
        yield heard
        self._heard = {}

    def hear(self, norm: nn.Module, x: Tensor) -> None:
        """What a batch norm is given."""
        if norm in self._heard:
            self._heard[norm].append(x.detach())

    def state(self, module: nn.Module) -> dict[str, Tensor]:
        """The stacks of a module of the first member, by name."""
        tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
        return {name: self.of(tensor) for name, tensor in tensors.items()}


class JointNetwork:
    """Networks of all members, one after the other; `networks` are those of the first member. Raises NotStackable."""

    def __init__(self, networks: Sequence[nn.Module], joint: Joint) -> None:
        layers = [layer for network in networks for layer in _layers(network)]
        self._runs = list(_runs(layers, joint))

    def __call__(self, x: Tensor, batches: int) -> Tensor:
        """[member, feature, row] to the same; the rows are those of so many batches, each with statistics of its own."""
        for run in self._runs:
            x = run(x, batches)
        return x


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    if type(module) is nn.Sequential:
        for part in module:
            yield from _layers(part)
    elif isinstance(module, Ema | Frozen | FreezeFor):
        yield from _layers(module.network)
    else:
        yield module


def _runs(layers: Sequence[nn.Module], joint: Joint) -> Iterator[Run]:
    """Layers as they follow each other; linear ones in a row are one."""
    for kind, group in itertools.groupby(layers, type):
        if kind is nn.Linear:
            yield _linears([_affine(layer, joint) for layer in group])
            continue
        for layer in group:
            try:
                yield LAYERS[kind](layer, joint)
            except KeyError:
                raise NotStackable(f"the layer {kind.__name__} is not known for many members at once") from None


class _Affine(NamedTuple):
    """weight · x + bias, with weight [member, out, in] and bias [member, out]."""

    weight: Tensor
    bias: Tensor | None

    def __call__(self, x: Tensor) -> Tensor:
        if self.bias is None:
            return torch.bmm(self.weight, x)
        return torch.baddbmm(self.bias[:, :, None], self.weight, x)

    def after(self, first: _Affine) -> _Affine:
        """Both as one; the bias of the first is one more column of its weight."""
        if first.bias is None:
            return _Affine(torch.bmm(self.weight, first.weight), self.bias)
        both = torch.bmm(self.weight, torch.cat([first.weight, first.bias[:, :, None]], dim=2))
        weight, bias = both.split([first.weight.shape[2], 1], dim=2)
        return _Affine(weight, bias[:, :, 0] if self.bias is None else bias[:, :, 0] + self.bias)

    def saves(self, first: _Affine, rows: int) -> bool:
        """Whether so many rows take fewer multiplications when both are one: nothing but a product of weights lies between."""
        (out, between), into = self.weight.shape[1:], first.weight.shape[2]
        return rows * (between * (into + out) - into * out) > into * between * out


def _affine(layer: Any, joint: Joint) -> _Affine:
    return _Affine(joint.of(layer.weight), joint.maybe(layer.bias))


def _linears(parts: Sequence[_Affine]) -> Run:
    def run(x: Tensor, _batches: int) -> Tensor:
        first = parts[0]
        for part in parts[1:]:
            if part.saves(first, x.shape[2]):
                first = part.after(first)
            else:
                x, first = first(x), part
        return first(x)

    return run


def _prototypes(module: Prototypes, joint: Joint) -> Run:
    weight = joint.of(module.weight)
    if module.rows != "weight_norm":
        return lambda x, _batches: torch.bmm(weight, x)
    return lambda x, _batches: torch.bmm(F.normalize(weight, dim=2), x)


def _batch_norm(module: nn.BatchNorm1d, joint: Joint) -> Run:
    """Group norm with one channel per member, feature and batch; the running statistics follow batch by batch."""
    assert module.momentum is not None
    assert module.running_mean is not None
    assert module.running_var is not None
    assert module.num_batches_tracked is not None
    mean, var = joint.of(module.running_mean), joint.of(module.running_var)
    seen, momentum, eps = joint.of(module.num_batches_tracked), module.momentum, module.eps
    scale, shift = joint.maybe(module.weight), joint.maybe(module.bias)

    def run(x: Tensor, batches: int) -> Tensor:
        joint.hear(module, x)
        rows, channels = x.shape[2] // batches, mean.numel() * batches
        affine = (_per_batch(each, batches) for each in (scale, shift))
        y, batch_mean, inverse = torch.ops.aten.native_group_norm(
            x.reshape(1, channels, rows), *affine, 1, channels, rows, channels, eps
        )
        with torch.no_grad():
            _follow(mean, batch_mean, momentum)
            biased = (inverse.pow(-2) - eps).clamp_(min=0)
            _follow(var, biased, momentum, rows / (rows - 1))
            seen.add_(batches)
        return y.view(x.shape)

    return run


def _per_batch(value: Tensor | None, batches: int) -> Tensor | None:
    """[member, feature] to [channel]: the same for every batch."""
    return None if value is None else value[:, :, None].expand(-1, -1, batches).reshape(-1)


def _follow(running: Tensor, found: Tensor, momentum: float, scale: float = 1.0) -> None:
    """running ← (1 − momentum) · running + momentum · scale · found, for one batch after the other; `found` is [1, channel]."""
    found = found.view(running.numel(), -1)
    kept = [(1 - momentum) ** after for after in range(found.shape[1] + 1)]
    shares = torch.tensor([momentum * scale * share for share in kept[-2::-1]], dtype=found.dtype, device=found.device)
    running.view(-1).addmv_(found, shares, beta=kept[-1])


def _layer_norm(module: nn.LayerNorm, joint: Joint) -> Run:
    scale, shift = joint.of(module.weight), joint.of(module.bias)
    size, eps = module.normalized_shape, module.eps
    return lambda x, _batches: torch.addcmul(shift[:, :, None], F.layer_norm(x.mT, size, eps=eps).mT, scale[:, :, None])


def _bias(module: BiasLayer, joint: Joint) -> Run:
    bias = joint.of(module.bias)
    return lambda x, _batches: x + bias[:, :, None]


def _itself(module: nn.Module, _joint: Joint) -> Run:
    return lambda x, _batches: module(x)


LAYERS: dict[type[nn.Module], Callable[[Any, Joint], Run]] = {
    nn.Flatten: lambda _module, _joint: lambda x, _batches: x,  # inputs come flat
    nn.BatchNorm1d: _batch_norm,
    ScaleBatchNorm: _batch_norm,
    nn.LayerNorm: _layer_norm,
    BiasLayer: _bias,
    Prototypes: _prototypes,
    Normalize: lambda _module, _joint: lambda x, _batches: F.normalize(x, dim=1),
    **dict.fromkeys((nn.ReLU, nn.GELU, nn.Tanh, nn.SiLU, nn.Identity), _itself),
}
"""Layers other than linear ones by their exact type: another type may compute something else."""
