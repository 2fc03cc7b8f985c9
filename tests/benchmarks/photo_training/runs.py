"""Parts that train: an epoch by the clock, and SimSiam beside its ablations for as long as a command may last."""

from __future__ import annotations

import io
import json
import signal
import threading
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from losslang.training.loop import step
from losslang.training.side_by_side import train_side_by_side
from losslang.training.signals import Pending
from tests.benchmarks.photo_training.bench import Bench, Row

__all__ = ["METHODS", "epoch", "training"]

METHODS = ("simsiam", "simsiam_no_stopgrad", "simsiam_no_predictor")
"""One that learns, and two that collapse in theory."""


def epoch(bench: Bench) -> Iterable[Row]:
    """All photos once, ResNet-18, two views: seconds, and what came before the first step."""
    found: list[object] = []
    before = bench.seconds(lambda: found.append(bench.session("simsiam", data_on="device")))
    session = found[0]
    steps = session.batches.steps_per_epoch
    seconds = bench.seconds(lambda: step(session, None), steps) * steps
    yield {
        "images": steps * bench.batch,
        "seconds": seconds,
        "images/s": steps * bench.batch / seconds,
        "seconds before (reading, compiling)": before,
        "minutes for 200 epochs": seconds * 200 / 60,
        "peak GB": bench.memory(),
    }


def training(bench: Bench) -> Iterable[Row]:
    """SimSiam with and without what holds it up, side by side; the same command goes on where the last one stopped."""
    every = max(bench.images // bench.batch, 1) * max(bench.epochs // 20, 1)
    settings = {"epochs": str(bench.epochs), "evaluation__every": str(every), "checkpoint_every": str(every)}
    plans = [bench.plan(method, bench.folder / "runs" / method, **settings) for method in METHODS]
    pending = Pending()

    def stop() -> None:
        pending.number = int(signal.SIGTERM)

    timer = threading.Timer(60 * bench.minutes, stop)
    timer.start()
    try:
        quiet = Console(file=io.StringIO())
        outcomes = train_side_by_side(plans, quiet, pending, resume=True, quiet=True)
    finally:
        timer.cancel()
    for plan, outcome in zip(plans, outcomes, strict=True):
        for record in _measured(plan.folder):
            yield {"method": plan.spec.method_name} | record
        became = outcome.failure if outcome.result is None else outcome.result["verdict"]
        yield {"method": plan.spec.method_name, "became": became}


def _measured(folder: Path) -> Iterable[Row]:
    names = ("knn", "center_norm", "effective_rank")
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        if "knn" in record:
            yield {"epoch": record["epoch"], **{name: record[name] for name in names}}
