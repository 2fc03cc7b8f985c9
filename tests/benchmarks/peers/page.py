"""The results as a page: targets met and missed, means by family, every cell, and what was not measured."""

from __future__ import annotations

import importlib.metadata
import math
import platform
import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch

from tests.benchmarks.peers.cases import CASES, FAST
from tests.benchmarks.peers.grid import Skipped
from tests.benchmarks.peers.measuring import OURS, Cell

__all__ = ["geometric", "line", "page"]

TIME, MEMORY = "seconds", "memory"
MOST = {TIME: 1.05, MEMORY: 1.0}
"""What a ratio may be anywhere."""

FAMILY = {case.method: case.family for case in CASES}
BIG = (256, 8192)


def geometric(values: Iterable[float]) -> float:
    """The geometric mean."""
    return math.exp(statistics.fmean(math.log(value) for value in values))


def line(cell: Cell) -> str:
    """A cell as progress shows it."""
    numbers = " ".join(f"{name} {1e3 * value:.1f} ms" for name, value in cell.seconds.items())
    ratios = f"time {cell.ratio(TIME):.2f}, memory {cell.ratio(MEMORY):.2f}" if cell.compared else "nothing to compare"
    return f"{cell.method} {cell.batch}x{cell.size}: {numbers} | {ratios} | {cell.rounds} rounds"


def page(found: Sequence[Cell | Skipped], device: str, memory: float) -> str:
    """The whole page."""
    compared = [cell for cell in found if isinstance(cell, Cell) and cell.compared]
    parts = [
        _head(device, memory),
        _targets(compared),
        _families(compared),
        _table(
            "Ratio of time, ratio of memory", found, lambda cell: f"{cell.ratio(TIME):.2f}, {cell.ratio(MEMORY):.2f}"
        ),
        _table("Milliseconds of a step, ours / the best of the others", found, _milliseconds),
        _missing(found),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


# ---------------------------------------------------------------- what was run


def _head(device: str, memory: float) -> list[str]:
    """Conditions, and how to read the figures."""
    where = torch.cuda.get_device_name() if device == "cuda" else f"{_processor()}, {torch.get_num_threads()} thread(s)"
    measured = (
        "time between two events on the device, and peak of what torch's allocator gave"
        if device == "cuda"
        else "time of the processor (user and system), and peak of what torch's allocator gave by its profiler's events"
    )
    limit = f" No cell had more than {memory:g} GiB." if device == "cpu" else ""
    return [
        "# Speed and memory beside others",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}; {where}; {', '.join(_versions())}.",
        "",
        "Forward and backward of the loss alone, float32, batch × dimension. Ratios are ours over the best of the others on the",
        "same inputs in the same process (the formula in eager torch, and the libraries that have the loss): below 1 is better.",
        f"Figures are the {measured},",
        "beyond inputs and state and with the gradients of the inputs. Time is the least over interleaved rounds, up to 200; a",
        "long step is taken once, and where our code changed since ours is taken again beside the others' kept figures. On a CPU",
        f"every cell has a process of its own. `–`: not measured, see the end.{limit}",
        "Made by `python -m tests.benchmarks.peers --keep cells.jsonl --out docs/results/speed.md`.",
    ]


