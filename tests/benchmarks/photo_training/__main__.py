"""Training on photos, measured part by part. A part that fails says so, and the others go on.

    python -m tests.benchmarks.photo_training --device cuda                      # all parts but the long training
    python -m tests.benchmarks.photo_training --device cuda --parts training     # 9 minutes of it; again to go on
    python -m tests.benchmarks.photo_training --smoke                            # everything, tiny, on a CPU

Generated photos lie in --folder, where the next command finds them (25 GB at full size, a minute or two of 16 cores; where
that is too much, --images 20000). Prints Markdown, and with --out writes every row as a line of JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch

from tests.benchmarks.photo_training.bench import Bench, LeftOut, Row
from tests.benchmarks.photo_training.loaders import loaders
from tests.benchmarks.photo_training.runs import epoch, training
from tests.benchmarks.photo_training.steps import byol, gaps, losses, rates

PARTS: dict[str, Callable[[Bench], Iterable[Row]]] = {
    part.__name__: part for part in (rates, loaders, byol, losses, gaps, epoch, training)
}
LONG = {"training"}


def measured(bench: Bench, parts: Sequence[str], out: Path | None) -> dict[str, str]:
    """Do parts one after the other, print each, and give what became of it: `done`, or why it was not."""
    became = {}
    for name in parts:
        started = time.perf_counter()
        print(f"\n## {name}\n\n{(PARTS[name].__doc__ or '').splitlines()[0]}\n", flush=True)
        rows: list[Row] = []
        try:
            for row in PARTS[name](bench):
                rows.append(row)
                _keep(out, {"part": name, **row})
            became[name] = "done"
        except LeftOut as reason:
            became[name] = f"left out: {reason}"
        except Exception as error:  # noqa: BLE001 - the other parts are to be measured all the same
            traceback.print_exc()
            became[name] = f"failed: {type(error).__name__}: {str(error).splitlines()[:1]}"
        print(_table(rows))
        print(f"{became[name]} ({time.perf_counter() - started:.0f} s)", flush=True)
        _keep(out, {"part": name, "became": became[name]})
        if bench.device == "cuda":
            torch.cuda.empty_cache()
    return became


def _keep(out: Path | None, row: Row) -> None:
    if out is not None:
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, default=str) + "\n")


def _table(rows: Sequence[Row]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if not columns:
        return ""
    head = f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}\n"
    return head + "".join(f"| {' | '.join(_cell(row.get(name)) for name in columns)} |\n" for row in rows)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return "" if value is None else str(value)


def main(arguments: Sequence[str] | None = None) -> dict[str, str]:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--parts", nargs="+", choices=[*PARTS], help="all but the long training")
    parser.add_argument("--smoke", action="store_true", help="everything, tiny, on a CPU")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "losslang-photos")
    parser.add_argument("--out", type=Path, help="a file that gets every row as a line of JSON")
    own = {name: kind for name, kind in Bench.__annotations__.items() if kind in {"int", "float"}}
    for name, kind in own.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type={"int": int, "float": float}[kind])
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    bench = Bench.smoke(options.folder) if options.smoke else Bench(options.device, options.folder)
    given = {name: getattr(options, name) for name in own if getattr(options, name) is not None}
    bench = dataclasses.replace(bench, **given)
    if bench.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch finds no GPU here; --smoke measures on a CPU")
    name = torch.cuda.get_device_name() if bench.device == "cuda" else platform.processor() or "CPU"
    print(f"# Training on photos: {name}, torch {torch.__version__}, batch {bench.batch}, {bench.size} pixels")
    parts = options.parts or [part for part in PARTS if options.smoke or part not in LONG]
    became = measured(bench, parts, options.out)
    print("\n" + "\n".join(f"{part}: {words}" for part, words in became.items()))
    return became


if __name__ == "__main__":
    main()
