"""`losslang eval` and `losslang export`: what is done with runs after training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = ["evaluate_runs", "export_run"]


def evaluate_runs(runs: Sequence[Path], data: str | None) -> int:
    """Measure each run, print the numbers and write them into its folder. Raises LosslangError."""
    from losslang.training.evaluate import evaluate

    for run in runs:
        found = evaluate(run, data=data)
        print(f"{run}, step {found['step']}, on {found['data']}")
        for name, value in found["measured"].items():
            print(f"  {name:22}{value:.4f}")
        print(f"  written to {found['file']}")
    return 0


def export_run(run: Path, target: str, out: Path | None) -> int:
    """Write a run's backbone and say how it is loaded. Raises LosslangError."""
    from losslang.training.export import export

    written = export(run, target, out)
    print(f"{written.path}: {written.about}\n{written.usage}")
    return 0
