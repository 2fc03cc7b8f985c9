"""Folders of procedural JPEGs with class structure, in the sizes of ImageNet's: for tests and timings.

    python -m tests.benchmarks.jpegs FOLDER --images 2000 --classes 100

writes `FOLDER/train/CLASS/*.jpg` and `FOLDER/val/CLASS/*.jpg`. A class is a colour, a texture (direction and frequency)
and a shape; place, size, lighting and background differ from image to image, so that a crop still shows the class.
"""

from __future__ import annotations

import argparse
import math
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["draw", "write_folder"]

_GOLDEN = 0.618033988749895


def draw(label: int, number: int, side: float = 430.0) -> np.ndarray:
    """One image [row, column, 3] in uint8; `side` is the root of its mean area in pixels."""
    rng = np.random.default_rng([label, number])
    height, width = _extent(rng, side)
    y, x = np.mgrid[0:height, 0:width] / side
    image = _background(rng, x, y)
    for _ in range(rng.integers(2, 5)):
        mask, texture = _object(rng, label, x, y, width / side, height / side)
        image = image + mask[..., None] * (texture - image)
    image = image * rng.uniform(0.7, 1.2) + rng.normal(0, 0.03, image.shape)
    return (255 * image.clip(0, 1)).astype(np.uint8)


def _extent(rng: np.random.Generator, side: float) -> tuple[int, int]:
    ratio = math.exp(rng.choice([-1, 1], p=[0.25, 0.75]) * abs(rng.normal(0.28, 0.08)))
    scale = side * math.exp(rng.normal(0, 0.1))
    return max(int(scale / math.sqrt(ratio)), 8), max(int(scale * math.sqrt(ratio)), 8)


def _background(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Soft waves of random colours."""
    waves = [np.sin(rng.uniform(2, 20) * x + rng.uniform(2, 20) * y + rng.uniform(0, 6)) for _ in range(3)]
    return 0.5 + 0.2 * np.stack(waves, axis=-1) + rng.uniform(-0.2, 0.2, 3)


def _object(
    rng: np.random.Generator, label: int, x: np.ndarray, y: np.ndarray, width: float, height: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mask [row, column] and texture [row, column, 3] of one object of a class."""
    u, v = x - rng.uniform(0.15, 0.85) * width, y - rng.uniform(0.15, 0.85) * height
    radius, corners = rng.uniform(0.15, 0.4), 3 + label % 5
    angle = np.arctan2(v, u) + rng.uniform(-0.3, 0.3)
    edge = radius * (1 + 0.25 * np.cos(corners * angle))
    mask = 1 / (1 + np.exp((np.hypot(u, v) - edge) * 60))
    direction, frequency = math.pi * (label * _GOLDEN % 1), 25 + 15 * (label // 5 % 4)
    stripes = 0.5 + 0.5 * np.sin(frequency / radius * 0.3 * (u * math.cos(direction) + v * math.sin(direction)))
    hue = 2 * math.pi * (label * _GOLDEN * 3 % 1)
    color = 0.5 + 0.45 * np.cos(hue + np.array([0, 2.1, 4.2]))
    return mask, stripes[..., None] * color + (1 - stripes[..., None]) * (1 - color) * 0.6


def _write(root: Path, side: float, job: tuple[str, int, int]) -> None:
    part, label, number = job
    path = root / part / f"class{label:03}" / f"{number:06}.jpg"
    Image.fromarray(draw(label, number, side)).save(path, quality=90)


def write_folder(
    root: Path, images: int, classes: int, *, held_out: float = 0.05, side: float = 430.0, processes: int = 1
) -> None:
    """Write `images` JPEGs in so many classes, and `held_out` times as many in `val` (at least one per class)."""
    held = max(round(images * held_out / classes), 1) * classes
    jobs = [("train", at % classes, at // classes) for at in range(images)]
    jobs += [("val", at % classes, 10**6 + at // classes) for at in range(held)]
    for part, label in {job[:2] for job in jobs}:
        (root / part / f"class{label:03}").mkdir(parents=True, exist_ok=True)
    if processes == 1:
        for job in jobs:
            _write(root, side, job)
        return
    with ProcessPoolExecutor(processes) as pool:
        list(pool.map(partial(_write, root, side), jobs, chunksize=32))


def main() -> None:
    """Read the command line and write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--side", type=float, default=430.0, help="root of the mean area in pixels")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    write_folder(options.folder, options.images, options.classes, side=options.side, processes=options.processes)


if __name__ == "__main__":
    main()
