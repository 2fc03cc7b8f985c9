"""The cache: images as uint8 pixels in one file that is mapped into memory, with an index. Torch-free.

    index.json    what it holds: classes, number of images, size, how images became squares, where they came from
    images.npy    a row per image: label, position in the pixels, original height and width, CRC-32 of its pixels
    pixels.bin    [position, row, column, channel], uint8

`index.json` is written last: a folder without it is a preparation that has not ended (see `losslang.data.prepare`).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from losslang.diagnostics import LosslangError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["FORMAT", "INDEX", "PIXELS", "ROW", "ROWS", "Cache", "is_cache", "open_cache"]

FORMAT = 1
INDEX, ROWS, PIXELS = "index.json", "images.npy", "pixels.bin"
ROW = [("label", "<i4"), ("position", "<i8"), ("height", "<i4"), ("width", "<i4"), ("crc", "<u4")]


def is_cache(path: Path) -> bool:
    """Whether a folder is a complete cache."""
    return (path / INDEX).is_file()


@dataclass(frozen=True)
class Cache:
    """A complete cache. The first `train` rows are training images, the others are held out."""

    path: Path
    index: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The data set's name."""
        return str(self.index["name"])

    @property
    def size(self) -> int:
        """Side of the images in pixels."""
        return int(self.index["size"])

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(self.index["classes"])

    @property
    def train(self) -> int:
        """Number of training images."""
        return int(self.index["train"])

    @property
    def test(self) -> int:
        """Number of held-out images."""
        return int(self.index["test"])

    @property
    def image_bytes(self) -> int:
        """Bytes of one image."""
        return 3 * self.size**2

    @cached_property
    def rows(self) -> np.ndarray:
        """The rows of `images.npy`. Raises LosslangError where the file is not what the index says."""
        import numpy as np

        try:
            content = (self.path / ROWS).read_bytes()
        except OSError as error:
            raise LosslangError(f"{self.path / ROWS}: {error.strerror}; {_AGAIN}") from error
        if zlib.crc32(content) != self.index["rows_crc"]:
            raise LosslangError(f"{self.path / ROWS} has changed since it was written (its CRC-32 differs); {_AGAIN}")
        return np.load(self.path / ROWS)

    @cached_property
    def pixels(self) -> np.ndarray:
        """[position, row, column, channel], read from the disk as it is used."""
        import numpy as np

        shape = (int(self.index["positions"]), self.size, self.size, 3)
        return np.memmap(self.path / PIXELS, np.uint8, "r", shape=shape)

    def damaged(self, rows: Iterable[int]) -> list[int]:
        """Those of the rows whose pixels are not what was written."""
        found = []
        for row in rows:
            entry = self.rows[row]
            if zlib.crc32(self.pixels[entry["position"]]) != entry["crc"]:
                found.append(row)
        return found


def open_cache(path: Path, *, look_at: int = 64) -> Cache:
    """A complete cache. `look_at` images, evenly spread, are compared with their checksums.

    Raises LosslangError for what is none, was written by another version, or is damaged.
    """
    try:
        index = json.loads((path / INDEX).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise LosslangError(
            f"{path} is no cache: it holds no {INDEX}; `losslang data --help` says how to make one"
        ) from None
    except (OSError, ValueError) as error:
        raise LosslangError(f"{path / INDEX} does not read ({error}); {_AGAIN}") from error
    if index.get("format") != FORMAT:
        raise LosslangError(f"{path} has the format {index.get('format')}, and this losslang reads {FORMAT}; {_AGAIN}")
    cache = Cache(path, index)
    wanted, there = index["positions"] * cache.image_bytes, _bytes(path / PIXELS)
    if there != wanted:
        raise LosslangError(f"{path / PIXELS} has {there} bytes in place of {wanted}; {_AGAIN}")
    count = len(cache.rows)
    damaged = cache.damaged(range(0, count, max(count // look_at, 1)) if look_at else ())
    if damaged:
        raise LosslangError(
            f"{path / PIXELS} is damaged: image {damaged[0]} and {len(damaged) - 1} others of those looked at differ from"
            f" their checksums (`losslang data verify {path}` looks at all); {_AGAIN}"
        )
    return cache


_AGAIN = "prepare the cache again with `losslang data … --overwrite`"


def _bytes(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
