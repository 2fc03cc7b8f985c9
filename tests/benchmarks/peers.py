"""Our losses beside those of installed libraries and beside the formulas in eager torch: time and memory, both ways.

    python -m tests.benchmarks.peers [--out docs/results/speed.md] [--methods vicreg,simclr] [--sizes 256x2048] [--limit 8]

runs every method forward and backward in float32 on the same inputs in one process, turn about, and takes the least time
of the processor for each. Memory is the peak of what torch's allocator gave beyond the inputs. lightly and
pytorch-metric-learning are beside us where they are installed; without them the formulas of `tests.references` are alone.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.metadata
import importlib.util
import math
import platform
import statistics
import sys
import time
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import losslang
from tests.references import REFERENCES
from tests.specs.trials import TRIALS

__all__ = ["CASES", "Case", "Cell", "measure", "page"]

BATCHES, FEATURES = (256, 1024, 4096), (256, 2048, 8192)
QUEUE = 4096
FAST = ("covariance", "log-det", "contrastive")
"""The families that have a target of their own."""

Run = Callable[[], Tensor]


@dataclass(frozen=True)
class Case:
    """One method: the axes of its inputs before the batch, what the reference starts from, and losses of libraries."""

    method: str
    family: str
    inputs: Mapping[str, tuple[int, ...]]
    state: Callable[[int], dict[str, Tensor]] = lambda _size: {}
    parameters: Mapping[str, float] = field(default_factory=dict)
    peers: Mapping[str, Callable[..., Run]] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """What one method took at one size: seconds and bytes by implementation; empty where it was skipped."""

    case: Case
    batch: int
    size: int
    seconds: Mapping[str, float]
    memory: Mapping[str, int]

    def ratio(self, of: str) -> float:
        """Ours over the best of the others."""
        values: Mapping[str, float] = getattr(self, of)
        return values["losslang"] / min(value for name, value in values.items() if name != "losslang")


# ---------------------------------------------------------------- libraries


def _bare(package: str, inner: Iterable[str]) -> None:
    """A package whose modules can be imported one by one: its own start would import torchvision."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(package)
    for name in ("", *inner):
        module = types.ModuleType(f"{package}.{name}" if name else package)
        module.__path__ = [str(Path(found.submodule_search_locations[0]) / name)]
        sys.modules.setdefault(module.__name__, module)


def _lightly(module: str, name: str, call: Callable[[Any, Mapping[str, Tensor]], Tensor], **options: Any) -> Any:
    def make(inputs: Mapping[str, Tensor]) -> Run:
        if "lightly.loss" not in sys.modules:
            _bare("lightly", ("loss", "utils", "models"))
        loss = getattr(importlib.import_module(f"lightly.loss.{module}"), name)(**options)
        return lambda: call(loss, inputs)

    return make


def _metric_learning(name: str, **options: Any) -> Any:
    def make(inputs: Mapping[str, Tensor]) -> Run:
        losses = importlib.import_module("pytorch_metric_learning.losses")
        loss = losses.SelfSupervisedLoss(getattr(losses, name)(**options))
        return lambda: loss(*inputs["z"])

    return make


def _views(loss: Any, inputs: Mapping[str, Tensor]) -> Tensor:
    return loss(*inputs["z"])


def _listed(loss: Any, inputs: Mapping[str, Tensor]) -> Tensor:
    return loss(list(inputs["z"]))


def _crossed(loss: Any, inputs: Mapping[str, Tensor]) -> Tensor:
    p, z = inputs.values()
    return (loss(p[0], z[1].detach()) + loss(p[1], z[0].detach())) / 2


TWO, ONE = (2,), ()
COSINE = {"lightly": _lightly("negative_cosine_similarity", "NegativeCosineSimilarity", _crossed)}


def _unit_rows(count: int, size: int) -> Tensor:
    return torch.nn.functional.normalize(torch.randn(count, size), dim=-1)


