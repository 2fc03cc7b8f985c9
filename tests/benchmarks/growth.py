"""How a step grows with the batch and the number of processes, beside what the cost model predicts.

    python -m tests.benchmarks.growth [--again]

measures (or, with --again, takes from docs/results/growth.json) and writes docs/results/growth.md and .svg. The model is that of
`losslang explain --cost --world W`: operations, exchanges and bytes sent of each process, and the network's own. Its constants
come from two cells of VICReg, batch 1024: on one process the rate of operations, on two the bandwidth and the time of an
exchange. All other cells are predicted.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from tests.benchmarks.growth_cells import BATCHES, DIMENSIONS, INPUT, STEPS, WIDTH, WORLDS, Cell, measure

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "results" / "growth.md"
CALIBRATED = ("vicreg", 1024)


@dataclass(frozen=True)
class Work:
    """What one process does in a step, and sends."""

    operations: float
    exchanges: int
    sent: float
    held: float
    """Bytes written, of the loss and the network."""


@dataclass(frozen=True)
class Machine:
    """Operations and bytes a second, and seconds of an exchange."""

    rate: float
    bandwidth: float
    latency: float

    def seconds(self, work: Work, share: float = 1.0) -> float:
        """A step, where a process has a share of a core."""
        return work.operations / self.rate / share + work.sent / self.bandwidth + work.exchanges * self.latency


@cache
def work(method: str, batch: int, world: int) -> Work:
    """A step of the small network and the method's loss, by the model."""
    loss, exchanges, sent, written = loss_work(method, batch, world, DIMENSIONS[method])
    weights = INPUT * WIDTH + WIDTH * DIMENSIONS[method]
    rows = 2 * batch / world
    values = 4 * rows * (INPUT + 3 * WIDTH + 2 * DIMENSIONS[method])
    gradient = 2 * 4 * weights * (world - 1) / world
    return Work(6 * weights * rows + loss, exchanges, sent + gradient, written + values)


@cache
def loss_work(method: str, batch: int, world: int, dimension: int) -> tuple[float, int, float, float]:
    """Operations, exchanges there and back, bytes sent and bytes written of the loss."""
    import losslang
    from losslang.algebra.cost import Sizes
    from losslang.algebra.cost_of_many import cost_of_many

    found = cost_of_many(losslang.load(method, input_sizes={"z": dimension}), Sizes(batch, world))
    exchanges = found.exchanges + found.back if world > 1 else 0
    return found.cost.operations, exchanges, found.sent, found.cost.bytes


def calibrated(cells: Sequence[Cell], quantity: str) -> Machine:
    """The constants by two cells, for seconds on the `clock` or of the `processor`."""
    one, two = (next(c for c in cells if (c.method, c.batch, c.world) == (*CALIBRATED, world)) for world in (1, 2))
    alone, shared = (work(*CALIBRATED, world) for world in (1, 2))
    rate = alone.operations / getattr(one, quantity)
    latency = two.exchange if quantity == "clock" else 0.0
    left = getattr(two, quantity) - shared.operations / rate - shared.exchanges * latency
    return Machine(rate, shared.sent / max(left, 1e-4), latency)


def core_share(world: int) -> float:
    """Of a core, what each process has."""
    return min(1.0, (os.cpu_count() or 1) / world)


def predicted(cell: Cell, machine: Machine, quantity: str) -> float:
    """Seconds of a cell by the model."""
    share = core_share(cell.world) if quantity == "clock" else 1.0
    return machine.seconds(work(cell.method, cell.batch, cell.world), share)


def ratios(cells: Sequence[Cell], machine: Machine, quantity: str) -> list[float]:
    """Measured over predicted, of the cells that calibrated nothing."""
    others = [c for c in cells if (c.method, c.batch) != CALIBRATED or c.world > 2]
    return [getattr(c, quantity) / predicted(c, machine, quantity) for c in others]


# ---------------------------------------------------------------- 64 GPUs


H100 = Machine(rate=2e14, bandwidth=3e11, latency=3e-5)
"""Assumed: 20 % of the 989e12 operations a second in bf16 of the data sheet, as ResNets reach; machines of eight GPUs with a
network card of 400 Gb/s for each, through which the rings of all eight go, of which 75 % arrives; 30 µs for an exchange."""

