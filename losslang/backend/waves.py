"""Torch forms of characteristic functions: sums of cos(t x) and sin(t x) at even t. Needs torch alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from losslang.backend.precision import in_own_precision

__all__: list[str] = []


class Waves(NamedTuple):
    """[…, k, knot]: Σ cos(t x) and Σ sin(t x) over m, of x […, m, k]."""

    cosines: Tensor
    sines: Tensor


def waves(x: Tensor, start: float, stop: float, count: int) -> Waves:
    """At `count` even knots t from start to stop, of x […, m, k].

    One cosine and one sine of x at each end of a step is enough: e^(i (t + h) x) = e^(i t x) e^(i h x). The values at all
    knots are never held, and the way back computes them again, some rows at a time.
    """
    step = (stop - start) / max(count - 1, 1)
    sums = SumsOfWaves.apply(x.flatten(0, -3) if x.dim() > 2 else x[None], start, step, count)
    return Waves(*(value.reshape(*x.shape[:-2], x.shape[-1], count) for value in sums))


class SumsOfWaves(torch.autograd.Function):
    """The gradient is the real part of a polynomial of e^(i h x), whose coefficients are what comes in.

    torch's compiler gets the plain sums: it holds none of the values at all knots either, and a chain of turns takes it minutes.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, start: float, step: float, count: int) -> tuple[Tensor, Tensor]:
        """The sums [group, k, knot] of x [group, m, k]."""
        ctx.start, ctx.step = start, step
        ctx.save_for_backward(x)
        if torch.compiler.is_compiling():
            angles = x[..., None] * knots_of(x, start, step, count)
            return angles.cos().sum(1), angles.sin().sum(1)
        cosines, sines = (x.new_zeros(count, len(x), x.shape[-1]) for _ in range(2))
        for groups, rows in tiles_of(x):
            part = x[groups, rows]
            turn, wave = wave_of(part, step), wave_of(part, start)
            for knot in range(count):
                wave = turned(wave, turn) if knot else wave
                cosines[knot, groups] += wave[0].sum(-2)
                sines[knot, groups] += wave[1].sum(-2)
        return cosines.movedim(0, -1), sines.movedim(0, -1)

    @staticmethod
    @in_own_precision
    def backward(ctx: Any, to_cosines: Tensor, to_sines: Tensor) -> tuple[Tensor, None, None, None]:
        """By Horner's rule, from the last knot to the first."""
        (x,) = ctx.saved_tensors
        count = to_sines.shape[-1]
        knots = knots_of(x, ctx.start, ctx.step, count)
        if torch.compiler.is_compiling():
            angles, to_sine, to_cosine = x[..., None] * knots, to_sines[:, None] * knots, to_cosines[:, None] * knots
            return (angles.cos() * to_sine - angles.sin() * to_cosine).sum(-1), None, None, None
        real, imaginary = ((part * knots).movedim(-1, 0).unsqueeze(-2) for part in (to_sines, to_cosines))
        grad = torch.empty_like(x)
        for groups, rows in tiles_of(x):
            part = x[groups, rows]
            turn = wave_of(part, ctx.step)
            total = (real[-1, groups], imaginary[-1, groups])
            for knot in reversed(range(count - 1)):
                total = turned(total, turn, (real[knot, groups], imaginary[knot, groups]))
            first = wave_of(part, ctx.start)
            grad[groups, rows] = total[0] * first[0] - total[1] * first[1]
        return grad, None, None, None


def knots_of(x: Tensor, start: float, step: float, count: int) -> Tensor:
    """The knots, as numbers of the kind of x."""
    return start + step * torch.arange(count, dtype=x.dtype, device=x.device)


def tiles_of(x: Tensor) -> list[tuple[slice, slice]]:
    """Places of groups and rows of x [group, m, k] that stay in a cache; all of them on a GPU."""
    if x.device.type != "cpu":
        return [(slice(None), slice(None))]
    rows = max(2**16 // x.shape[-1], 1)
    starts = range(0, x.shape[1], rows)
    return [(slice(group, group + 1), slice(start, start + rows)) for group in range(len(x)) for start in starts]


def wave_of(x: Tensor, t: float) -> tuple[Tensor, Tensor]:
    """cos(t x) and sin(t x)."""
    angle = x * t
    return angle.cos(), angle.sin()


def turned(wave: tuple[Tensor, Tensor], turn: tuple[Tensor, Tensor], plus: tuple[Tensor, Tensor] | None = None) -> Any:
    """The product of two complex numbers (real and imaginary part), and a third added to it."""
    (a, b), (c, d) = wave, turn
    if plus is None:
        return torch.addcmul(a * c, b, d, value=-1), torch.addcmul(a * d, b, c)
    real = torch.addcmul(plus[0], a, c)
    return torch.addcmul(real, b, d, value=-1), torch.addcmul(torch.addcmul(plus[1], a, d), b, c)
