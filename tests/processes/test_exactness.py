"""The promise: a method on many processes is the method on one, value and gradient, whatever share each of them holds.

Every process has other rows; parameters, running statistics, queues and logged terms after five optimiser steps are compared
with one process on the whole batch, in float64. By default a dozen methods that together use every exchange;
LOSSLANG_TESTS=full takes all that ship, also interleaved (it took 21 minutes on two cores that eight others used).
"""

import os

import numpy as np
import pytest

from losslang.algebra.cost import Sizes
from losslang.algebra.cost_of_many import cost_of_many
from losslang.diagnostics import Source
from losslang.pipeline import emit, load
from losslang.shipped import shipped_specs
from tests.processes import trials

TOLERANCE = 1e-9

SOME = [
    "barlow", "byol", "co2", "deepcluster2", "dinov2_sinkhorn", "koleo", "mec", "mmcr", "mocov2", "simclr", "swav", "triplet",
    "vibcreg", "visreg", "wmse",
]  # fmt: skip
FULL = os.environ.get("LOSSLANG_TESTS") == "full"
NAMES = list(shipped_specs()) if FULL else SOME


def places(counts):
    """The places of every process's rows, one process after the other."""
    starts = [sum(counts[:rank]) for rank in range(len(counts))]
    return [list(range(start, start + count)) for start, count in zip(starts, counts, strict=True)]


def interleaved(world):
    """As torch's DistributedSampler deals them."""
    return [list(range(rank, trials.ROWS, world)) for rank in range(world)]


def difference(pool, whole, name, shares, mutation="", exchange="auto"):
    """The largest difference that any process shows."""
    found = pool(len(shares)).run("train", *((name, share, mutation, exchange) for share in shares))
    return max(max(trials.worst(whole(name), each)) for each in found)


@pytest.mark.parametrize("name", NAMES)
def test_two_uneven_processes_are_one(pool, whole, name):
    assert difference(pool, whole, name, places([13, 23])) < TOLERANCE


@pytest.mark.parametrize("name", NAMES)
def test_four_processes_of_which_one_has_no_rows_are_one(pool, whole, name):
    assert difference(pool, whole, name, places([9, 0, 17, 10])) < TOLERANCE


@pytest.mark.parametrize("world", [2, 4] if FULL else [2])
@pytest.mark.parametrize("name", NAMES if FULL else ["mocov2", "triplet", "wmse"])
def test_interleaved_rows_are_put_in_order(pool, whole, name, world):
    assert difference(pool, whole, name, interleaved(world)) < TOLERANCE


@pytest.mark.parametrize("name", NAMES)
def test_they_communicate_as_often_as_the_cost_model_says(pool, name):
    found = cost_of_many(trials.small(name), Sizes(trials.ROWS, world=2))
    for often in pool(2).run("collectives", *((name, own) for own in places([13, 23]))):
        assert often == (found.exchanges, found.back)


BY_PRODUCTS = ["barlow", "coding_rate", "frossl", "matrixssl", "mcr2", "mec", "vicreg"]
"""Methods that together use every function of products of rows."""


@pytest.mark.parametrize("exchange", ["sums", "rows"])
@pytest.mark.parametrize("name", BY_PRODUCTS)
def test_sums_of_products_and_gathered_rows_are_one(pool, whole, name, exchange):
    counts = [9, 0, 17, 10] if FULL else [0, 36]
    assert difference(pool, whole, name, places(counts), exchange=exchange) < TOLERANCE
    assert difference(pool, whole, name, interleaved(2), exchange=exchange) < TOLERANCE


SIMILARITIES = """\
method similarities
network encoder = backbone
network projector = mlp(8, 6)
z = projector(encoder(x))
minimize
  own: sum((similarity(z[a], z[a]) * (not same(batch)))^2)
  cross: mean((similarity(z[a], z[b]) * (not same(batch)))^2)
  close: mean(alignment(z[a], z[b]))
"""


