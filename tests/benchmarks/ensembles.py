"""What ensembles save: figure 4 with and without them, and the time per member by the size of the ensemble.

    python -m tests.benchmarks.ensembles [--steps 1000] [--rounds 5]

writes docs/results/ensembles.md and .svg, in four minutes on two idle cores. The thirty runs of examples/figure4.yaml are
trained twice: one after another in one process, as `losslang train --in-turn` does, and by `losslang experiment` in two
processes. Both take turns of a few seconds, the other stopped meanwhile, so that what else the machine does hurts both alike.
Besides seconds on the clock it takes the CPU time of all processes; the machine's load is written down.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "results" / "ensembles.md"
METHODS = ("simsiam", "simsiam_no_predictor", "simsiam_no_stopgrad")

SIZES = (1, 2, 5, 10, 16, 25, 50)
STEPS_TIMED = 8

TURNS = (4.0, 1.0)
"""Seconds of a turn, of the runs one by one and of the experiment: about as long as they take."""


@dataclass(frozen=True)
class Cost:
    """Seconds of one program: on the clock, while it was its turn, and of all its processes' CPU time."""

    wall: float
    cpu: float


class Program:
    """A program of ours that runs in turns: it and its processes are stopped between them."""

    def __init__(self, *arguments: str) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", *arguments]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
        )
        self._signal(signal.SIGSTOP)
        self._over, self._wall, self._cpu = threading.Event(), 0.0, 0.0
        threading.Thread(target=self._await, daemon=True).start()

    def turn(self, seconds: float) -> bool:
        """Run for so long, or until it ends. Gives whether it goes on."""
        if self._over.is_set():
            return False
        start = time.perf_counter()
        self._signal(signal.SIGCONT)
        over = self._over.wait(seconds)
        self._wall += time.perf_counter() - start
        if not over:
            self._signal(signal.SIGSTOP)
        return not over

    @property
    def cost(self) -> Cost:
        """What it took, start included."""
        assert self._process.returncode == 0
        return Cost(self._wall, self._cpu)

    def _signal(self, number: int) -> None:
        os.killpg(self._process.pid, number)

    def _await(self) -> None:
        _, status, used = os.wait4(self._process.pid, 0)  # with the processes that it waited for
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._cpu = used.ru_utime + used.ru_stime
        self._over.set()


def figure_4(steps: int) -> tuple[Cost, Cost]:
    """The thirty runs one after another, and as an experiment in two processes."""
    with tempfile.TemporaryDirectory() as folder:
        lines = (ROOT / "examples" / "figure4.yaml").read_text(encoding="utf-8").splitlines()
        file = Path(folder, "figure4.yaml")  # without its drawing, which the runs one by one lack
        file.write_text("\n".join(line for line in lines if not line.startswith("plot:")) + "\n", encoding="utf-8")
        options = ["--out", f"{folder}/together", "--processes", "2", "--set", f"steps={steps}"]
        programs = (
            Program("tests.benchmarks.ensembles", "--one-by-one", folder, "--steps", str(steps)),
            Program("losslang", "experiment", str(file), *options),
        )
        going = list(zip(programs, TURNS, strict=True))
        while going:
            going = [(program, seconds) for program, seconds in going if program.turn(seconds)]
        one_by_one, together = programs
        return one_by_one.cost, together.cost


def train_one_by_one(folder: Path, steps: int) -> None:
    """The runs of figure 4 in one process, by the runner of `losslang train`."""
    from losslang.training.cli import train_main
    from losslang.training.plans import TrainOptions

    for data in ("blobs", "moons"):
        options = TrainOptions(
            data=data, seeds=5, set={"steps": str(steps)}, out=folder / data, in_turn=True, quiet=True
        )
        assert train_main([f"specs/{method}.yaml" for method in METHODS], options) == 0


# ---------------------------------------------------------------- time per member


def per_member(rounds: int) -> tuple[float, dict[int, float]]:
    """Milliseconds of CPU per step of SimSiam alone, and per step and member by the size of the ensemble; rounds interleaved."""
    timed: dict[int, Callable[[], object]] = {0: _alone(), **dict(_ensembles())}
    found: dict[int, list[float]] = {size: [] for size in timed}
    for turn in range(rounds + 1):
        for size, step in timed.items():
            count = STEPS_TIMED * (5 if size == 0 else 1)
            start = time.process_time()
            for _ in range(count):
                step()
            if turn:  # the first warms up
                found[size].append((time.process_time() - start) / count / max(size, 1) * 1000)
    medians = {size: statistics.median(values) for size, values in found.items()}
    return medians.pop(0), medians


