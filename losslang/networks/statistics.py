"""Statistics of the batch inside networks: which networks have any, and norms whose batch is that of all processes."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from losslang.networks.exchange import sum_of_all
from losslang.networks.layers import IterNorm
from losslang.networks.processes import many_processes

__all__ = ["BatchNormOfAll", "IterNormOfAll", "has_batch_statistics", "with_statistics_of_all"]

Network = TypeVar("Network", bound=nn.Module)


def has_batch_statistics(network: nn.Module) -> bool:
    """Whether a row that the network gives depends on the other rows of the batch, as it trains."""
    return any(isinstance(module, _BatchNorm | IterNorm) for module in network.modules())


class BatchNormOfAll(_BatchNorm):
    """Batch norm [row, feature, …] with the mean and variance of the rows of all processes, also uneven or empty ones.

    In two passes, each one exchange, with exact gradients; the running variance is unbiased with the number of all rows. On
    one process, and in evaluation, it is torch's own.
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
        with torch.autocast(input.device.type, enabled=False):
            return self._normalized(input.float() if input.itemsize < 4 else input).to(input.dtype)

    def _normalized(self, x: Tensor) -> Tensor:
        over = [0, *range(2, x.dim())]
        shape = [1, -1, *[1] * (x.dim() - 2)]
        number = torch.full((), x.numel() // max(x.shape[1], 1), dtype=x.dtype, device=x.device)
        total, number = sum_of_all(x.sum(over), number)
        mean = total / number
        centered = x - mean.view(shape)
        (squares,) = sum_of_all(centered.square().sum(over))
        self._follow(mean.detach(), squares.detach(), number)
        normal = centered * (squares / number + self.eps).rsqrt().view(shape)
        for name, join in (("weight", torch.mul), ("bias", torch.add)):
            parameter = self._parameters[name]
            normal = normal if parameter is None else join(normal, parameter.view(shape))
        return normal

    @torch.no_grad()
    def _follow(self, mean: Tensor, squares: Tensor, number: Tensor) -> None:
        """The running statistics, as torch keeps them."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        share = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_((squares / (number - 1)).to(self.running_var.dtype), share)


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
        total, number = sum_of_all(x.sum(1, keepdim=True), number)
        mean = total / number
        centered = x - mean
        (products,) = sum_of_all(centered.transpose(1, 2) @ centered)
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
