"""Pools of processes for all tests of the session."""

import pytest

from tests.processes.pool import Pool


@pytest.fixture(scope="session")
def pool():
    """A function from a number of processes to their pool."""
    pools = {}

    def of(world):
        alive = world in pools and all(process.is_alive() for process in pools[world].processes)
        if not alive:
            pools[world] = Pool(world)
        return pools[world]

    yield of
    for each in pools.values():
        each.close()
