"""Data sets of photos: prepared caches, plain folders, and the well-known sets that have to be prepared first. Torch-free."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from pathlib import Path

from losslang.data.cache import INDEX, Cache, is_cache, open_cache
from losslang.data.datasets import Arrays, Dataset, Part
from losslang.data.origin import Origin, find_images
from losslang.data.readers import CacheReader, FolderReader, Reader
from losslang.diagnostics import LosslangError

__all__ = ["KNOWN", "known", "photos_at", "place"]


def _row(name: str, description: str, size: int, classes: int, samples: tuple[int, int], command: str) -> Dataset:
    def missing() -> Arrays:
        raise LosslangError(
            f"{name} is not prepared: {place(name, size)} is no cache. Make it with `{command}`, or name another with --data"
        )

    return Dataset(name, description, (3, size, size), classes, samples, _augmentation(size), missing, "photos")


def _augmentation(size: int) -> dict[str, object]:
    """Photos of 256 pixels and more give views of 224; small ones keep their size."""
    return {"policy": "photo", "size": 224 if size >= 256 else size}


def place(name: str, size: int) -> Path:
    """Where `losslang data` puts a cache if it is told no other place."""
    return Path("data") / f"{name}-{size}"


KNOWN: dict[str, Dataset] = {
    row.name: row
    for row in (
        _row(
            "imagenet100",
            "100 classes of ImageNet, prepared by `losslang data imagenet100`",
            256,
            100,
            (126_689, 5_000),
            "losslang data imagenet100 --from FOLDER",
        ),
        _row(
            "cifar10",
            "60,000 photos of 32×32 pixels, prepared by `losslang data hub cifar10`",
            32,
            10,
            (50_000, 10_000),
            "losslang data hub cifar10 --size 32",
        ),
    )
}


def known(name: str) -> Dataset | None:
    """A well-known set: its cache where there is one, else its description alone; None for other names."""
    row = KNOWN.get(name)
    if row is None:
        return None
    path = place(name, row.shape[1])
    return _of_cache(path) if is_cache(path) else row


def photos_at(path: Path) -> Dataset:
    """The data set of a cache, or of a folder that is read file by file. Raises LosslangError for what is neither."""
    if is_cache(path):
        return _of_cache(path)
    if (path / "plan.json").is_file():
        raise LosslangError(
            f"{path} is a cache that has not been finished; the `losslang data` command that began it goes on"
        )
    return _plain(find_images(path))


def _of_cache(path: Path) -> Dataset:
    return _opened(path.resolve(), (path / INDEX).stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _opened(path: Path, _written: int) -> Dataset:
    """Opened once for all runs of a process, which then share what lies in memory."""
    return _cached(open_cache(path))


def _cached(cache: Cache) -> Dataset:
    parts = CacheReader(cache, 0, cache.train), CacheReader(cache, cache.train, cache.test)
    return _photos(cache.name, f"cache {cache.path}", len(cache.classes), *parts)


def _plain(origin: Origin) -> Dataset:
    held = len(origin) - origin.train
    parts = FolderReader(origin, 256, 0, origin.train), FolderReader(origin, 256, origin.train, held)
    plain = _photos(origin.name, PLAIN, len(origin.classes), *parts)
    return dataclasses.replace(plain, remark=f"{origin.name}: {PLAIN}")


PLAIN = (
    "a folder, read file by file at every use; `losslang data folder` makes a cache of it, which is many times faster"
)


def _photos(name: str, description: str, classes: int, train: Reader, test: Reader) -> Dataset:
    if not len(test):
        raise LosslangError(f"{name} holds no images for evaluation: a folder val is missing")

    def load() -> Arrays:
        return Arrays(Part(train, train.labels), Part(test, test.labels))

    shape, samples = (3, train.size, train.size), (len(train), len(test))
    return Dataset(name, description, shape, classes, samples, _augmentation(train.size), load, "photos")
