"""Milliseconds to read, type and emit every shipped method, once imported: `python tests/benchmarks/compiling.py`."""

import statistics
import time

from losslang.pipeline import emit, load
from losslang.shipped import shipped_specs


def milliseconds(path):
    """Median of five."""
    found = []
    for _ in range(5):
        start = time.process_time()
        emit(load(path))
        found.append(1000 * (time.process_time() - start))
    return statistics.median(found)


if __name__ == "__main__":
    specs = shipped_specs()
    emit(load(next(iter(specs.values()))))
    rows = sorted(((milliseconds(path), name) for name, path in specs.items()), reverse=True)
    print(f"{len(rows)} methods: median {statistics.median(ms for ms, _ in rows):.1f} ms, slowest")
    for ms, name in rows[:5]:
        print(f"  {name:<20}{ms:6.1f} ms")
