"""The toy results of every shipped method: train what is missing, then print the page.

    python -m tests.benchmarks.toy FOLDER > docs/results/toy.md

trains each method over five seeds on blobs (1,000 steps) and digits (300 steps) into FOLDER/DATA/METHOD, two methods at a
time and one thread each: about an hour on two cores. Stopped, it goes on where it was; what is finished is not trained again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.benchmarks.table import methods, page

SEEDS = 5
DATA = {"blobs": (), "digits": ("--recipe", "digits", "--set", "steps=300")}
"""Data set -> what its runs add to `losslang train`."""


def missing(folder: Path) -> list[list[str]]:
    """The commands that train what FOLDER has no result of."""
    commands = []
    for data, options in DATA.items():
        for path in methods():
            out = folder / data / path.stem
            if len(list(out.glob("seed*/result.json"))) < SEEDS:
                train = [sys.executable, "-m", "losslang", "train", str(path), "--data", data, *options]
                commands.append([*train, "--seeds", str(SEEDS), "--quiet", "--out", str(out)])
    return commands


def _train(command: list[str]) -> None:
    shutil.rmtree(command[-1], ignore_errors=True)  # seeds of an interrupted command
    done = subprocess.run(
        command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    print(" ".join(command[3:]), "" if done.returncode == 0 else done.stderr, file=sys.stderr)


def main() -> None:
    """Train, then print."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_train, missing(folder)))
    print(page([folder / data for data in DATA]), end="")


if __name__ == "__main__":
    main()
