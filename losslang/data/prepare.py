"""One pass over images into a cache, in parallel processes; a preparation that was ended goes on where it was. Torch-free.

Until it ends, the folder holds `state.bin` beside the pixels: a row per image, written after the image's pixels were.
"""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import signal
import threading
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from losslang.data.cache import FORMAT, INDEX, PIXELS, ROW, ROWS, Cache, is_cache, open_cache
from losslang.data.decode import Broken, Fit, check_pillow, decode
from losslang.data.files import remove_tree, write_atomically, write_text
from losslang.data.origin import Origin
from losslang.data.sizes import bytes_in_words
from losslang.diagnostics import LosslangError

__all__ = ["Preparation", "Tell", "prepare"]

Tell = Callable[[int, int, int], None]
"""Called with the number of images that are done, of all, and of those that are broken."""

_PLAN, _STATE = "plan.json", "state.bin"
_TODO, _DONE, _BROKEN = range(3)
_CHUNK = 32  # images that a process takes at a time
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Preparation:
    """How images become a cache. `broken` says what images that do not read do: they are left out, or nothing is made."""

    size: int = 256
    fit: Fit = "squash"
    broken: Literal["skip", "fail"] = "skip"
    processes: int = field(default_factory=lambda: os.cpu_count() or 1)


class _Job(NamedTuple):
    """Images for one process: the position of each, and its file or bytes."""

    pixels: Path
    size: int
    fit: Fit
    images: tuple[tuple[int, Path | bytes], ...]


class _Outcome(NamedTuple):
    position: int
    height: int = 0
    width: int = 0
    crc: int = 0
    reason: str = ""


def prepare(origin: Origin, out: Path, how: Preparation, tell: Tell = lambda *_: None) -> Cache:
    """The cache of these images at `out`: made, finished, or found there complete.

    Raises LosslangError where it cannot be: another cache is there, the disk is full, images are broken and may not be.
    """
    check_pillow()
    if is_cache(out):
        return _finished(origin, out, how)
    state = _begin(origin, out, how)
    broken, before = dict[int, str](), _done(state)
    try:
        for at, outcome in enumerate(_outcomes(_jobs(origin, out, how, state), how.processes), before + 1):
            _enter(state, outcome, broken)
            tell(at, len(origin), len(broken))
    except BrokenPipeError:  # nobody reads what `tell` says
        raise
    except OSError as error:
        raise _stopped(error, state, out) from error
    except BrokenProcessPool as error:
        raise LosslangError(f"a process ended without a word (short of memory?); {_go_on(state)}") from error
    _check_broken(origin, broken, how, out)
    return _finish(origin, out, how, state, broken)


def _settings(origin: Origin, how: Preparation) -> dict[str, Any]:
    """What makes a cache another one."""
    return {"format": FORMAT, "size": how.size, "fit": how.fit, "fingerprint": origin.fingerprint}


def _difference(found: dict[str, Any], origin: Origin, how: Preparation) -> str:
    wanted = _settings(origin, how)
    name = next((name for name in wanted if found.get(name) != wanted[name]), "")
    if name == "fingerprint":
        return f"it was made from other images: files of {found.get('source')} were added, removed or changed since"
    return f"it has the {name} {found.get(name)}, not {wanted[name]}" if name else ""


def _finished(origin: Origin, out: Path, how: Preparation) -> Cache:
    cache = open_cache(out)
    different = _difference(dict(cache.index), origin, how)
    if different:
        raise LosslangError(
            f"{out} holds a cache already, and {different}; replace it with --overwrite, or name another --out"
        )
    return cache


def _begin(origin: Origin, out: Path, how: Preparation) -> np.memmap:
    """The state of the images: that of an earlier preparation of the same, or a new one."""
    plan = _settings(origin, how) | {"source": origin.source, "images": len(origin)}
    if (out / _PLAN).is_file():
        different = _difference(json.loads((out / _PLAN).read_text(encoding="utf-8")), origin, how)
        if different:
            raise LosslangError(
                f"{out} holds a preparation that has not ended, and {different}; begin again with --overwrite"
            )
        return np.memmap(out / _STATE, _STATE_ROW, "r+", shape=(len(origin),))
    if out.exists() and any(out.iterdir()):
        raise LosslangError(f"{out} is not empty, and what it holds is no cache; name another folder with --out")
    out.mkdir(parents=True, exist_ok=True)
    _check_space(out, len(origin) * 3 * how.size**2)
    (out / PIXELS).touch()
    state = np.memmap(out / _STATE, _STATE_ROW, "w+", shape=(len(origin),))
    write_text(out / _PLAN, json.dumps(plan) + "\n")
    return state


_STATE_ROW = np.dtype([*ROW, ("state", "u1")])


def _check_space(out: Path, needed: int) -> None:
    free = shutil.disk_usage(out).free
    if free < needed:
        remove_tree(out)
        raise LosslangError(
            f"{out} needs {bytes_in_words(needed)}, and the disk has {bytes_in_words(free)} left; choose --out or --size"
        )


# ---------------------------------------------------------------- the pass


