"""Work in a process of its own, which begins with this one's modules and a fresh allocator."""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Callable
from typing import TypeVar

__all__ = ["apart"]

T = TypeVar("T")


def apart(work: Callable[[], T]) -> T:
    """What `work` gives or raises, in a fork of this process.

    After hours of large cells an allocator gives pages to one implementation and takes them from another: a step of 768 ms took
    1,700. No thread may be at work here, and no device in use. Raises ChildProcessError where the fork ends without a word.
    """
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)

    def tell() -> None:
        try:
            there.send(work())
        except Exception as error:  # noqa: BLE001
            there.send(error)

    child = context.Process(target=tell)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on: torch's idle threads
        child.start()
    there.close()
    try:
        found = here.recv()
    except EOFError:
        child.join()
        raise ChildProcessError(f"a measurement ended with exit code {child.exitcode}") from None
    child.join()
    if isinstance(found, Exception):
        raise found
    return found
