"""What must end soon: bounds on processor time that growth breaks, and a busy machine does not."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["PATIENCE", "soon"]

PATIENCE = 1 if os.environ.get("LOSSLANG_TESTS") == "full" else 3
"""How often a bound may be taken: work that shares its cores takes twice the time."""


@contextmanager
def soon(seconds: float) -> Iterator[None]:
    """Within, this process computes for less than so many seconds on a quiet machine (`LOSSLANG_TESTS=full` asks for no more)."""
    start = time.process_time()
    yield
    assert time.process_time() - start < PATIENCE * seconds