@pytest.mark.parametrize("exchange", ["sums", "rows"])
def test_squares_of_similarities_but_of_a_row_with_itself(pool, whole, tmp_path, exchange):
    path = tmp_path / "similarities.loss"
    path.write_text(SIMILARITIES)
    assert "squared_similarities_of_all(" in emit(load(path))
    assert difference(pool, whole, str(path), places([13, 23]), exchange=exchange) < TOLERANCE


@pytest.mark.parametrize("name", ["byol", "mocov2"])
def test_one_process_in_a_group_is_one(pool, whole, name):
    assert difference(pool, whole, name, places([trials.ROWS])) < TOLERANCE


@pytest.mark.parametrize("name", ["barlow", "simclr", "vicreg"])
def test_a_strangers_loop_in_distributed_data_parallel(pool, name):
    one = trials.train_in_ddp(name)
    for found in pool(2).run("train_in_ddp", (name, 0, 13), (name, 13, 36)):
        assert max(trials.worst(one, found)) < TOLERANCE


def test_the_standalone_file_is_the_same_on_many_processes(pool, tmp_path):
    path = tmp_path / "vicreg.py"
    path.write_text(emit(load(shipped_specs()["vicreg"], parameters={"width": 8})))
    total, gradient = trials.standalone(path)
    for rows, (of_many, own) in zip((slice(0, 5), slice(5, 36)), _on_two(pool, path), strict=True):
        assert of_many == pytest.approx(total, rel=1e-12)
        assert np.allclose(own / 2, gradient[:, rows], rtol=1e-10, atol=1e-12)  # the mean over processes is what counts


def test_probes_are_the_same_on_many_processes(pool, tmp_path):
    """Sums of squares and log-dets that are estimated: as one process estimates them."""
    path, text = tmp_path / "vicreg.py", shipped_specs()["vicreg"].read_text()
    volume = "  volume: coding_rate(normalize(z[a]), 0.5)\n"
    source = Source("vicreg.yaml", text.replace("\nrecipes:", f"{volume}\nrecipes:"))
    estimate = {"log_det": "lanczos", "trace": "hutch++", "probes": 4, "steps": 5}
    path.write_text(emit(load(source, parameters={"width": 8}), estimate=estimate))
    assert "logdet_by_probes(" in path.read_text()
    total, gradient = trials.standalone(path)
    for rows, (of_many, own) in zip((slice(0, 5), slice(5, 36)), _on_two(pool, path), strict=True):
        assert of_many == pytest.approx(total, rel=1e-11)
        assert np.allclose(own / 2, gradient[:, rows], rtol=1e-9, atol=1e-11)


def _on_two(pool, path):
    return pool(2).run("standalone", (path, 0, 5), (path, 5, 36))


# ---------------------------------------------------------------- the tests can fail


@pytest.mark.parametrize(
    ("mutation", "name"),
    [
        ("sum_without_gradient", "vicreg"),
        ("gather_without_gradient", "simclr"),
        ("gather_with_own_gradient", "simclr"),
        ("own_columns", "simclr"),
        ("own_columns", "koleo"),
        ("statistics_without_gradient", "vicreg"),
        ("statistics_without_gradient", "coding_rate"),
        ("local_norm", "byol"),
        ("mean_of_means", "byol"),
    ],
)
def test_every_mistake_shows(pool, whole, mutation, name):
    assert difference(pool, whole, name, places([13, 23]), mutation) > 100 * TOLERANCE


def test_even_shares_hide_a_mean_of_means(pool, whole):
    assert difference(pool, whole, "byol", places([18, 18]), "mean_of_means") < TOLERANCE


def test_a_process_that_fails_leaves_none_waiting(pool):
    from tests.processes.pool import Failed, Pool

    lone = Pool(2, wait=20)
    with pytest.raises(Failed) as raised:
        lone.run("raise_on", (1,), (1,))
    ended, broken = raised.value.answers
    assert "a broken image" in broken
    assert ended is not None
    assert "a broken image" not in ended