def _processor() -> str:
    """The name of the processor, as Linux gives it."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    names = [text.partition(":")[2].strip() for text in lines if text.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _versions() -> Iterable[str]:
    yield f"torch {torch.__version__}"
    yield f"Python {platform.python_version()}"
    for package in ("lightly", "pytorch-metric-learning"):
        try:
            yield f"{package} {importlib.metadata.version(package)}"
        except importlib.metadata.PackageNotFoundError:
            yield f"{package} not installed"


# ---------------------------------------------------------------- targets


def _targets(cells: Sequence[Cell]) -> list[str]:
    if not cells:
        return []
    fast = [cell for cell in cells if FAMILY[cell.method] in FAST]
    big = [cell for cell in cells if FAMILY[cell.method] == "covariance" and (cell.batch, cell.size) == BIG]
    rows = [
        _worst("time of every method and size", cells, TIME),
        _mean("time, covariance, log-det and contrastive", fast, TIME, 0.35),
        _mean("time, all", cells, TIME, 0.6),
        _worst("memory of every method and size", cells, MEMORY),
        _mean("memory, all", cells, MEMORY, 0.4),
        _times_faster(big),
    ]
    table = ["| what | target | measured | |", "| --- | --- | --- | --- |", *(row for row in rows if row)]
    return ["## Targets", "", *table, "", *_above(cells, TIME, "time"), "", *_above(cells, MEMORY, "memory")]


def _verdict(met: bool) -> str:
    return "met" if met else "missed"


def _worst(what: str, cells: Sequence[Cell], of: str) -> str:
    worst, most = max(cells, key=lambda cell: cell.ratio(of)), MOST[of]
    above = sum(cell.ratio(of) > most for cell in cells)
    found = (
        f"{worst.ratio(of):.2f} at worst ({worst.method} {worst.batch} × {worst.size}), {above} of {len(cells)} above"
    )
    return f"| {what} | ≤ {most:g} | {found} | {_verdict(not above)} |"


def _mean(what: str, cells: Sequence[Cell], of: str, most: float) -> str:
    if not cells:
        return ""
    mean = geometric(cell.ratio(of) for cell in cells)
    return f"| geometric mean of {what} | ≤ {most:g} | {mean:.2f} over {len(cells)} | {_verdict(mean <= most)} |"


def _times_faster(cells: Sequence[Cell]) -> str:
    """Beside the formula, which is the authors' form."""
    times = {cell.method: cell.seconds["formula"] / cell.seconds[OURS] for cell in cells if "formula" in cell.seconds}
    if not times:
        return ""
    found = ", ".join(
        f"{method} {value:.0f}" if value >= 10 else f"{method} {value:.1f}" for method, value in times.items()
    )
    what = "covariance methods at 256 × 8192, times faster than the authors' form"
    return f"| {what} | ≥ 10 | {found} | {_verdict(min(times.values()) >= 10)} |"


def _above(cells: Sequence[Cell], of: str, word: str) -> list[str]:
    found = sorted((cell for cell in cells if cell.ratio(of) > MOST[of]), key=lambda cell: -cell.ratio(of))
    shown = ", ".join(f"{cell.method} {cell.batch} × {cell.size} ({cell.ratio(of):.3g})" for cell in found)
    return [f"Above {MOST[of]:g} in {word}: {shown or 'none'}."]


# ---------------------------------------------------------------- tables


def _families(cells: Sequence[Cell]) -> list[str]:
    groups = {name: [cell for cell in cells if FAMILY[cell.method] == name] for name in dict.fromkeys(FAMILY.values())}
    groups["covariance, log-det and contrastive"] = [cell for cell in cells if FAMILY[cell.method] in FAST]
    groups["all"] = list(cells)
    rows = [
        f"| {name} | {len(group)} | "
        + " | ".join(
            f"{value(cell.ratio(of) for cell in group):.2f}" for of in (TIME, MEMORY) for value in (geometric, max)
        )
        + " |"
        for name, group in groups.items()
        if group
    ]
    head = ["| family | cells | time, mean | worst | memory, mean | worst |", "| --- | --- | --- | --- | --- | --- |"]
    return ["## Families", "", *head, *rows]


def _milliseconds(cell: Cell) -> str:
    return " / ".join(
        f"{1e3 * value:.3g}" if value < 1 else f"{1e3 * value:.0f}" for value in (cell.seconds[OURS], cell.best(TIME))
    )


def _table(title: str, found: Sequence[Cell | Skipped], shown) -> list[str]:
    columns = sorted({(cell.batch, cell.size) for cell in found})
    of = {(cell.method, cell.batch, cell.size): cell for cell in found if isinstance(cell, Cell) and cell.compared}
    lines = [f"## {title}", "", "| method | " + " | ".join(f"{b} × {s}" for b, s in columns) + " |"]
    lines.append("| --- |" + " --- |" * len(columns))
    for method in dict.fromkeys(cell.method for cell in found):
        cells = [of.get((method, *column)) for column in columns]
        lines.append(f"| {method} | " + " | ".join("–" if cell is None else shown(cell) for cell in cells) + " |")
    return lines


def _missing(found: Sequence[Cell | Skipped]) -> list[str]:
    """What has no figures, by reason."""
    reasons: dict[str, list[str]] = {}
    for cell in found:
        at = f"{cell.method} {cell.batch} × {cell.size}"
        if isinstance(cell, Skipped):
            reasons.setdefault(cell.reason, []).append(at)
            continue
        for name, reason in cell.left_out.items():
            reasons.setdefault(f"{name} {reason}", []).append(at)
    if not reasons:
        return []
    return ["## Not measured", "", *(f"- {reason}: {', '.join(places)}." for reason, places in reasons.items())]