def _jobs(origin: Origin, out: Path, how: Preparation, state: np.memmap) -> Iterator[_Job]:
    todo = np.flatnonzero(state["state"] != _DONE).tolist()
    for at in range(0, len(todo), _CHUNK):
        images = tuple((position, origin.read(position)) for position in todo[at : at + _CHUNK])
        yield _Job(out / PIXELS, how.size, how.fit, images)


def _outcomes(jobs: Iterable[_Job], processes: int) -> Iterator[_Outcome]:
    if processes == 1:
        for job in jobs:
            yield from _work(job)
        return
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin_process)
    pending, waiting = set[Future[list[_Outcome]]](), iter(jobs)
    try:
        while True:
            pending |= {pool.submit(_work, job) for job in islice(waiting, 3 * processes - len(pending))}
            if not pending:
                break
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                yield from future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_process() -> None:
    """In a process of the pool: the parent alone answers Ctrl-C and reports broken images; killed, it leaves nobody behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore")
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(job: _Job) -> list[_Outcome]:
    """Decode images and write their pixels. Raises OSError where the disk does not take them."""
    handle = os.open(job.pixels, os.O_WRONLY)
    try:
        return [_one(handle, position, image, job) for position, image in job.images]
    finally:
        os.close(handle)


def _one(handle: int, position: int, image: Path | bytes, job: _Job) -> _Outcome:
    try:
        decoded = decode(image, job.size, job.fit)
    except Broken as error:
        return _Outcome(position, reason=str(error))
    except OSError as error:  # a file that cannot be opened
        return _Outcome(position, reason=error.strerror or str(error))
    pixels = decoded.pixels.tobytes()
    if os.pwrite(handle, pixels, position * len(pixels)) < len(pixels):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(job.pixels))
    return _Outcome(position, decoded.height, decoded.width, zlib.crc32(pixels))


def _enter(state: np.memmap, outcome: _Outcome, broken: dict[int, str]) -> None:
    row = state[outcome.position]
    row["position"], row["height"], row["width"] = outcome.position, outcome.height, outcome.width
    row["crc"] = outcome.crc
    row["state"] = _BROKEN if outcome.reason else _DONE
    if outcome.reason:
        broken[outcome.position] = outcome.reason


def _stopped(error: OSError, state: np.memmap, out: Path) -> LosslangError:
    if error.errno in _FULL:
        return LosslangError(f"the disk of {out} is full; make room, {_go_on(state)}")
    return LosslangError(f"{error.filename or out}: {error.strerror}; {_go_on(state)}")


def _go_on(state: np.memmap) -> str:
    return f"{_done(state)} of {len(state)} images are done, and the same command goes on from there"


def _done(state: np.memmap) -> int:
    return int((state["state"] == _DONE).sum())


# ---------------------------------------------------------------- the end


def _check_broken(origin: Origin, broken: dict[int, str], how: Preparation, out: Path) -> None:
    if broken and how.broken == "fail":
        shown = _listed(origin, broken)
        more = [f"  … and {len(shown) - 10} more"] if len(shown) > 10 else []
        raise LosslangError(
            "\n".join(
                [f"{len(shown)} of {len(origin)} images do not read:", *(f"  {line}" for line in shown[:10]), *more]
            )
            + f"\nnothing was finished in {out}; with --broken skip they are left out"
        )
    if len(broken) == len(origin):
        raise LosslangError(f"no image reads; the first: {_listed(origin, broken)[0]}")


def _listed(origin: Origin, broken: dict[int, str]) -> list[str]:
    return [f"{origin.names[position]}: {reason}" for position, reason in sorted(broken.items())]


def _finish(origin: Origin, out: Path, how: Preparation, state: np.memmap, broken: dict[int, str]) -> Cache:
    """Write the rows and the index, and remove what only the preparation needed."""
    rows = np.zeros(len(origin), ROW)
    for name, _ in ROW:
        rows[name] = state[name]
    rows["label"] = np.asarray(origin.labels)
    good = state["state"] == _DONE
    with (out / PIXELS).open("r+b") as pixels:
        pixels.truncate(len(origin) * 3 * how.size**2)  # also where the last image is broken
        os.fsync(pixels.fileno())
    write_atomically(out / ROWS, lambda file: np.save(file, rows[good]))
    index = _settings(origin, how) | {
        "name": origin.name,
        "source": origin.source,
        "held_out": origin.split,
        "classes": list(origin.classes),
        "train": int(good[: origin.train].sum()),
        "test": int(good[origin.train :].sum()),
        "positions": len(origin),
        "resized": f"{how.fit} to {how.size}×{how.size} pixels, bicubic, antialiased; Pillow {_pillow()}",
        "rows_crc": zlib.crc32((out / ROWS).read_bytes()),
        "broken": _listed(origin, broken),
    }
    write_text(out / INDEX, json.dumps(index, indent=1, ensure_ascii=False) + "\n")
    (out / _PLAN).unlink()
    (out / _STATE).unlink()
    return Cache(out, index)


def _pillow() -> str:
    import PIL

    return PIL.__version__