def _information(size: int) -> dict[str, Tensor]:
    return {"mu": torch.zeros(2, size), "r": torch.eye(size).repeat(2, 1, 1)}


def _queue(name: str) -> Callable[[int], dict[str, Tensor]]:
    return lambda size: {name: _unit_rows(QUEUE, size), "pointer": torch.tensor(0)}


CASES = (
    Case("vicreg", "covariance", {"z": TWO}, peers={"lightly": _lightly("vicreg_loss", "VICRegLoss", _views)}),
    Case("vibcreg", "covariance", {"z": TWO}),
    Case(
        "barlow", "covariance", {"z": TWO}, peers={"lightly": _lightly("barlow_twins_loss", "BarlowTwinsLoss", _views)}
    ),
    Case(
        "tico",
        "covariance",
        {"z": ONE, "t": ONE},
        lambda size: {"c": torch.zeros(size, size)},
    ),
    Case("frossl_twoview", "covariance", {"z": TWO}),
    Case("coding_rate", "log-det", {"z": TWO}),
    Case("total_coding_rate", "log-det", {"z": TWO}),
    Case("simdino", "log-det", {"s": (12,), "t": TWO}),
    Case("empssl", "log-det", {"z": (20,)}),
    Case("corinfomax", "log-det", {"z": TWO}, _information, {"jitter": 0.01}),
    Case(
        "simclr", "contrastive", {"z": TWO}, peers={"metric-learning": _metric_learning("NTXentLoss", temperature=0.5)}
    ),
    Case("dcl", "contrastive", {"z": TWO}, peers={"lightly": _lightly("dcl_loss", "DCLLoss", _views)}),
    Case("macl", "contrastive", {"z": TWO}, peers={"lightly": _lightly("macl_loss", "MACLLoss", _views)}),
    Case("infonce_symmetric", "contrastive", {"z": TWO}),
    Case("align_uniform", "contrastive", {"z": TWO}),
    Case("mocov2", "contrastive", {"q": ONE, "k": ONE}, _queue("negatives"), {"queue": QUEUE}),
    Case("mocov3", "contrastive", {"q": TWO, "k": TWO}),
    Case("nnclr", "contrastive", {"z": TWO, "p": TWO}, _queue("support"), {"queue": QUEUE}),
    Case("koleo", "contrastive", {"z": TWO}),
    Case("simsiam", "other", {"p": TWO, "z": TWO}, peers=COSINE),
    Case("byol", "other", {"p": TWO, "t": TWO}, peers=COSINE),
    Case("center_penalty", "other", {"z": TWO}),
    Case("triplet", "other", {"z": (3,)}),
    Case("dino", "other", {"s": (10,), "t": TWO}, lambda size: {"center": torch.zeros(size)}),
    Case("mec", "other", {"z": TWO, "t": TWO}),
    Case("matrixssl", "other", {"z": TWO, "t": TWO}),
    Case("mmcr", "other", {"z": (8,)}, peers={}),
)


# ---------------------------------------------------------------- one cell


def _inputs(case: Case, batch: int, size: int) -> dict[str, Tensor]:
    """Views that resemble each other, in float32."""
    torch.manual_seed(0)
    shared = torch.randn(batch, size)
    return {
        name: (shared + 0.7 * torch.randn(*views, batch, size)).requires_grad_() for name, views in case.inputs.items()
    }


def _ours(case: Case, inputs: Mapping[str, Tensor], **options: Any) -> Run:
    sizes = {name: value.shape[-1] for name, value in inputs.items()}
    clock = {"steps": 100, "steps_per_epoch": 10}
    loss = losslang.compile_loss(case.method, parameters=dict(case.parameters), sizes=sizes, **clock, **options)
    return lambda: loss(**inputs).total


