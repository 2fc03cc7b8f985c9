"""Statistics of the batch inside networks: which networks have any, and norms whose batch is that of all processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from losslang.networks.layers import IterNorm
from losslang.networks.processes import many_processes
from losslang.networks.sums import summed

__all__ = ["BatchNormOfAll", "IterNormOfAll", "counted_exchanges", "has_batch_statistics", "with_statistics_of_all"]

Network = TypeVar("Network", bound=nn.Module)


def has_batch_statistics(network: nn.Module) -> bool:
    """Whether a row that the network gives depends on the other rows of the batch, as it trains."""
    return any(isinstance(module, _BatchNorm | IterNorm) for module in network.modules())


@contextmanager
def counted_exchanges(network: nn.Module) -> Iterator[list[int]]:
    """Within, every norm that is applied says how often its form of all processes would exchange, forward and back."""
    found: list[int] = []

    def note(norm: nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> None:
        back = (2 if isinstance(norm, IterNorm) else 1) if inputs[0].requires_grad else 0
        found.append(2 + back)

    norms = [module for module in network.modules() if isinstance(module, _BatchNorm | IterNorm)]
    hooks = [norm.register_forward_hook(note) for norm in norms]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


class BatchNormOfAll(_BatchNorm):
    """Batch norm [row, feature, …] with the mean and variance of the rows of all processes, also uneven or empty ones.

    In two passes, each one exchange, and one exchange back; the running variance is unbiased with the number of all rows. On
    one process, and in evaluation, it is torch's own. On CPUs contiguous images in float32 come to the bits that torch gives on
    one process: sums are in float64, and rounding is where torch rounds. It sums [row, feature] in float32.
    """

    def __init__(self, norm: _BatchNorm) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum, affine=False)
        self.affine, self.track_running_stats = norm.affine, norm.track_running_stats
        self.weight, self.bias = norm.weight, norm.bias
        self.running_mean, self.running_var = norm.running_mean, norm.running_var
        self.num_batches_tracked = norm.num_batches_tracked
        self.training = norm.training

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - torch's name
        """Any number of axes after the features."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """[row, feature, …] to the same."""
        if not (many_processes() and (self.training or self.running_mean is None)):
            return super().forward(input)
        mean, squares, number = self._moments(input.detach())
        self._follow(mean, squares, number)
        deviation = ((squares.to(mean.dtype) / number.to(mean.dtype)).to(squares.dtype) + self.eps).sqrt()
        normal: Tensor = Normalized.apply(input, self.weight, self.bias, mean, (1 / deviation).to(mean.dtype), number)
        return normal

    @torch.no_grad()
    def _moments(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The mean [feature], the sum of squares about it [feature] and the number of entries of a feature."""
        total = wide_sums(lambda part: part, x)
        total, number = summed(total, total.new_full((), x.numel() // max(x.shape[1], 1)))
        mean = (total / number).to(torch.promote_types(x.dtype, torch.float32))
        (squares,) = summed(wide_sums(lambda part: (part - beside(mean, part)).square(), x))
        return mean, squares, number

    @torch.no_grad()
    def _follow(self, mean: Tensor, squares: Tensor, number: Tensor) -> None:
        """The running statistics, as torch keeps them."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        share = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_((squares / (number - 1)).to(self.running_var.dtype), share)


class Normalized(torch.autograd.Function):
    """Rows [row, feature, …] about a mean, over a deviation, scaled and shifted: all [feature].

    Mean and deviation are those of the rows of all processes, and the way back goes through them, too.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor, inverse: Tensor, number: Tensor
    ) -> Tensor:
        """`inverse` is one over the deviation, `number` that of entries of a feature."""
        scale = inverse if weight is None else inverse * weight
        ctx.save_for_backward(x, mean, inverse, scale, number)
        return scaled(x, mean, scale, None if bias is None else bias.to(mean.dtype))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Parameters get what own rows give, as those of other layers do."""
        x, mean, inverse, scale, number = ctx.saved_tensors
        total = wide_sums(lambda part: part, grad)
        along = wide_sums(lambda part, rows: part * (rows - beside(mean, rows)), grad, x)
        _, *trains = ctx.needs_input_grad[:3]
        given = (along * inverse).to(scale.dtype), total.to(scale.dtype)
        of_parameters = [each if wanted else None for each, wanted in zip(given, trains, strict=True)]
        if not ctx.needs_input_grad[0]:
            return None, *of_parameters, None, None, None
        total, along = summed(total, along)
        slope = (along / number * inverse.square() * scale).to(scale.dtype)
        back = scaled(x.to(mean.dtype), mean, -slope, (-total / number * scale).to(scale.dtype))
        return back.addcmul_(grad, beside(scale, x)).to(x.dtype), *of_parameters, None, None, None


def scaled(x: Tensor, mean: Tensor, scale: Tensor, shift: Tensor | None) -> Tensor:
    """(x - mean) · scale + shift by the one pass of torch's batch norm."""
    with torch.autocast(x.device.type, enabled=False):  # 1 + eps is 1; torch below 2.12 refuses 0
        return F.batch_norm(x, mean, torch.ones_like(mean), scale, shift, training=False, eps=1e-30)


def beside(values: Tensor, x: Tensor) -> Tensor:
    """Values [feature] that broadcast to x [row, feature, …]."""
    return values.view(-1, *[1] * (x.dim() - 2))


def wide_sums(made: Callable[..., Tensor], *values: Tensor) -> Tensor:
    """Sums [feature] of what is made of values [row, feature, …]: on CPUs in float64, as many rows at once as a cache holds."""
    x, over = values[0], [0, *range(2, values[0].dim())]
    wide = torch.float64 if x.device.type == "cpu" else torch.promote_types(x.dtype, torch.float32)
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        return made(*values).sum(over, dtype=wide)
    rows = max(_AT_ONCE * len(x) // max(x.numel(), 1), 1)
    parts = zip(*(each.split(rows) for each in values), strict=True)
    return torch.stack([made(*part).sum(over, dtype=wide) for part in parts]).sum(0)


_AT_ONCE = 1 << 15
"""Entries."""


class IterNormOfAll(IterNorm):
    """Whitening with the mean and covariance of the rows of all processes."""

    def __init__(self, norm: IterNorm) -> None:
        super().__init__(norm.groups * norm.size, norm.groups, norm.iterations, norm.eps, norm.momentum)
        self.weight, self.bias = norm.weight, norm.bias
        self.running_mean, self.running_whitening = norm.running_mean, norm.running_whitening
        self.training = norm.training

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of [group, batch, feature]: mean [group, 1, feature] and covariance [group, feature, feature']."""
        if not many_processes():
            return super().moments(x)
        number = torch.full((), x.shape[1], dtype=x.dtype, device=x.device)
        total, number = summed(x.sum(1, keepdim=True), number)
        mean = total / number
        centered = x - mean
        (products,) = summed(centered.transpose(1, 2) @ centered)
        return mean, products / number


def with_statistics_of_all(network: Network) -> Network:
    """The network itself, its norms replaced by those of all processes; parameters and running statistics stay theirs.

    `losslang train` does this on many processes unless the recipe says `batchnorm: process`. Layers of SyncBatchNorm stay.
    """
    replaced: dict[nn.Module, nn.Module] = {}
    for module in list(network.modules()):
        for name, child in module.named_children():
            if child not in replaced:
                replaced[child] = _of_all(child)
            if replaced[child] is not child:
                setattr(module, name, replaced[child])
    return network


def _of_all(module: nn.Module) -> nn.Module:
    if isinstance(module, BatchNormOfAll | IterNormOfAll | nn.SyncBatchNorm):
        return module
    if isinstance(module, _BatchNorm):
        return BatchNormOfAll(module)
    return IterNormOfAll(module) if isinstance(module, IterNorm) else module
