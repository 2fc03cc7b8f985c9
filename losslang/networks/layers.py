"""Layers that torch lacks. Each depends on torch alone, maps [batch, feature] to [batch, …] and compiles as one graph."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.autograd.grad_mode import _unsafe_preserve_version_counter
from torch.nn import functional as F

__all__ = ["BiasLayer", "IterNorm", "Normalize", "Prototypes", "ScaleBatchNorm"]


class BiasLayer(nn.Module):
    """z + b with one learned vector b, zero at first (the bias-only predictor of Zhang et al. 2022, section 4)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(self, z: Tensor) -> Tensor:
        """[batch, feature] to [batch, feature]."""
        return z + self.bias


class Normalize(nn.Module):
    """Rows of unit length."""

    def forward(self, z: Tensor) -> Tensor:
        """[batch, feature] to [batch, feature]."""
        return F.normalize(z, dim=-1)


class ScaleBatchNorm(nn.BatchNorm1d):
    """Batch norm with a scale and no shift (the last layer of SimCLR's head: `center=False` in its TensorFlow code)."""

    def __init__(self, features: int) -> None:
        super().__init__(features)
        self.register_parameter("bias", None)

    def reset_parameters(self) -> None:
        """Scale one, no statistics yet."""
        self.reset_running_stats()
        nn.init.ones_(self.weight)


class Prototypes(nn.Module):
    """Scores of z against `count` vectors: z · wᵀ, without bias.

    `rows` says what a vector is: `free`; `weight_norm`, a direction of unit length whatever the stored length (DINO's
    last layer); `project`, stored at unit length by `project()`, which is called after every optimiser step (SwAV).
    """

    def __init__(self, features: int, count: int, rows: str = "free") -> None:
        super().__init__()
        self.rows = rows
        self.weight = nn.Parameter(torch.empty(count, features))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)  # as nn.Linear
        self.project()

    def forward(self, z: Tensor) -> Tensor:
        """[batch, feature] to [batch, prototype]."""
        weight = F.normalize(self.weight, dim=1) if self.rows == "weight_norm" else self.weight
        if self.rows == "project" and torch.compiler.is_compiling():
            weight = own_copy(weight)
        return F.linear(z, weight)

    @torch.no_grad()
    def project(self) -> None:
        """Give the rows unit length, if that is what `rows` asks for.

        Where no optimiser step came before, they have it up to rounding: an earlier loss may still go back through them.
        """
        if self.rows == "project":
            with _unsafe_preserve_version_counter(self.weight):
                self.weight.copy_(F.normalize(self.weight, dim=1))


@torch.library.custom_op("losslang::own_copy", mutates_args=())
def own_copy(weight: Tensor) -> Tensor:
    """A copy that the way back of a compiled call keeps, whatever is written into the weight until then.

    torch's compiler (2.13) counts what `project` writes, also where torch is told not to, and takes a plain copy off again.
    """
    return weight.clone()


own_copy.register_fake(torch.empty_like)
own_copy.register_autograd(lambda _, grad: grad)


class IterNorm(nn.Module):
    """Whitening by Newton's iteration (Huang et al. 2019, Iterative Normalization, algorithm 1), with scale and shift.

    The covariance of the centered batch, divided by its trace, has its inverse square root approached by
    P ← (3 P − P³ Σ) / 2 from P = I. Features are whitened in groups of equal size, at most `groups` of them
    (VIbCReg as in solo-learn: 64). In evaluation the running mean and the running whitening matrix are used. Computed in
    the precision of the parameters, also under autocast.
    """

    running_mean: Tensor
    running_whitening: Tensor

    def __init__(
        self, features: int, groups: int = 64, iterations: int = 5, eps: float = 1e-5, momentum: float = 0.1
    ) -> None:
        super().__init__()
        size = -(-features // groups)
        while features % size:
            size //= 2
        self.groups, self.size, self.iterations = features // size, size, iterations
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(self.groups, 1, size))
        self.register_buffer("running_whitening", torch.eye(size).repeat(self.groups, 1, 1))

    def forward(self, z: Tensor) -> Tensor:
        """[batch, feature] to [batch, feature]."""
        with torch.autocast(z.device.type, enabled=False):
            x = z.to(self.weight.dtype).reshape(-1, self.groups, self.size)
            x = x.transpose(0, 1)  # [group, batch, feature of the group]
            mean, whitening = self._statistics(x) if self.training else (self.running_mean, self.running_whitening)
            white = (x - mean) @ whitening
            return white.transpose(0, 1).reshape(z.shape) * self.weight + self.bias

    def _statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean [group, 1, feature] and whitening matrix [group, feature, feature'] of the batch; the running ones follow."""
        mean, products = self.moments(x)
        identity = torch.eye(self.size, dtype=x.dtype, device=x.device)
        covariance = products + self.eps * identity
        trace = covariance.diagonal(dim1=1, dim2=2).sum(1)[:, None, None]
        root = identity.expand_as(covariance)
        for _ in range(self.iterations):
            root = 1.5 * root - 0.5 * (root @ root @ root) @ (covariance / trace)
        whitening = root / trace.sqrt()
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_whitening.lerp_(whitening, self.momentum)
        return mean, whitening

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of [group, batch, feature]: mean [group, 1, feature] and covariance [group, feature, feature']."""
        mean = x.mean(1, keepdim=True)
        centered = x - mean
        return mean, centered.transpose(1, 2) @ centered / x.shape[1]
