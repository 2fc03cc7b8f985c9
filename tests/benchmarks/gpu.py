"""Everything that is asked of the losses on a GPU, in one command of less than ten minutes.

    python -m tests.benchmarks.gpu [--out docs/results/gpu.md] [--parts tiles,contrast,largest,step,peers] [--seconds 570]
    python -m tests.benchmarks.gpu --device cpu --parts step        # what the loss takes of a training step, on a CPU
    python -m tests.benchmarks.gpu --smoke                          # every part, tiny, on the CPU

needs torch for CUDA, triton (which comes with it), and what `losslang` needs beside torch. A part that fails says so in the
page and does not stop the others. Times on a GPU are between two events on it, on a CPU those of the processor.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

import losslang
from losslang.networks.backbones import make_backbone

__all__ = ["main"]

TEMPERATURE = 0.1


@dataclass(frozen=True)
class Setting:
    """Where and how much: rows × features of the contrastive part, images × pixels of the training step."""

    device: str
    rows: int
    features: int
    images: int
    pixels: int
    rounds: int
    until: float
    """The time at which no further part or batch begins."""

    @property
    def half(self) -> torch.dtype:
        """Of inputs and networks."""
        return torch.bfloat16 if self.device == "cuda" else torch.float32

    @property
    def left(self) -> float:
        """Seconds."""
        return self.until - time.time()


@dataclass(frozen=True)
class Measured:
    """The median of seconds, and the peak of memory beyond what was there before (none on a CPU), or why there is neither."""

    seconds: float
    memory: float | None
    failure: str = ""

    def cells(self) -> str:
        """For a table."""
        if self.failure:
            return f"{self.failure} | –"
        memory = "–" if self.memory is None else f"{self.memory / 2**30:.2f}"
        return f"{1000 * self.seconds:.1f} | {memory}"


def measure(work: Callable[[], object], setting: Setting) -> Measured:
    """Warm, then a few rounds; running out of memory is a finding, not a failure."""
    gc.collect()
    try:
        if setting.device != "cuda":
            work()
            return Measured(statistics.median(_processor_seconds(work) for _ in range(setting.rounds)), None)
        torch.cuda.empty_cache()
        before = torch.cuda.memory_allocated()
        work(), work()
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        seconds = statistics.median(_event_seconds(work) for _ in range(setting.rounds))
        return Measured(seconds, torch.cuda.max_memory_allocated() - before)
    except torch.OutOfMemoryError:
        return Measured(0, None, "out of memory")


def _processor_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _event_seconds(work: Callable[[], object]) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    work()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1000


# ---------------------------------------------------------------- the kernels are right


def tiles(setting: Setting) -> Iterator[str]:
    """Log-sum-exps and gradients by the kernels beside float64, in every type, of x with y and of x with itself."""
    kernels = importlib.import_module("losslang.backend.gpu_tiles")
    yield "| type | diagonals | value, largest difference | gradient, relative |"
    yield "| --- | --- | --- | --- |"
    count = min(setting.rows, 3000)
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        for itself, dropped in ((False, ()), (True, (0,)), (True, (-7, 0, 7))):
            torch.manual_seed(0)
            x, y = (_unit(count + more, setting).to(dtype).requires_grad_() for more in (0, 37))
            off, turned = _beside_float64(kernels.logsumexp_by_tiles, x, None if itself else y, dropped)
            what = "itself" if itself else "another"
            yield f"| {str(dtype)[6:]}, with {what} | {len(dropped)} | {off:.1e} | {turned:.1e} |"


def _unit(count: int, setting: Setting) -> Tensor:
    return functional.normalize(torch.randn(count, setting.features, device=setting.device), dim=-1)


def _beside_float64(
    function: Callable[..., Tensor], x: Tensor, y: Tensor | None, dropped: Sequence[int]
) -> tuple[float, float]:
    found = function(x, y, 1 / TEMPERATURE, dropped)
    exact = [value.detach().double().requires_grad_() for value in ([x] if y is None else [x, y])]
    products = exact[0] @ exact[-1].T / TEMPERATURE
    places = torch.arange(products.shape[1], device=x.device) - torch.arange(len(x), device=x.device)[:, None]
    for diagonal in dropped:
        products = products.masked_fill(places == diagonal, -torch.inf)
    wanted = products.logsumexp(-1)
    weights = torch.linspace(-1, 2, len(x), device=x.device)
    ours = torch.autograd.grad((found * weights).sum(), [x] if y is None else [x, y])
    theirs = torch.autograd.grad((wanted * weights).sum(), exact)
    turned = max(float((a.double() - b).norm() / b.norm()) for a, b in zip(ours, theirs, strict=True))
    return float((found.double() - wanted).abs().max().detach()), turned


# ---------------------------------------------------------------- contrast of many rows


def contrast(setting: Setting) -> Iterator[str]:
    """InfoNCE and NT-Xent forward and backward, beside eager torch."""
    yield f"Batch {setting.rows:,} × {setting.features}, {str(setting.half)[6:]}, temperature {TEMPERATURE}.\n"
    yield "| loss | form | ms | GiB beyond the inputs |"
    yield "| --- | --- | --- | --- |"
    for method, eager in (("infonce_oneway", _info_nce), ("simclr", _nt_xent)):
        for name, make in (("losslang", _ours), ("losslang, tiles of torch", _without_kernels)):
            yield f"| {method} | {name} | {_contrast(make(method, setting), setting).cells()} |"
        yield f"| {method} | eager torch | {_contrast(eager, setting).cells()} |"


def _ours(method: str, setting: Setting) -> Callable[[Tensor], Tensor]:
    parameters = {"temperature": TEMPERATURE}
    loss = losslang.compile_loss(method, sizes={"z": setting.features}, parameters=parameters).to(setting.device)
    return lambda z: loss(z).total


def _without_kernels(method: str, setting: Setting) -> Callable[[Tensor], Tensor]:
    """The same text in a module of its own, in which the kernels are not found."""
    plain = losslang.compile_loss(
        method, sizes={"z": setting.features}, parameters={"temperature": TEMPERATURE * (1 + 1e-9)}
    )
    type(plain).forward.__globals__["tiles_on_gpu"] = lambda _device: None
    plain.to(setting.device)
    return lambda z: plain(z).total


def _info_nce(z: Tensor) -> Tensor:
    """Rows of the first view with all of the second: products in the type of the rows, the rest in float32."""
    a, b = functional.normalize(z, dim=-1)
    return functional.cross_entropy((a @ b.T).float() / TEMPERATURE, torch.arange(len(a), device=z.device))


def _nt_xent(z: Tensor) -> Tensor:
    """Every row with all others of both views."""
    rows = functional.normalize(z, dim=-1).flatten(0, 1)
    logits = (rows @ rows.T).float() / TEMPERATURE
    logits.fill_diagonal_(-torch.inf)
    own = torch.arange(len(rows), device=z.device).roll(len(rows) // 2)
    return functional.cross_entropy(logits, own)


def _contrast(loss: Callable[[Tensor], Tensor], setting: Setting) -> Measured:
    torch.manual_seed(0)
    z = torch.randn(2, setting.rows, setting.features, device=setting.device, dtype=setting.half).requires_grad_()

    def work() -> None:
        loss(z).backward()
        z.grad = None

    return measure(work, setting)


def largest(setting: Setting) -> Iterator[str]:
    """InfoNCE with ever more rows, until memory or time ends."""
    yield "| batch | ms | GiB beyond the inputs |"
    yield "| --- | --- | --- |"
    loss, more, before = _ours("infonce_oneway", setting), replace(setting, rounds=1), 0.0
    while 12 * before < more.left and before < 60 and more.rows <= 2**24:
        found = _contrast(loss, more)
        yield f"| {more.rows:,} × {more.features} | {found.cells()} |"
        if found.failure:
            return
        before, more = found.seconds, replace(more, rows=2 * more.rows)
        if setting.device == "cpu" and more.rows > 4 * setting.rows:
            return
    yield "| more: not tried, for time | – | – |"


# ---------------------------------------------------------------- what a loss takes of a training step


def step(setting: Setting) -> Iterator[str]:
    """ResNet-18, two views, forward, loss, backward, SGD: with the method's loss, and with a mean of squares in its place."""
    yield f"ResNet-18, {setting.images} images of {setting.pixels} px, two views, {str(setting.half)[6:]}, channels last.\n"
    yield "| method | step, ms | with a mean of squares, ms | difference | the loss alone, ms | its share |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for method, parameters in (("vicreg", {"width": 2048}), ("simclr", {})):
        shape = (3, setting.pixels, setting.pixels)
        backbone = make_backbone("resnet18", shape)
        model = losslang.compile(
            method, backbone=backbone.module, feature_size=backbone.feature_size, parameters=parameters
        )
        model.to(setting.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        whole, plain, alone = (_median(times) for times in zip(*_steps(model, shape, setting), strict=True))
        yield (
            f"| {method} | {1000 * whole:.1f} | {1000 * plain:.1f} | {100 * (whole / plain - 1):+.1f} % |"
            f" {1000 * alone:.2f} | {100 * alone / whole:.2f} % |"
        )


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)


