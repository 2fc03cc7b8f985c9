"""Photos on their way to the device: all of them there at once, or batch after batch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from losslang.data.photos import Pixels, clean_view
from losslang.data.policies import Photo
from losslang.data.readers import Reader

__all__ = ["CleanPhotos", "Resident", "Store", "Streamed", "open_store"]

_SHARE = 0.5
"""Of a device's free memory, what photos may take to stay there."""

_PART = 4096  # images that are copied at a time


class Store(Protocol):
    """Inputs by the numbers of their samples [batch]; a tensor is one too."""

    def __len__(self) -> int:
        """Number of samples."""

    def __getitem__(self, samples: Tensor) -> Tensor | Pixels:
        """The inputs of some samples, on the device."""


@dataclass(frozen=True)
class Resident:
    """Photos that lie on the device, all of them."""

    pixels: Pixels

    def __len__(self) -> int:
        """Number of photos."""
        return len(self.pixels.values)

    def __getitem__(self, samples: Tensor) -> Pixels:
        """Some photos."""
        return Pixels(self.pixels.values[samples], self.pixels.extent[samples])


class Streamed:
    """Photos that are read as they are needed; `expect` reads ahead in a thread, so that the device need not wait.

    `waited` is the time in seconds for which a batch was not there yet.
    """

    def __init__(self, reader: Reader, device: torch.device) -> None:
        self._reader, self._device = reader, device
        self._ahead: dict[int, Future[_Moving]] = {}
        self.waited = 0.0

    def __len__(self) -> int:
        """Number of photos."""
        return len(self._reader)

    def __getitem__(self, samples: Tensor) -> Pixels:
        """Some photos. Raises LosslangError where one does not read."""
        return _arrived(self._read(samples))

    def expect(self, key: int, samples: Tensor) -> None:
        """Begin to read photos that will be asked for under this key; `samples` [batch] on the CPU."""
        self._ahead = {key: self._thread.submit(self._read, samples)}

    def take(self, key: int, samples: Tensor) -> Pixels:
        """The photos of a key, expected or not. Raises LosslangError where one does not read."""
        started = time.perf_counter()
        moving = self._ahead.pop(key).result() if key in self._ahead else self._read(samples)
        self.waited += time.perf_counter() - started
        return _arrived(moving)

    @cached_property
    def _thread(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1)

    @cached_property
    def _stream(self) -> torch.cuda.Stream:
        return torch.cuda.Stream(self._device)

    def _read(self, samples: Tensor) -> _Moving:
        """Photos that are on their way: beside the computation, where the device is a GPU."""
        read = self._reader.read(samples.cpu().numpy())
        pixels = Pixels(torch.from_numpy(read.values), torch.from_numpy(read.extent))
        if self._device.type != "cuda":
            return _Moving(pixels, None)
        with torch.cuda.stream(self._stream):
            moved = Pixels(*(part.pin_memory().to(self._device, non_blocking=True) for part in pixels))
            return _Moving(moved, self._stream.record_event())


class _Moving(NamedTuple):
    pixels: Pixels
    event: torch.cuda.Event | None


def _arrived(moving: _Moving) -> Pixels:
    """Photos that the computation may use: it waits for them on the device, this process does not."""
    if moving.event is not None:
        current = torch.cuda.current_stream()
        current.wait_event(moving.event)
        for part in moving.pixels:
            part.record_stream(current)
    return moving.pixels


def open_store(reader: Reader, device: torch.device, *, resident: bool | None = None) -> Resident | Streamed:
    """Photos on the device where they fit into half of its free memory (or as `resident` says), else a stream of them.

    On a CPU a cache is in memory as far as the system keeps its file there, and nothing is copied.
    """
    fits = device.type == "cuda" and _bytes(reader) < _SHARE * torch.cuda.mem_get_info(device)[0]
    return _resident(reader, device) if (fits if resident is None else resident) else Streamed(reader, device)


def _bytes(reader: Reader) -> int:
    return len(reader) * 3 * reader.size**2


@lru_cache(maxsize=2)
def _resident(reader: Reader, device: torch.device) -> Resident:
    """All photos of a part; runs of one process share them."""
    values = torch.empty((len(reader), reader.size, reader.size, 3), dtype=torch.uint8, device=device)
    extent = torch.empty((len(reader), 2), dtype=torch.int32, device=device)
    for at in range(0, len(reader), _PART):
        read = reader.read(np.arange(at, min(at + _PART, len(reader))))
        values[at : at + _PART].copy_(torch.from_numpy(read.values))
        extent[at : at + _PART].copy_(torch.from_numpy(read.extent))
    return Resident(Pixels(values, extent))


class CleanPhotos:
    """Photos as evaluation sees them: the middle, resized, in the size and colours of a policy.

    They have the type and place of the tensor `like`.
    """

    def __init__(self, store: Resident | Streamed, policy: Photo, like: Tensor) -> None:
        self._store, self._policy, self._like = store, policy, like

    def __len__(self) -> int:
        """Number of photos."""
        return len(self._store)

    def split(self, size: int) -> Iterator[Tensor]:
        """Batches [batch, 3, row, column] of at most so many, and of no more than memory likes."""
        for part in torch.arange(len(self)).split(min(size, _CLEAN)):
            yield clean_view(self._store[part.to(self._like.device)], self._policy).to(self._like)


_CLEAN = 256  # clean photos at a time