def per_member_as_in_experiments(rounds: int) -> tuple[float, dict[int, float]]:
    """`per_member` in a process with the environment that those of `losslang experiment` have."""
    from losslang.experiment.work import ENVIRONMENT

    command = [sys.executable, "-m", "tests.benchmarks.ensembles", "--members", "--rounds", str(rounds)]
    environment = os.environ | ENVIRONMENT | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    alone, members = json.loads(done.stdout)
    return alone, {int(size): ms for size, ms in members.items()}


def _sessions(count: int) -> list:
    import torch

    from losslang.training.plan import resolve_run
    from losslang.training.session import open_session

    torch.set_num_threads(1)
    plan = resolve_run("specs/simsiam.yaml")
    sessions = [open_session(plan.with_seed(seed, Path())) for seed in range(count)]
    for session in sessions:
        session.model.train()
    return sessions


def _alone() -> Callable[[], object]:
    from losslang.training.loop import step

    (session,) = _sessions(1)
    return lambda: step(session, None)


def _ensembles() -> Iterator[tuple[int, Callable[[], object]]]:
    from losslang.data.stream import Stream
    from losslang.training.ensemble import Ensemble

    for size in SIZES:
        sessions = _sessions(size)
        yield size, Ensemble(sessions, [Stream([session.batches for session in sessions])] * size).step


# ---------------------------------------------------------------- the page


def page(steps: int, costs: tuple[Cost, Cost], alone: float, members: dict[int, float], load: float) -> str:
    """The results in words and tables."""
    one, together = costs
    rows = "\n".join(f"| {size} | {ms:.2f} | {alone / ms:.2f} |" for size, ms in members.items())
    return f"""\
# Ensembles

Written by `python -m tests.benchmarks.ensembles --steps {steps}` on {os.cpu_count()} cores. The load of the machine was
{load:.1f} before; above 1, others used it too. Nothing is compiled; starting the processes and evaluating the runs are
included, the experiment's drawing is not.

## Figure 4: three methods, two data sets, five seeds, {steps} steps

| | clock, s | CPU of all processes, s |
| --- | ---: | ---: |
| thirty runs one after another, one process | {one.wall:.0f} | {one.cpu:.1f} |
| `losslang experiment examples/figure4.yaml`, two processes | {together.wall:.0f} | {together.cpu:.1f} |
| ratio | {one.wall / together.wall:.2f} | {one.cpu / together.cpu:.2f} |

Both take turns of a few seconds, while the other is stopped. The two processes have equal shares, so on two cores of one's own
the ratio on the clock is about that of the CPU time twice: {2 * one.cpu / together.cpu:.1f}.

## Time per member

SimSiam of the toy recipe (width 64, batch 256), one thread, CPU milliseconds per step and member; alone a step takes
{alone:.2f}. Rounds are interleaved, medians.

| members | ms | faster than alone |
| ---: | ---: | ---: |
{rows}

![time per member](ensembles.svg)

## What an ensemble does

The first step is written down as a straight line of some 300 torch operations on stacks of all members, forward, backward and
running statistics (`losslang/training/tape.py`); later steps repeat these, but for logged ones, without autograd, torch.vmap
and the Python of networks and losses. The rows of a batch lie side by side in memory, where batch norm is a group norm: one
pass forward, one backward. Linear layers in a row, as the last of a backbone and the first of a projector, are one product.
The optimiser is one fused call. Of a step's time about half is in matrix products.
"""


def plot(alone: float, members: dict[int, float]) -> None:
    """The table as a figure."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "losslang"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    axes.plot(list(members), list(members.values()), marker="o", label="member of an ensemble")
    axes.axhline(alone, color="gray", linestyle="--", label="run alone")
    axes.set(xlabel="members", ylabel="CPU ms per step and member", xscale="log", ylim=(0, None))
    axes.set_xticks(list(members), [str(size) for size in members], minor=False)
    axes.minorticks_off()
    axes.legend()
    figure.savefig(PAGE.with_suffix(".svg"), metadata={"Date": None})


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one-by-one", type=Path)
    parser.add_argument("--members", action="store_true")
    options = parser.parse_args()
    if options.one_by_one is not None:
        train_one_by_one(options.one_by_one, options.steps)
        return
    if options.members:
        print(json.dumps(per_member(options.rounds)))
        return
    before = os.getloadavg()[0]
    alone, members = per_member_as_in_experiments(options.rounds)
    costs = figure_4(options.steps)
    PAGE.write_text(page(options.steps, costs, alone, members, before), encoding="utf-8")
    plot(alone, members)


if __name__ == "__main__":
    main()
