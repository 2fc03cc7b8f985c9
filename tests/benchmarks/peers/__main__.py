"""Our losses beside others: measure what is not measured yet, and write the page.

    python -m tests.benchmarks.peers --keep cells.jsonl --out docs/results/speed.md

goes through every method and size, forward and backward in float32, on the same inputs in one process. Run again with the
same file it goes on where it stopped, and measures again where our emitted code has changed since; `--again simclr,dcl`
measures methods again in any case. `--methods`, `--sizes 256x2048` and `--device cuda` choose less, or another device. What
stands in the page below the line `<!-- below: written by hand -->` is kept.
lightly and pytorch-metric-learning are beside us where they are installed (`pip install --no-deps lightly==1.6.0
pytorch-metric-learning==2.9.0`: what they depend on, torchvision and a trainer among it, is not needed for their losses).
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

from tests.benchmarks.peers.cases import BATCHES, CASES, FEATURES
from tests.benchmarks.peers.grid import Grid, limit_memory
from tests.benchmarks.peers.measuring import METERS, Cell
from tests.benchmarks.peers.page import line, page

BY_HAND = "<!-- below: written by hand -->"


def main() -> None:
    """Run, and write the page."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.peers", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--out", type=Path, help="the page; it is printed too")
    parser.add_argument("--keep", type=Path, help="file of finished cells, one JSON object a line")
    parser.add_argument("--again", default="", help="methods whose kept cells are measured again")
    parser.add_argument("--methods", default=",".join(case.method for case in CASES))
    parser.add_argument("--sizes", default=",".join(f"{b}x{s}" for b in BATCHES for s in FEATURES))
    parser.add_argument("--device", choices=METERS, default="cpu")
    parser.add_argument(
        "--limit", type=float, default=5.0, help="minutes that a step of all implementations may take (5)"
    )
    parser.add_argument(
        "--stop-after", type=float, default=math.inf, help="minutes after which nothing more is measured"
    )
    parser.add_argument("--memory", type=float, default=6.0, help="GiB that a cell may take on a CPU (6)")
    options = parser.parse_args()
    wanted = options.methods.split(",")
    cases = [case for case in CASES if case.method in wanted]
    sizes = [(int(b), int(s)) for b, s in (pair.split("x") for pair in options.sizes.split(","))]
    if options.device == "cpu":
        limit_memory(options.memory)
    again, total = options.again.split(","), options.stop_after
    found = []
    for cell in Grid(cases, sizes, options.device, options.limit, options.keep, again, total).cells():
        found.append(cell)
        if isinstance(cell, Cell):
            print(line(cell), file=sys.stderr, flush=True)
    text = page(found, options.device, options.memory)
    print(text)
    if options.out:
        options.out.write_text(text + _kept_by_hand(options.out), encoding="utf-8")


def _kept_by_hand(page_file: Path) -> str:
    """What somebody wrote below the mark in an earlier page, and the mark."""
    before = page_file.read_text(encoding="utf-8") if page_file.exists() else ""
    _, mark, rest = before.partition(BY_HAND)
    return f"\n{mark}{rest}" if mark else ""


if __name__ == "__main__":
    main()
