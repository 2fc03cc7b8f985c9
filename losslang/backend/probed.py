"""Torch forms of estimates by random probes. Each needs torch alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from losslang.backend.precision import in_own_precision
from losslang.networks.processes import Share, Sum

__all__: list[str] = []


@torch.no_grad()
def deflated_probes(sketch: Tensor, rest: Tensor) -> Tensor:
    """[..., r + m, k]: an orthonormal basis of the rows sketch [..., r, k], then rest [m, k] less what lies in its span.

    With rest of length √(k / m), Σ w·A w over these rows w is the trace of A by Hutch++ (Meyer et al. 2021, algorithm 1).
    """
    basis = torch.linalg.qr(sketch.mT).Q.mT
    left = rest - (rest @ basis.mT) @ basis
    return torch.cat([basis, left], dim=-2)


def logdet_by_probes(
    x: Tensor, probes: Tensor, scale: float | Tensor, steps: int, share: Share | None = None
) -> Tensor:
    """[…]: log det M for M = I + scale · xᵀx, x [..., m, k]: k times the mean of u·log(M) u over unit probes u [p, k].

    Of every probe by `steps` of Lanczos (Ubaru, Chen and Saad 2017), exact where they are as many as M has eigenvalues;
    `share` says that other processes hold further rows.
    """
    return LogDetByProbes.apply(x, probes, scale, steps, share)[0]


class LogDetByProbes(torch.autograd.Function):
    """The gradient is that of tr(M⁻¹ dM), by the same probes: 2 scale · x times the mean of k w uᵀ, where M w = u.

    As E[k u uᵀ] is the identity, c u is taken off w and c added to the mean, which then varies less; c, the mean of u·w over
    the other probes, does not depend on u.
    """

    @staticmethod
    def forward(
        x: Tensor, probes: Tensor, scale: float | Tensor, steps: int, share: Share | None
    ) -> tuple[Tensor, Tensor]:
        """The quadrature, and the solutions w, that come from the same Lanczos vectors."""
        basis, diagonal, beside = lanczos(x, over_all(probes, x), scale, min(steps, x.shape[-1]), share)
        tridiagonal = torch.diag_embed(diagonal) + torch.diag_embed(beside, 1) + torch.diag_embed(beside, -1)
        values, vectors = torch.linalg.eigh(tridiagonal)
        values, first = values.clamp(min=1), vectors[..., 0, :]  # M has no eigenvalue below 1
        inverse = (vectors * (first / values).unsqueeze(-2)).sum(-1)
        solutions = (inverse.unsqueeze(-2) @ basis).squeeze(-2)
        return x.shape[-1] * (first.square() * values.log()).sum(-1).mean(-1), solutions

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        """Probes and solutions are kept."""
        x, probes, scale, _, ctx.share = inputs
        ctx.save_for_backward(x, probes, output[1], torch.as_tensor(scale, dtype=x.dtype, device=x.device))
        ctx.mark_non_differentiable(output[1])
        ctx.set_materialize_grads(False)

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, grad: Tensor, _solutions: None) -> tuple[Tensor | None, ...]:
        """scale · x (Σ k (u wᵀ + w uᵀ) / p + 2 c), times what comes in."""
        x, probes, solutions, scale = ctx.saved_tensors
        # every process holds the gradient of the whole loss, and a row counts in all of them
        coming = None if ctx.share is None else ctx.share.begin(Sum(grad.contiguous()))
        probes, k, p = over_all(probes, x), x.shape[-1], probes.shape[-2]
        along = (probes * solutions).sum(-1, keepdim=True)
        center = (along.sum(-2, keepdim=True) - along) / (p - 1)
        left = (solutions - center * probes) * (k / p)
        inner = (x @ probes.mT) @ left + (x @ left.mT) @ probes + 2 * center.mean(-2, keepdim=True) * x
        grad = grad if coming is None else coming.wait()[0]
        return inner * (grad * scale)[..., None, None], None, None, None, None

    @staticmethod
    def vmap(_info: Any, places: tuple[Any, ...], x: Tensor, probes: Tensor, *rest: Any) -> tuple[Any, tuple[int, int]]:
        """The same on one more axis in front."""
        x = x.movedim(places[0], 0)
        if places[1] is not None:
            probes = probes.movedim(places[1], 0)
            probes = probes.view(len(x), *[1] * (x.dim() - 3), *probes.shape[-2:])
        return LogDetByProbes.apply(x, probes, *rest), (0, 0)


def over_all(probes: Tensor, x: Tensor) -> Tensor:
    """[..., p, k]: the same probes for every matrix x [..., m, k]."""
    return probes.expand(*x.shape[:-2], *probes.shape[-2:])


def lanczos(
    x: Tensor, probes: Tensor, scale: float | Tensor, steps: int, share: Share | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Of I + scale · xᵀx from every unit probe [..., p, k]: vectors [..., p, steps, k], and T's diagonal and what is beside it.

    Every vector is made orthogonal to all before it, twice. Where nothing is left of one, T goes on as the identity.
    """
    basis, diagonal, beside = [probes], [], []
    for step in range(steps):
        vector = basis[-1]
        image = vector + scale * products_of_all(x, vector, share)
        here = (vector * image).sum(-1)
        diagonal.append(torch.where(vector.square().sum(-1) > 0.5, here, torch.ones_like(here)))
        if step + 1 == steps:
            break
        known = torch.stack(basis, dim=-2)
        for _ in range(2):
            image = image - ((known @ image.unsqueeze(-1)).mT @ known).squeeze(-2)
        length = torch.linalg.vector_norm(image, dim=-1)
        gone = length <= 1e2 * torch.finfo(x.dtype).eps * here.abs()
        beside.append(torch.where(gone, 0.0, length))
        basis.append(torch.where(gone.unsqueeze(-1), 0.0, image / length.clamp(min=1e-30).unsqueeze(-1)))
    none = diagonal[0].unsqueeze(-1)[..., :0]
    return torch.stack(basis, dim=-2), torch.stack(diagonal, dim=-1), torch.stack(beside, -1) if beside else none


def products_of_all(x: Tensor, vectors: Tensor, share: Share | None) -> Tensor:
    """xᵀ(x v) of the rows v of vectors [..., p, k], summed over the rows x of all processes."""
    own = (vectors @ x.mT) @ x
    return own if share is None else share.sum(own.contiguous())[0]
