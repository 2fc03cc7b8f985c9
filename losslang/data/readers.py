"""Readers: pixels of photos by number, from a cache or straight from files. Torch-free."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from losslang.data.cache import Cache
from losslang.data.decode import Broken, Decoded, check_pillow, decode
from losslang.data.origin import Origin
from losslang.diagnostics import LosslangError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CacheReader", "FolderReader", "Read", "Reader"]


class Read(NamedTuple):
    """Pixels [image, row, column, channel] in uint8, and heights and widths [image, 2] of the originals."""

    values: np.ndarray
    extent: np.ndarray


class Reader(ABC):
    """One part of a data set of photos, read by the numbers of its images. `size` is the side of their pixels."""

    size: int

    @abstractmethod
    def __len__(self) -> int:
        """Number of images."""

    @property
    @abstractmethod
    def labels(self) -> np.ndarray:
        """The class of every image."""

    @abstractmethod
    def read(self, images: np.ndarray) -> Read:
        """Some images. Raises LosslangError where one does not read."""


class CacheReader(Reader):
    """The rows of a cache from `first` on, `count` of them."""

    def __init__(self, cache: Cache, first: int, count: int) -> None:
        self.size, self._cache, self._rows = cache.size, cache, slice(first, first + count)

    @cached_property
    def _own(self) -> np.ndarray:
        return self._cache.rows[self._rows]

    def __len__(self) -> int:
        """Number of images."""
        return len(self._own)

    @property
    def labels(self) -> np.ndarray:
        """The class of every image."""
        return self._own["label"]

    def read(self, images: np.ndarray) -> Read:
        """Some images, copied from the mapped file."""
        import numpy as np

        rows = self._own[images]
        return Read(self._cache.pixels[rows["position"]], np.stack([rows["height"], rows["width"]], axis=1))


class FolderReader(Reader):
    """Files, decoded every time they are read, by one thread per core (Pillow works outside of Python's lock)."""

    def __init__(self, origin: Origin, size: int, first: int, count: int) -> None:
        check_pillow()
        self.size, self._origin, self._first, self._count = size, origin, first, count

    @property
    def _identity(self) -> tuple[str, str, int, int, int]:
        return self._origin.source, self._origin.fingerprint, self.size, self._first, self._count

    def __eq__(self, other: object) -> bool:
        """Whether the other reads the same files, so that what was read of them can be shared."""
        return isinstance(other, FolderReader) and self._identity == other._identity

    def __hash__(self) -> int:
        """By the files."""
        return hash(self._identity)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(os.cpu_count() or 1)

    def __len__(self) -> int:
        """Number of images."""
        return self._count

    @property
    def labels(self) -> np.ndarray:
        """The class of every image."""
        import numpy as np

        return np.asarray(self._origin.labels[self._first : self._first + self._count])

    def read(self, images: np.ndarray) -> Read:
        """Some images. Raises LosslangError where one is broken: without a cache it cannot be left out."""
        import numpy as np

        found = list(self._threads.map(self._decoded, images.tolist()))
        extent = np.array([[image.height, image.width] for image in found])
        return Read(np.stack([image.pixels for image in found]), extent)

    def _decoded(self, image: int) -> Decoded:
        file = self._origin.read(self._first + image)
        try:
            return decode(file, self.size)
        except (Broken, OSError) as error:
            name = file if isinstance(file, Path) else self._origin.names[self._first + image]
            raise LosslangError(
                f"{name} does not read ({error}); `losslang data folder` leaves broken images out of its cache"
            ) from error
