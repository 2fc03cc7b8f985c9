"""Estimates by random probes beside the exact forms: errors of value and gradient, and time of the processor.

    python -m tests.benchmarks.probes [--out docs/results/probes.md] [--smoke]

The rows are embeddings whose covariance has eigenvalues that fall as 1/i (a projector's, early in training) or are all alike.
Errors are root mean squares over draws, relative to the exact value and to the length of the exact gradient, in float32.
"""

from __future__ import annotations

import argparse
import math
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import losslang
from losslang.diagnostics import Source
from losslang.pipeline import load

__all__ = ["main"]

TERMS = {
    "covariance": ("covariance_penalty(z[a])", "VICReg's covariance penalty"),
    "log-det": ("coding_rate(normalize(z[a]), 2)", "coding rate of unit rows (TCR, SimDINO)"),
}
FORMS: dict[str, list[dict[str, Any]]] = {
    "covariance": [{"trace": trace, "probes": n} for trace in ("hutchinson", "hutch++") for n in (16, 64, 256)],
    "log-det": [{"log_det": "lanczos", "probes": n, "steps": s} for n, s in ((16, 10), (16, 20), (64, 10), (256, 10))],
}
SIZES = [(256, 2048), (1024, 2048), (4096, 1024), (4096, 4096)]
DRAWS = 8


@dataclass(frozen=True)
class Line:
    """One form at one size: errors in value and gradient (0 for the exact one), and seconds of the processor."""

    form: str
    value: float
    gradient: float
    seconds: float


def loss_of(expression: str, size: int, estimate: Mapping[str, Any] | None) -> nn.Module:
    """The loss of one term."""
    text = (
        "method one\nnetwork encoder = backbone\nnetwork projector = linear(8)\nz = projector(encoder(x))\n"
        f"minimize\n  term: {expression}\n"
    )
    spec = load(Source("one.loss", text))
    return losslang.compile_loss(spec, sizes={"z": size}, estimate=estimate).eval()


def rows(batch: int, size: int, *, falling: bool) -> Tensor:
    """[view, batch, feature]."""
    scales = torch.arange(1, size + 1) ** -0.5 if falling else torch.ones(size)
    basis = torch.linalg.qr(torch.randn(size, size)).Q
    return torch.randn(1, batch, size) * scales @ basis * math.sqrt(size / float(scales.square().sum()))


def step(loss: nn.Module, z: Tensor) -> tuple[float, Tensor, float]:
    """Value, gradient and seconds of one pass forward and backward."""
    z = z.detach().requires_grad_()
    start = time.process_time()
    total = loss(z=[z[0], z[0]]).total
    (gradient,) = torch.autograd.grad(total, z)
    return float(total.detach()), gradient, time.process_time() - start


def lines(name: str, z: Tensor, draws: int, forms: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    """The exact form, then every other."""
    expression = TERMS[name][0]
    exact = loss_of(expression, z.shape[-1], None)
    found = [step(exact, z) for _ in range(3)]
    value, gradient = found[0][:2]
    yield Line("exact", 0, 0, min(seconds for *_, seconds in found))
    for form in forms:
        if form["probes"] >= z.shape[-1]:
            continue
        loss = loss_of(expression, z.shape[-1], form)
        off, turned, times = [], [], []
        for draw in range(draws):
            loss.step.fill_(draw)
            one, two, seconds = step(loss, z)
            off.append((one / value - 1) ** 2)
            turned.append(float((two - gradient).square().sum() / gradient.square().sum()))
            times.append(seconds)
        words = " ".join(str(part) for part in form.values())
        yield Line(words, math.sqrt(sum(off) / draws), math.sqrt(sum(turned) / draws), min(times))


def page(sizes: Sequence[tuple[int, int]], draws: int, forms: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The tables."""
    torch.manual_seed(0)
    out = [HEAD.format(date=datetime.now(UTC).date(), torch=torch.__version__, machine=platform.machine(),
                       threads=torch.get_num_threads(), draws=draws)]  # fmt: skip
    for name, (expression, what) in TERMS.items():
        out += [f"\n## {what}: `{expression}`\n"]
        out += ["| batch × dimension | spectrum | form | error of value | of gradient | seconds | over exact |"]
        out += ["| --- | --- | --- | --- | --- | --- | --- |"]
        for batch, size in sizes:
            for falling in (True, False):
                found = list(lines(name, rows(batch, size, falling=falling), draws, forms[name]))
                spectrum = "falling" if falling else "flat"
                out += [f"| {batch} × {size} | {spectrum} | {_cells(line, found[0])} |" for line in found]
                print("\n".join(out[-len(found) :]), flush=True)
    return "\n".join(out) + "\n"


def _cells(line: Line, exact: Line) -> str:
    errors = "– | –" if line is exact else f"{line.value:.2g} | {line.gradient:.2g}"
    return f"{line.form} | {errors} | {line.seconds:.3f} | {line.seconds / exact.seconds:.2f}"


HEAD = """# Estimates by random probes

{date}; torch {torch}, {machine}, {threads} thread(s). Made by `python -m tests.benchmarks.probes`, on a machine shared by
many processes: seconds are those of the processor, forward and backward. Errors are root mean squares over {draws} draws,
relative to the exact value and to the length of the exact gradient. The exact form takes the smaller of the matrices
[batch, batch'] and [feature, feature'].
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--smoke", action="store_true", help="a tiny size, in a second")
    options = parser.parse_args(arguments)
    few = {name: some[:1] for name, some in FORMS.items()}
    text = page([(32, 48)], 2, few) if options.smoke else page(SIZES, DRAWS, FORMS)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
