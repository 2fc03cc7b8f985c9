"""The part that compares ways to bring views to the same step: ours, kornia's on the device, and workers with Pillow."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from losslang.data.policies import Photo
from losslang.training.session import Session
from tests.benchmarks.images import kornia_of
from tests.benchmarks.jpegs import write_folder
from tests.benchmarks.photo_training.bench import Bench, Row
from tests.benchmarks.photo_training.steps import stepping

__all__ = ["TwoViews", "loaders"]


def loaders(bench: Bench) -> Iterable[Row]:
    """Images per second of the same whole steps, by who makes the views."""
    session = bench.session("simsiam", data_on="device")
    works = {"losslang, resident": stepping(session, session.batches)}
    files = bench.folder / f"jpegs-{bench.photos}"
    if not files.exists():
        write_folder(
            files, bench.photos, bench.classes, side=bench.side if bench.device == "cpu" else 430, processes=bench.cores
        )
    policy = next(iter(session.plan.policies.values()))
    assert isinstance(policy, Photo)
    works[f"DataLoader, Pillow, {bench.cores} workers"] = stepping(session, Loaded(session, files, policy, bench))
    theirs = kornia_of(policy)
    if theirs is not None:
        works["kornia, resident"] = stepping(session, Foreign(session, theirs.to(bench.device)))
    found = bench.in_turns(works)
    for name, seconds in found.items():
        yield {
            "views by": name,
            "images/s": bench.batch / seconds,
            "times slower": seconds / found["losslang, resident"],
        }


class Foreign:
    """Views of the resident photos by another augmentation on the device; those of a session for the rest."""

    def __init__(self, session: Session, augmentation: torch.nn.Module) -> None:
        self._ours, self._augmentation = session.batches, augmentation

    def samples(self, step: int) -> Tensor:
        """The numbers of their images."""
        return self._ours.samples(step)

    def views(self, step: int) -> dict[str, Tensor]:
        """The views."""
        pixels: Any = self._ours.inputs[self.samples(step)]
        images = pixels.values.permute(0, 3, 1, 2).float() / 255
        return {name: self._augmentation(images).to(self._ours.like) for name in self._ours.policies}


class Loaded:
    """Views by processes that decode and augment image by image, as most libraries do."""

    def __init__(self, session: Session, files: Path, policy: Photo, bench: Bench) -> None:
        self._ours, self._device = session.batches, bench.device
        self._loader = DataLoader(
            TwoViews(sorted(files.glob("train/*/*.jpg")), policy, bench.batch * bench.steps),
            batch_size=bench.batch,
            num_workers=0 if bench.device == "cpu" else bench.cores,
            pin_memory=bench.device == "cuda",
            persistent_workers=bench.device == "cuda",
        )
        self._batches = self._endless()

    def samples(self, step: int) -> Tensor:
        """Any."""
        return self._ours.samples(step)

    def views(self, _step: int) -> dict[str, Tensor]:
        """The next ones."""
        views = next(self._batches)
        moved = [view.to(self._device, non_blocking=True).to(self._ours.like) for view in views]
        return dict(zip(self._ours.policies, moved, strict=True))

    def _endless(self) -> Iterator[list[Tensor]]:
        while True:
            yield from self._loader


@dataclass
class TwoViews(Dataset):
    """`count` times two views of files, in turn, by Pillow: what torchvision's transforms do to images of Pillow."""

    files: list[Path]
    policy: Photo
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, at: int) -> tuple[Tensor, Tensor]:
        """Two views of an image."""
        with Image.open(self.files[at % len(self.files)]) as image:
            whole = image.convert("RGB")
        return self._view(whole), self._view(whole)

    def _view(self, image: Image.Image) -> Tensor:
        policy, size = self.policy, self.policy.size
        image = image.resize((size, size), Image.Resampling.BICUBIC, box=_box(image, policy))
        if random.random() < policy.flip:
            image = ImageOps.mirror(image)
        if random.random() < policy.jitter:
            image = _jittered(image, policy)
        if random.random() < policy.grayscale:
            image = image.convert("L").convert("RGB")
        if random.random() < policy.blur:
            image = image.filter(ImageFilter.GaussianBlur(random.uniform(*policy.sigma)))
        if random.random() < policy.solarize:
            image = ImageOps.solarize(image)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
        return (pixels - torch.tensor(policy.mean)[:, None, None]) / torch.tensor(policy.std)[:, None, None]


def _box(image: Image.Image, policy: Photo) -> tuple[float, float, float, float]:
    width, height = image.size
    share, ratio = random.uniform(*policy.scale), random.uniform(*policy.ratio)
    wide, tall = (min((share * width * height * r) ** 0.5, side) for r, side in ((ratio, width), (1 / ratio, height)))
    left, top = random.uniform(0, width - wide), random.uniform(0, height - tall)
    return left, top, left + wide, top + tall


def _jittered(image: Image.Image, policy: Photo) -> Image.Image:
    kinds = [
        (ImageEnhance.Brightness, policy.brightness),
        (ImageEnhance.Contrast, policy.contrast),
        (ImageEnhance.Color, policy.saturation),
    ]
    for kind, width in random.sample(kinds, len(kinds)):
        image = kind(image).enhance(random.uniform(max(1 - width, 0), 1 + width))
    hue, saturation, value = image.convert("HSV").split()
    turned = (np.array(hue, dtype=np.int16) + round(255 * random.uniform(-policy.hue, policy.hue))).astype(np.uint8)
    return Image.merge("HSV", (Image.fromarray(turned), saturation, value)).convert("RGB")
