"""Networks that torch.compile writes for several processes, norms over all of them inside, are those of one process.

With LOSSLANG_TESTS=full also convolutional networks with several sizes of views (minutes of two cores).
"""

import os

import pytest
import torch

from losslang.training import speed
from tests.processes import trials
from tests.processes.test_images import data  # noqa: F401 - a fixture

TOLERANCE = 1e-9
SETTINGS = {
    "compile": "always", "precision": "float64", "batch_size": "25", "steps": "20", "threads": "1", "device": "cpu",
    "parameters.width": "16", "parameters.size": "8",
}  # fmt: skip
FULL = pytest.mark.skipif(os.environ.get("LOSSLANG_TESTS") != "full", reason="compiles for minutes")


def _assert_one(pool, method, recipe, photos, sets):
    """Two processes with compiled networks against one without."""
    one = trials.train_images(method, recipe, photos, sets | {"compile": "never"})
    for many in pool(2).run("train_compiled", *[(method, recipe, photos, sets)] * 2):
        *found, graphs = many
        assert max(trials.worst(one, found)) < TOLERANCE
        assert graphs == (1, 0)  # and no break


def test_compiled_networks_of_two_uneven_processes_are_one(pool):
    _assert_one(pool, "byol", "toy", "moons", SETTINGS)


@FULL
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("method", ["simsiam", "dino"])
def test_compiled_networks_of_photos_are_one(pool, data, method):  # noqa: F811
    sets = {"compile": "always"} | ({"augmentation": method} if method == "dino" else {})
    _assert_one(pool, method, *data, sets)


def test_where_one_process_fails_none_has_compiled_code(monkeypatch):
    monkeypatch.setattr(speed, "failed_somewhere", lambda failure: True)  # another one failed
    monkeypatch.setattr(torch._dynamo, "lookup_backend", lambda _name: lambda graph, _inputs: graph)
    said = []
    doubled = speed.compiled(lambda x: 2 * x, "the networks", said.append, backend=speed.for_all)
    assert doubled(torch.ones(2)).tolist() == [2, 2]
    assert len(said) == 1
    assert "it fails on another process" in said[0]
