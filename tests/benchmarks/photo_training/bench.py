"""What the parts have in common: sizes, generated photos, sessions, and timing."""

from __future__ import annotations

import io
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from losslang.data.cache import is_cache
from losslang.data.origin import Origin
from losslang.data.prepare import Preparation, prepare
from losslang.pipeline import load
from losslang.shipped import shipped_specs
from losslang.training.loop import step
from losslang.training.plan import RunPlan, resolve_run
from losslang.training.session import Session, open_session
from losslang.training.speed import speed_up
from tests.benchmarks.jpegs import draw

__all__ = ["Bench", "Fixed", "LeftOut", "Row", "picture"]

Row = dict[str, object]
"""One line of a part's table, by column."""


class LeftOut(Exception):
    """A part that cannot be done here, and why."""


def picture(side: float, classes: int, number: int) -> bytes:
    """A generated image as uncompressed bytes, drawn anew whenever it is read."""
    file = io.BytesIO()
    Image.fromarray(draw(number % classes, number // classes, side)).save(file, "PPM")
    return file.getvalue()


@dataclass
class Fixed:
    """Batches that are always the same tensors on the device: what is left of a step is computation."""

    made: Mapping[str, Tensor]
    rows: Tensor
    waited: float = 0.0

    def views(self, _step: int) -> Mapping[str, Tensor]:
        """The views."""
        return self.made

    def samples(self, _step: int) -> Tensor:
        """The numbers of their images."""
        return self.rows


@dataclass(frozen=True)
class Bench:
    """How large everything is, and where it runs. `settings` are for every run, as `--set` takes them."""

    device: str
    folder: Path
    images: int = 126_689
    held_out: int = 5_000
    classes: int = 100
    side: float = 128.0
    pixels: int = 256
    size: int = 224
    batch: int = 256
    steps: int = 20
    rounds: int = 3
    minutes: float = 9.0
    epochs: int = 40
    networks: tuple[str, ...] = ("resnet18", "resnet50", "vit_s")
    photos: int = 2000
    settings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def smoke(cls, folder: Path) -> Bench:
        """Everything once, in seconds, on a CPU."""
        small = {
            "backbone.width": "4",
            "backbone.stem": "cifar",
            "precision": "float32",
            "compile": "never",
            "threads": "1",
        }
        return cls(
            "cpu", folder, 40, 8, 4, 24.0, 20, 16, 8, 2, 1, 0.2, 1, ("resnet18",), 12,
            {**small, "layout": "channels_first", "evaluation.calibration": "1"},
        )  # fmt: skip

    @cached_property
    def cache(self) -> Path:
        """The cache of generated photos, made where it is not there yet."""
        path = self.folder / f"cache-{self.images}-{self.pixels}"
        if not is_cache(path):
            count = self.images + self.held_out
            origin = Origin(
                name="generated",
                source="tests.benchmarks.photo_training",
                classes=tuple(f"class{at:03}" for at in range(self.classes)),
                labels=[at % self.classes for at in range(count)],
                names=[str(at) for at in range(count)],
                train=self.images,
                fingerprint=f"{count} {self.side}",
                split="the last ones",
                read=partial(picture, self.side, self.classes),
            )
            prepare(origin, path, Preparation(size=self.pixels, processes=self.cores))
        return path

    @property
    def cores(self) -> int:
        """Processes that draw and decode."""
        return os.cpu_count() or 1

    def plan(self, method: str, out: Path | None = None, **settings: str) -> RunPlan:
        """A run of a method by the recipe of ImageNet-100 on the generated photos."""
        path = shipped_specs()[method]
        names = {"width": "16", "size": "8", "bottleneck": "8"} if self.device == "cpu" else {}
        small = {f"parameters.{name}": value for name, value in names.items() if name in load(path).parameters}
        sets = {
            "batch_size": str(self.batch),
            "device": self.device,
            "augmentation.all.size": str(self.size),
            "evaluation.online": "never",
            "evaluation.every": "0",
            "log_every": "50",
        }
        given = {name.replace("__", "."): value for name, value in settings.items()}
        return resolve_run(
            path, "imagenet100", data=str(self.cache), sets=sets | small | self.settings | given, out=out
        )

    def session(self, method: str, **settings: str) -> Session:
        """A run in memory, compiled as the recipe says, that has done its first steps."""
        session = open_session(self.plan(method, **settings))
        speed_up(session, print)
        session.model.train()
        for _ in range(min(self.steps, 5)):
            step(session, None)
        self.wait()
        return session

    def fixed(self, session: Session) -> Fixed:
        """One batch of a session's views, to be seen again and again: as large as the others, of random numbers."""
        views = {name: torch.randn_like(view) for name, view in session.batches.views(0).items()}
        return Fixed(views, session.batches.samples(0))

    def wait(self) -> None:
        """Until the device has done what it was given."""
        if self.device == "cuda":
            torch.cuda.synchronize()

    def seconds(self, work: Callable[[], object], times: int = 1) -> float:
        """Of one call, the mean of so many."""
        self.wait()
        started = time.perf_counter()
        for _ in range(times):
            work()
        self.wait()
        return (time.perf_counter() - started) / times

    def in_turns(self, works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
        """Median seconds per call of each, the rounds of all taking turns after one that does not count."""
        found: dict[str, list[float]] = {name: [] for name in works}
        for counts in [False] + [True] * self.rounds:
            for name, work in works.items():
                seconds = self.seconds(work, self.steps)
                if counts:
                    found[name].append(seconds)
        return {name: statistics.median(values) for name, values in found.items()}

    def memory(self) -> float:
        """The most that the GPU held since the last question, in GB; NaN on a CPU."""
        if self.device != "cuda":
            return float(np.nan)
        most = torch.cuda.max_memory_allocated() / 1e9
        torch.cuda.reset_peak_memory_stats()
        return most
