"""Networks of equal build as one: parameters [member, …], inputs and outputs [member, batch, …], in training mode.

Products of all members are one batched product, and batch norm, which torch has for one network only, is written out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from losslang.networks.layers import BiasLayer, Normalize, Prototypes, ScaleBatchNorm
from losslang.networks.targets import Ema, FreezeFor, Frozen

__all__ = ["LAYERS", "Joint", "JointNetwork", "NotStackable"]

Run = Callable[[Tensor], Tensor]


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

    def state(self, module: nn.Module) -> dict[str, Tensor]:
        """The stacks of a module of the first member, by name."""
        tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
        return {name: self.of(tensor) for name, tensor in tensors.items()}


class JointNetwork(nn.Module):
    """The network of all members; `network` is that of the first. Raises NotStackable."""

    def __init__(self, network: nn.Module, joint: Joint) -> None:
        super().__init__()
        self._run, self._members = _layer(network, joint), joint.members

    def forward(self, x: Tensor) -> Tensor:
        """[member, batch, …] to [member, batch, feature]; views that were joined, [view · member, batch, …], are one batch."""
        if len(x) == self._members:
            return self._run(x)
        views = x.unflatten(0, (-1, self._members)).transpose(0, 1)  # [member, view, batch, …]
        y = self._run(views.flatten(1, 2)).unflatten(1, views.shape[1:3])
        return y.transpose(0, 1).flatten(0, 1)


def _layer(module: nn.Module, joint: Joint) -> Run:
    try:
        return LAYERS[type(module)](module, joint)
    except KeyError:
        raise NotStackable(f"the layer {type(module).__name__} is not known for many members at once") from None


def _sequential(module: nn.Sequential, joint: Joint) -> Run:
    layers = [_layer(layer, joint) for layer in module]

    def run(x: Tensor) -> Tensor:
        for layer in layers:
            x = layer(x)
        return x

    return run


def _linear(module: nn.Linear, joint: Joint) -> Run:
    weight = joint.of(module.weight)
    bias = joint.maybe(module.bias)
    if bias is None:
        return lambda x: torch.bmm(x, weight.mT)
    return lambda x: torch.baddbmm(bias[:, None], x, weight.mT)


def _prototypes(module: Prototypes, joint: Joint) -> Run:
    weight = joint.of(module.weight)
    unit = module.rows == "weight_norm"

    def run(x: Tensor) -> Tensor:
        rows = F.normalize(weight, dim=2) if unit else weight
        return torch.bmm(x, rows.mT)

    return run


def _batch_norm(module: nn.BatchNorm1d, joint: Joint) -> Run:
    assert module.momentum is not None
    assert module.running_mean is not None
    assert module.running_var is not None
    assert module.num_batches_tracked is not None
    mean, var = joint.of(module.running_mean), joint.of(module.running_var)
    seen, momentum, eps = joint.of(module.num_batches_tracked), module.momentum, module.eps
    scale, shift = joint.maybe(module.weight), joint.maybe(module.bias)
    one, zero = torch.ones_like(mean), torch.zeros_like(mean)

    def run(x: Tensor) -> Tensor:
        y, batch_mean, batch_var = _BatchNorm.apply(
            x, one if scale is None else scale, zero if shift is None else shift, eps
        )
        with torch.no_grad():
            mean.lerp_(batch_mean, momentum)
            var.lerp_(batch_var * (x.shape[1] / (x.shape[1] - 1)), momentum)
            seen.add_(1)
        return y

    return run


class _BatchNorm(torch.autograd.Function):
    """x̂ = (x − mean) / √(var + ε), y = scale · x̂ + shift for x [member, batch, feature]; also mean and var of the batch."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, shift: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        """scale, shift, mean and (biased) variance are [member, feature]."""
        rows = x.shape[1]
        mean = x.sum(1, keepdim=True).div_(rows)
        centered = x - mean
        var = (centered * centered).sum(1, keepdim=True).div_(rows)
        inverse = (var + eps).rsqrt_()
        ctx.save_for_backward(centered, inverse, scale)
        ctx.set_materialize_grads(False)
        return torch.addcmul(shift[:, None], centered, inverse * scale[:, None]), mean[:, 0], var[:, 0]

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_statistics: None) -> tuple[Tensor, Tensor, Tensor, None]:
        """With g the gradient of y: scale/√(var + ε) · (g − mean g − x̂ · mean(g x̂)), Σ g x̂, Σ g."""
        centered, inverse, scale = ctx.saved_tensors
        rows = centered.shape[1]
        of_shift = grad.sum(1, keepdim=True)
        of_scale = (grad * centered).sum(1, keepdim=True).mul_(inverse)
        along = torch.addcmul(grad, centered, (inverse * of_scale).div_(-rows))
        return along.sub_(of_shift / rows).mul_(inverse * scale[:, None]), of_scale[:, 0], of_shift[:, 0], None


def _layer_norm(module: nn.LayerNorm, joint: Joint) -> Run:
    scale, shift = joint.of(module.weight), joint.of(module.bias)
    size, eps = module.normalized_shape, module.eps
    return lambda x: torch.addcmul(shift[:, None], F.layer_norm(x, size, eps=eps), scale[:, None])


def _bias(module: BiasLayer, joint: Joint) -> Run:
    bias = joint.of(module.bias)
    return lambda x: x + bias[:, None]


def _itself(module: nn.Module, _joint: Joint) -> Run:
    return module


def _inner(module: Ema | Frozen | FreezeFor, joint: Joint) -> Run:
    return _layer(module.network, joint)


LAYERS: dict[type[nn.Module], Callable[[Any, Joint], Run]] = {
    nn.Sequential: _sequential,
    nn.Flatten: lambda _module, _joint: lambda x: x.flatten(2),
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    ScaleBatchNorm: _batch_norm,
    nn.LayerNorm: _layer_norm,
    BiasLayer: _bias,
    Prototypes: _prototypes,
    Ema: _inner,
    Frozen: _inner,
    FreezeFor: _inner,
    **dict.fromkeys((nn.ReLU, nn.GELU, nn.Tanh, nn.SiLU, nn.Identity, Normalize), _itself),
}
"""Layers by their exact type: another type may compute something else."""
