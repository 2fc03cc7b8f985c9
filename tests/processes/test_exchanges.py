"""Every collective is needed, one by one; and those that no shipped method uses, or not like this, are right, too."""

import pytest

from losslang.networks.exchange import BEGUN
from losslang.pipeline import emit, load
from tests.processes.mutations import OWN
from tests.processes.test_exactness import TOLERANCE, difference, interleaved, places

HEAD = """\
method own
network encoder = backbone
network projector = mlp(8, 6)
z = projector(encoder(x))
minimize
"""

LINES = {
    "over_batch": """\
  soft: -mean(sum(softmax(z[a], over=batch) * z[b], over=batch))
  sharp: mean(logsumexp(z[b], over=batch))
  top: mean(max(z[a], over=batch))
""",
    "assignments": """\
  first: mean(cross_entropy(sinkhorn(z[a], 0.5, 3), log_softmax(z[b], over=feature), over=feature))
  second: mean(cross_entropy(sinkhorn(z[b], 0.5, 3), log_softmax(z[a], over=feature), over=feature))
""",
    "leaders": """\
  first: mean(dot(argmax(z[a], over=batch), z[b], over=batch))
  second: mean(dot(argmax(z[b], over=batch), z[a], over=batch))
""",
}
"""Objectives: functions over the batch, assignments of every view by itself, the row with the largest entry."""


@pytest.fixture
def path_of(tmp_path):
    """Writes an objective as a method."""

    def path(name):
        (tmp_path / f"{name}.loss").write_text(HEAD + LINES[name])
        return str(tmp_path / f"{name}.loss")

    return path


@pytest.mark.parametrize("name", LINES)
def test_objectives_of_the_whole_batch(pool, whole, path_of, name):
    path = path_of(name)
    for shares in (places([13, 23]), places([9, 0, 17, 10]), interleaved(2)):
        assert difference(pool, whole, path, shares) < TOLERANCE


@pytest.mark.parametrize(("name", "call"), [("assignments", "sinkhorn_of_all("), ("leaders", "one_hot_of_all(")])
def test_what_is_applied_alike_to_both_views_is_one_call(path_of, name, call):
    body = emit(load(path_of(name))).split("def objective_of_many", 1)[1]
    assert body.count(f"{call}torch.stack([") == body.count(call) == 1


@pytest.mark.parametrize(("name", "more"), [("byol", 0), ("vicreg", 0), ("mocov2", 1), ("deepcluster2", 1)])
def test_places_are_sent_once_and_only_where_the_order_of_rows_matters(pool, name, more):
    told = pool(2).run("told", *((name, own) for own in interleaved(2)))
    plain = pool(2).run("collectives", *((name, own) for own in places([18, 18])))
    assert told == [(forward + more, back) for forward, back in plain]


REMOVED = {
    "sum": "byol",
    "largest": "frossl",
    "rows": "simclr",
    "own_rows": "simclr",
    "each": "swav",
    "own": "over_batch",
    "products": "vicreg",
}
"""Collectives, and a method that needs each."""


def test_all_are_there():
    assert OWN.keys() == BEGUN.keys() == REMOVED.keys() - {"products"}


@pytest.mark.parametrize("kind", REMOVED)
def test_a_collective_that_is_removed_is_missed(pool, whole, path_of, kind):
    name = path_of(REMOVED[kind]) if REMOVED[kind] in LINES else REMOVED[kind]
    assert difference(pool, whole, name, places([13, 23]), f"without_{kind}") > 100 * TOLERANCE