def _formula(case: Case, inputs: Mapping[str, Tensor]) -> Run:
    """The reference; scale and schedules as the trial of the method has them."""
    trial = TRIALS[case.method]
    parameters = losslang.load(case.method, parameters=dict(case.parameters)).parameters
    hyper = {}
    for name in trial.passed.split():
        value: Any = parameters[name].value
        hyper[name] = value if isinstance(value, int | float) else value.start
    hyper |= trial.reference_hyper
    state = case.state(next(iter(inputs.values())).shape[-1])
    return lambda: REFERENCES[trial.reference or case.method](inputs, hyper, state)[0]


def _runs(case: Case, inputs: Mapping[str, Tensor]) -> dict[str, Run]:
    runs = {"losslang": _ours(case, inputs), "formula": _formula(case, inputs)}
    for name, make in case.peers.items():
        try:
            runs[name] = make(inputs)
        except ImportError as error:
            print(f"{case.method}: {name} left out ({error})", file=sys.stderr)
    return runs


def _step(run: Run, inputs: Mapping[str, Tensor]) -> None:
    run().backward()  # type: ignore[no-untyped-call]
    for value in inputs.values():
        value.grad = None


def _seconds(run: Run, inputs: Mapping[str, Tensor]) -> float:
    start = time.process_time()
    _step(run, inputs)
    return time.process_time() - start


def _tried(run: Run, inputs: Mapping[str, Tensor]) -> float:
    """The seconds of a first step; endless where there is not the memory for it."""
    try:
        return _seconds(run, inputs)
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        return math.inf


def _memory(run: Run, inputs: Mapping[str, Tensor]) -> int:
    """The peak of what the allocator gave in a step: the largest sum of what came and went."""
    gc.collect()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        _step(run, inputs)
    results: Any = profile.profiler.kineto_results  # type: ignore[union-attr]
    events = sorted((event.start_ns(), event.nbytes()) for event in results.events() if event.name() == "[memory]")
    now = peak = 0
    for _, size in events:
        now += size
        peak = max(peak, now)
    return peak


def measure(case: Case, batch: int, size: int, *, seconds: float = 0.5, memory: bool = True) -> Cell:
    """Every implementation of a method, turn about: the least of its times, and its peak of memory.

    One that takes twenty times as long as the formula is no match, and left out.
    """
    inputs = _inputs(case, batch, size)
    runs = _runs(case, inputs)
    first = {name: _tried(run, inputs) for name, run in runs.items()}
    runs = {name: run for name, run in runs.items() if first[name] <= 20 * first["formula"] or name == "losslang"}
    first = {name: first[name] for name in runs}
    rounds = max(1, min(20, int(seconds / max(sum(first.values()), 1e-4))))
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(_seconds(run, inputs))
    least = {name: min(values) for name, values in times.items()}
    return Cell(case, batch, size, least, {n: _memory(run, inputs) for n, run in runs.items()} if memory else {})


def cells(cases: Iterable[Case], sizes: Iterable[tuple[int, int]], limit: float) -> Iterator[Cell]:
    """Every method at every size; one whose formula is expected to take more than `limit` seconds is an empty cell."""
    sizes = sorted(sizes, key=lambda pair: pair[0] * pair[1])
    for each in cases:
        case, done = each, list[Cell]()
        for batch, size in sizes:
            if _expected(done, batch, size) > limit:
                yield Cell(case, batch, size, {}, {})
                continue
            done.append(measure(case, batch, size))
            case = replace(case, peers={n: make for n, make in case.peers.items() if n in done[-1].seconds})
            print(_line(done[-1]), file=sys.stderr, flush=True)
            yield done[-1]


def _expected(done: Iterable[Cell], batch: int, size: int) -> float:
    """Seconds, by the cells done so far, if work grows with batch, size, and the larger of their growths."""
    guesses = [0.0]
    for cell in done:
        by = (batch / cell.batch, size / cell.size)
        if min(by) >= 1:
            guesses.append(cell.seconds["formula"] * by[0] * by[1] * max(by) ** 0.5)
    return max(guesses)


# ---------------------------------------------------------------- the page


