"""Foresight: is the verdict before training true?

    python -m tests.benchmarks.foresight draw [--set fresh] [--objectives N]
    python -m tests.benchmarks.foresight train FILE [--set fresh] [--objectives N] [--processes 2]
    python -m tests.benchmarks.foresight report FILE > docs/results/foresight.md

`draw` shows the objectives. `train` trains those that FILE lacks, each on two data sets from two seeds, and adds a line for
each; it can be stopped and started again. `report` gives the verdict on every objective of FILE beside what became of it.
"""

from __future__ import annotations

import argparse
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from tests.benchmarks.foresight.records import SETS, objectives, read, trained, write


def main() -> None:
    """Run one of the steps."""
    parser = argparse.ArgumentParser(
        prog="foresight", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    steps = parser.add_subparsers(required=True)
    for name, step in (("draw", _draw), ("train", _train)):
        command = steps.add_parser(name)
        command.set_defaults(step=step)
        command.add_argument("--set", dest="part", choices=list(SETS), default="fresh")
        command.add_argument("--objectives", type=int)
        if name == "train":
            command.add_argument("file", type=Path)
            command.add_argument("--processes", type=int, default=1)
    given = parser.parse_args()
    given.step(given)


def _draw(given: argparse.Namespace) -> None:
    for one in objectives(given.part, given.objectives):
        print(f"# {given.part} {one.number}: {one.kind}\n{one.text}")


def _train(given: argparse.Namespace) -> None:
    done = {r.objective.number for r in read(given.file) if r.part == given.part} if given.file.exists() else set()
    left = [one for one in objectives(given.part, given.objectives) if one.number not in done]
    with get_context("spawn").Pool(given.processes) as pool, given.file.open("a", encoding="utf-8") as file:
        for record in pool.imap_unordered(partial(trained, given.part), left):
            file.write(write(record) + "\n")
            file.flush()


if __name__ == "__main__":
    main()