def _steps(model: nn.Module, shape: tuple[int, ...], setting: Setting) -> Iterator[tuple[float, float, float]]:
    """Seconds of a step, of one with another loss, and of the loss alone, turn about."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    images = [torch.randn(setting.images, *shape, device=setting.device) for _ in range(2)]
    views = [view.to(memory_format=torch.channels_last) for view in images]

    def run(loss: Callable[[Tensor], Tensor]) -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(setting.device, dtype=torch.bfloat16, enabled=setting.device == "cuda"):
            z = model.embed(views)["z"]  # type: ignore[operator]
        loss(z).backward()
        optimizer.step()

    with torch.no_grad(), torch.autocast(setting.device, dtype=torch.bfloat16, enabled=setting.device == "cuda"):
        kept = model.embed(views)["z"].detach().requires_grad_()  # type: ignore[operator]

    def alone() -> None:
        model.loss(kept).total.backward()  # type: ignore[operator]

    works = (
        lambda: run(lambda z: model.loss(z).total),  # type: ignore[operator]
        lambda: run(lambda z: z.float().square().mean()),
        alone,
    )
    seconds = _event_seconds if setting.device == "cuda" else _processor_seconds
    for _ in range(2):
        for work in works:
            work()
    for _ in range(setting.rounds):
        yield tuple(seconds(work) for work in works)  # type: ignore[misc]


# ---------------------------------------------------------------- beside peers


def peers(setting: Setting) -> Iterator[str]:
    """The benchmark beside peers, as a command of its own."""
    small = setting.rows < 1000
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "peers.md"
        command = [sys.executable, "-m", "tests.benchmarks.peers", "--device", setting.device, "--out", str(out)]
        command += ["--keep", str(Path(folder) / "cells.jsonl"), "--limit", "0.2"]
        command += ["--methods", "simsiam", "--sizes", "16x8"] if small else []
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=max(setting.left, 5), check=False)
        except subprocess.TimeoutExpired as error:
            said = (error.stderr or b"").decode().strip().splitlines()
            yield f"Not finished in the time that was left. {len(said)} lines until then:\n"
            yield from (f"    {line}" for line in said)
            return
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
        yield out.read_text(encoding="utf-8").replace("\n# ", "\n### ").removeprefix("# ")


# ---------------------------------------------------------------- the page

PARTS: dict[str, tuple[str, Callable[[Setting], Iterator[str]]]] = {
    "tiles": ("The kernels beside float64", tiles),
    "contrast": ("Contrast of many rows", contrast),
    "largest": ("The largest batch", largest),
    "step": ("What the loss takes of a training step", step),
    "peers": ("Beside peers", peers),
}


def page(parts: Sequence[str], setting: Setting) -> tuple[str, list[str]]:
    """The text, and the parts that failed."""
    lines, failed = [_head(setting)], []
    for name in parts:
        title, part = PARTS[name]
        lines.append(f"\n## {title}\n")
        started = time.time()
        try:
            for row in part(setting) if setting.left > 0 else ["No time was left for this part."]:
                lines.append(row)
                print(row, flush=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other parts are measured
            failed.append(name)
            traceback.print_exc()
            lines.append(f"\nThis part failed: {type(error).__name__}: {(str(error).splitlines() or [''])[0]}")
        lines.append(f"\n({time.time() - started:.0f} s)")
    return "\n".join(lines) + "\n", failed


def _head(setting: Setting) -> str:
    where = torch.cuda.get_device_name() if setting.device == "cuda" else f"{platform.machine()} CPU"
    try:
        triton = f"triton {importlib.import_module('triton').__version__}"
    except ImportError:
        triton = "no triton"
    versions = f"torch {torch.__version__}, {triton}, Python {platform.python_version()}"
    return (
        f"# The losses on {where}\n\n{datetime.now(UTC).date()}; {versions}, {torch.get_num_threads()} thread(s)."
        " Made by `python -m tests.benchmarks.gpu`.\nMedians of a few rounds, after two that do not count."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write the page; 1 where a part failed, 2 where there is no GPU."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="where to write the page")
    parser.add_argument("--parts", default=",".join(PARTS), help="some of them, by name")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--seconds", type=float, default=570, help="until no further part begins (570)")
    parser.add_argument("--smoke", action="store_true", help="every part, tiny, on the CPU")
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not options.smoke and not torch.cuda.is_available():
        print("torch finds no GPU here; --device cpu measures on the processor", file=sys.stderr)
        return 2
    until = time.time() + options.seconds
    setting = Setting("cuda", 65_536, 768, 256, 224, 5, until)
    if options.smoke:
        setting = Setting("cpu", 24, 16, 2, 32, 1, until)
    elif options.device == "cpu":
        setting = Setting("cpu", 4096, 128, 32, 64, 3, until)
    text, failed = page(options.parts.split(","), setting)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