LOSS = 2.0
"""How much slower than the network the loss is in operations, in float32 (TF32): at 1e14 a second."""

OF_IMAGE = 6 * 4.1e9
"""Operations of ResNet-50 for one image of 224 pixels, forward and backward: three times two for each of 4.1e9 products."""

ON_GPUS = {"vicreg": (8192, 25.6e6 + 151e6), "simclr": (128, 25.6e6 + 4.5e6), "coding_rate": (256, 25.6e6 + 8.9e6)}
"""Dimension, and parameters of ResNet-50 and the method's projector."""


@dataclass(frozen=True)
class OnGpus:
    """Milliseconds of a step on each of 64 GPUs, and the share of one GPU's speed with the same rows that is left."""

    network: float
    loss: float
    gradients: float
    exchanged: float
    sent: float
    kept: float


def on_gpus(method: str, batch: int, world: int = 64) -> OnGpus:
    """The prediction. The exchange of gradients is counted in full, not hidden behind the backward pass."""
    dimension, parameters = ON_GPUS[method]
    operations, exchanges, sent, _ = loss_work(method, batch, world, dimension)
    alone, *_ = loss_work(method, batch // world, 1, dimension)
    network = 2 * batch / world * (OF_IMAGE + 6 * (parameters - 25.6e6)) / H100.rate
    loss, of_one = LOSS * operations / H100.rate, LOSS * alone / H100.rate
    gradients = 2 * 4 * parameters * (world - 1) / world / H100.bandwidth
    exchanged = sent / H100.bandwidth + exchanges * H100.latency
    kept = (network + of_one) / (network + loss + gradients + exchanged)
    return OnGpus(1e3 * network, 1e3 * loss, 1e3 * gradients, 1e3 * exchanged, sent, kept)


# ---------------------------------------------------------------- the page


def page(cells: Sequence[Cell], load: Sequence[float], note: str = "") -> str:
    """The results in words and tables; `note` says what is particular about the measurement."""
    clock, processor = calibrated(cells, "clock"), calibrated(cells, "processor")
    rows = "\n".join(_row(cell, clock, processor) for cell in cells)
    gpus = "\n".join(_gpu_row(method, batch) for method in ON_GPUS for batch in (1024, 4096, 16384))
    sizes = ", ".join(f"{method} {dimension}" for method, dimension in DIMENSIONS.items())
    return f"""\
# Growth

Written by `python -m tests.benchmarks.growth` on {os.cpu_count()} cores: a step of a network of two layers ({INPUT} → {WIDTH} →
dimension: {sizes}) and the loss, forward and backward, with the exchange of gradients; gloo, float32, one
thread a process, medians of {STEPS} steps. The load of the machine was {load[0]:.1f} before and {load[1]:.1f} after:
where it was above 1 before, others used it too, and the clock says more about them than about us. Four processes are more
than there are cores. So
the time of the processor that each process took stands beside the clock, and the figure shows it.{note and f" {note}"}

![time of the processor and memory by batch](growth.svg)

The lines are the model of `losslang explain --cost`, its constants from two cells (VICReg, batch 1024, one and two processes).

| | operations a second | bytes sent a second | an exchange | measured over predicted, the other cells |
| --- | ---: | ---: | ---: | --- |
| processor | {_constants(processor)} | {_spread(ratios(cells, processor, "processor"))} |
| clock | {_constants(clock)} | {_spread(ratios(cells, clock, "clock"))} |

Memory is what a process grew by; the model counts values written, some of which are freed on the way, and not what libraries
keep. It counts no fixed cost of an operation, which is most of a small batch's, and an exponential as one operation.

| method | processes | batch | processor, ms | model | clock, ms | model | memory, MB | model |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{rows}

## 64 GPUs, by the model

Nothing here was measured. Assumed are 64 GPUs of the kind H100, eight in a machine: {H100.rate:.0e} operations a second for the
network in bf16 (20 % of the data sheet), half of that for the loss in float32 (TF32), {H100.bandwidth:.0e} bytes a second sent by
each (a network card of 400 Gb/s for each GPU, through all of which the rings of a machine go, at 75 %), 30 µs for an exchange.
The network is ResNet-50 at 224 pixels, two views, with a projector as in the method's paper. Gradients are exchanged after the
backward pass, as losslang does it, in float32. What is kept is the speed of one GPU that has the same number of rows for itself,
with a loss of those rows alone. Batch norm over all processes is not counted.

| method | batch | network, ms | loss, ms | gradients, ms | loss exchanged, ms | sent by the loss | speed kept |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{gpus}
"""


def _constants(machine: Machine) -> str:
    latency = f"{1e3 * machine.latency:.2f} ms" if machine.latency else "in the bytes"
    return f"{machine.rate / 1e9:.1f}e9 | {machine.bandwidth / 1e9:.2f}e9 | {latency}"


def _spread(found: Sequence[float]) -> str:
    return f"{min(found):.2f} to {max(found):.2f}, median {statistics.median(found):.2f}"


def _row(cell: Cell, clock: Machine, processor: Machine) -> str:
    numbers = [
        f"{1e3 * cell.processor:.1f}",
        f"{1e3 * predicted(cell, processor, 'processor'):.1f}",
        f"{1e3 * cell.clock:.0f}",
        f"{1e3 * predicted(cell, clock, 'clock'):.0f}",
        f"{cell.memory / 1e6:.0f}",
        f"{work(cell.method, cell.batch, cell.world).held / 1e6:.0f}",
    ]
    return " | ".join([f"| {cell.method}", str(cell.world), str(cell.batch), *numbers]) + " |"


def _gpu_row(method: str, batch: int) -> str:
    found = on_gpus(method, batch)
    numbers = [f"{value:.2f}" for value in (found.network, found.loss, found.gradients, found.exchanged)]
    return " | ".join([f"| {method}", str(batch), *numbers, f"{found.sent / 1e6:.1f} MB", f"{found.kept:.0%}"]) + " |"


def plot(cells: Sequence[Cell]) -> None:
    """Processor time and memory of each process by batch: points measured, lines by the model."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "losslang"
    from matplotlib import pyplot as plt

    machine = calibrated(cells, "processor")
    figure, axes = plt.subplots(2, len(DIMENSIONS), figsize=(9, 5.2), layout="constrained", sharex=True, sharey="row")
    for column, method in enumerate(DIMENSIONS):
        for color, marker, world in zip(("#0072b2", "#d55e00", "#009e73"), "os^", WORLDS, strict=True):
            own = [c for c in cells if (c.method, c.world) == (method, world)]
            times = [1e3 * predicted(c, machine, "processor") for c in own]
            held = [work(c.method, c.batch, c.world).held / 1e6 for c in own]
            label = f"{world} process{'es' if world > 1 else ''}"
            for at, (found, model) in enumerate(
                [([1e3 * c.processor for c in own], times), ([c.memory / 1e6 for c in own], held)]
            ):
                axes[at, column].plot(BATCHES, model, color=color, linewidth=1)
                axes[at, column].plot(BATCHES, found, marker, color=color, label=label, markersize=5)
        axes[0, column].set(title=f"{method}, {DIMENSIONS[method]} features", xscale="log", yscale="log")
        axes[1, column].set(yscale="log", xlabel="batch of all processes")
        axes[1, column].set_xticks(BATCHES, [str(batch) for batch in BATCHES])
        axes[1, column].minorticks_off()
    axes[0, 0].set_ylabel("processor time\nof each, ms a step")
    axes[1, 0].set_ylabel("memory of each, MB")
    axes[0, 0].legend(fontsize="small", title="points measured, lines model", title_fontsize="small")
    figure.savefig(PAGE.with_suffix(".svg"), metadata={"Date": None})


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--again", action="store_true", help="write the page anew from the last measurement")
    kept = PAGE.with_suffix(".json")
    if parser.parse_args().again:
        record = json.loads(kept.read_text(encoding="utf-8"))
        cells, load, note = [Cell(**cell) for cell in record["cells"]], record["load"], record.get("note", "")
    else:
        before = os.getloadavg()[0]
        cells = [cell for method in DIMENSIONS for world in WORLDS for cell in measure(method, world)]
        load, note = [before, os.getloadavg()[0]], ""
        record = {"load": load, "cells": [asdict(cell) for cell in cells]}
        kept.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(cells, load, note), encoding="utf-8")
    plot(cells)


if __name__ == "__main__":
    main()