def _line(cell: Cell) -> str:
    numbers = " ".join(f"{name} {1e3 * value:.1f} ms" for name, value in cell.seconds.items())
    shares = f"time {cell.ratio('seconds'):.2f}, memory {cell.ratio('memory'):.2f}" if cell.memory else ""
    return f"{cell.case.method} {cell.batch}x{cell.size}: {numbers} | {shares}"


def geometric(values: Iterable[float]) -> float:
    """The geometric mean."""
    return math.exp(statistics.fmean(math.log(value) for value in values))


def page(found: list[Cell], limit: float) -> str:
    """The results as a page."""
    run = [cell for cell in found if cell.seconds]
    lines = [
        *_head(limit),
        "",
        "| family | cells | time | worst | memory | worst |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    families = dict.fromkeys(cell.case.family for cell in run)
    groups = {family: [c for c in run if c.case.family == family] for family in families}
    groups["covariance, log-det and contrastive"] = [c for c in run if c.case.family in FAST]
    groups["all"] = run
    for name, group in groups.items():
        if group:
            times, memory = ([cell.ratio(of) for cell in group] for of in ("seconds", "memory"))
            shares = f"{geometric(times):.2f} | {max(times):.2f} | {geometric(memory):.2f} | {max(memory):.2f}"
            lines.append(f"| {name} | {len(group)} | {shares} |")
    lines += ["", "Each cell: time, memory.", ""]
    columns = sorted({(cell.batch, cell.size) for cell in found})
    lines.append("| method | " + " | ".join(f"{b} × {s}" for b, s in columns) + " |")
    lines.append("| --- |" + " --- |" * len(columns))
    for case in dict.fromkeys(cell.case.method for cell in found):
        of = {(cell.batch, cell.size): cell for cell in found if cell.case.method == case}
        shown = [f"{of[at].ratio('seconds'):.2f}, {of[at].ratio('memory'):.2f}" if at in of and of[at].seconds else "–"
                 for at in columns]  # fmt: skip
        lines.append(f"| {case} | " + " | ".join(shown) + " |")
    slow = [cell for cell in run if cell.ratio("seconds") > 1.05]
    lines += ["", f"Slower than the best of the others by more than 5 %: {len(slow)} of {len(run)} cells" + (
        ": " + ", ".join(f"{c.case.method} {c.batch}×{c.size} ({c.ratio('seconds'):.2f})" for c in slow) if slow else ""
    ) + "."]  # fmt: skip
    return "\n".join(lines) + "\n"


def _head(limit: float) -> list[str]:
    versions = [f"torch {torch.__version__}", f"Python {platform.python_version()}"]
    for package in ("lightly", "pytorch-metric-learning"):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} not installed")
    return [
        "# Speed and memory beside others",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}; {', '.join(versions)}; {platform.machine()}, {torch.get_num_threads()} thread(s).",
        "",
        "Forward and backward of the loss alone, float32, batch × dimension. Ratios are ours over the best of the others in the",
        "same process (the formula in eager torch, and the libraries that have the loss), least time of the processor over",
        "interleaved rounds; below 1 is faster, or smaller. Memory is the peak that torch's allocator gave beyond the inputs.",
        f"`–`: the eager formula is expected to take more than {limit:g} s there. Made by `python -m tests.benchmarks.peers`.",
    ]


def main() -> None:
    """Run, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--methods", default=",".join(case.method for case in CASES))
    parser.add_argument("--sizes", default=",".join(f"{b}x{s}" for b in BATCHES for s in FEATURES))
    parser.add_argument("--limit", type=float, default=20.0, help="seconds that the formula may take (20)")
    options = parser.parse_args()
    wanted = options.methods.split(",")
    sizes = [tuple(map(int, pair.split("x"))) for pair in options.sizes.split(",")]
    found = list(cells([case for case in CASES if case.method in wanted], sizes, options.limit))  # type: ignore[arg-type]
    text = page(found, options.limit)
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
