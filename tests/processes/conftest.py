"""Pools of processes for all tests of the session, and what one process finds."""

import pytest

from tests.processes import trials
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


@pytest.fixture(scope="session")
def whole():
    """What one process finds, by method."""
    known = {}

    def of(name):
        if name not in known:
            known[name] = trials.train(name)
        return known[name]

    return of
