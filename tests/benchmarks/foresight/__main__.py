"""Foresight: is the verdict before training true?

    python -m tests.benchmarks.foresight draw [--set fresh_2] [--objectives N]
    python -m tests.benchmarks.foresight train FILE [--set fresh_2] [--objectives N] [--processes 2]
    python -m tests.benchmarks.foresight judge FILE
    python -m tests.benchmarks.foresight report FILE > docs/results/foresight.md

`draw` shows the objectives. `train` trains those that FILE lacks, each on two data sets from two seeds (six seconds), and adds
a line for each; it can be stopped and started again. `judge` asks the verdict on every objective of FILE, and `report` lays
what it said beside what became of it.
"""

from __future__ import annotations

import argparse
import platform
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import losslang
from tests.benchmarks.foresight.judging import ask
from tests.benchmarks.foresight.records import SETS, objectives, read, write
from tests.benchmarks.foresight.report import page
from tests.benchmarks.foresight.work import trained


def main() -> None:
    """Run one of the steps."""
    parser = argparse.ArgumentParser(
        prog="foresight", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    steps = parser.add_subparsers(required=True)
    for name, step in (("draw", _draw), ("train", _train), ("judge", _judge), ("report", _report)):
        command = steps.add_parser(name)
        command.set_defaults(step=step)
        if name != "draw":
            command.add_argument("file", type=Path)
        if name in {"draw", "train"}:
            command.add_argument("--set", dest="part", choices=list(SETS), default="fresh_2")
            command.add_argument("--objectives", type=int)
        if name == "train":
            command.add_argument("--processes", type=int, default=1)
    given = parser.parse_args()
    given.step(given)


def _draw(given: argparse.Namespace) -> None:
    for one in objectives(given.part)[: given.objectives]:
        print(f"# {given.part} {one.number}: {one.kind}\n{one.text}")


def _train(given: argparse.Namespace) -> None:
    if not given.file.exists():
        write(given.file, _about(), [])
    done = {record.objective.number for record in read(given.file)[1] if record.part == given.part}
    left = [one for one in objectives(given.part)[: given.objectives] if one.number not in done]
    with get_context("spawn").Pool(given.processes) as pool, given.file.open("a", encoding="utf-8") as file:
        for record in pool.imap_unordered(partial(trained, given.part), left):
            file.write(record.line() + "\n")
            file.flush()


def _judge(given: argparse.Namespace) -> None:
    about, records = read(given.file)
    write(given.file, about | _about(), [record.judged(ask(record.objective)) for record in records])


def _report(given: argparse.Namespace) -> None:
    print(page(*read(given.file)), end="")


def _about() -> dict[str, str]:
    """When, and with what."""
    found = {name: version(name) for name in ("torch", "numpy")} | {"losslang": losslang.__version__}
    return {"date": datetime.now(UTC).date().isoformat(), "python": platform.python_version(), **found}


if __name__ == "__main__":
    main()
