"""The graph of many processes: what communicates, how often, and that nothing of one process lies where all must agree."""

import pytest

from losslang.algebra.collectives import across_processes, collectives
from losslang.algebra.schedule import stages
from losslang.objective.axes import BATCH
from losslang.objective.graph import walk
from losslang.pipeline import emit, load
from losslang.shipped import shipped_specs
from tests.methods import shipped, term


def distributed(spec):
    graph = across_processes(spec.graph).graph
    return list(walk([*(t.value for t in graph.terms), *(s.node for s in graph.states)]))


def exchanges(spec):
    """The numbers of nodes that communicate, by operation."""
    ops = [node.op for node in distributed(spec) if collectives(node)]
    return {op: ops.count(op) for op in ops}


@pytest.mark.parametrize("name", shipped_specs())
def test_every_method_ends_in_numbers_that_all_share(name):
    nodes = distributed(shipped(name))
    partial = {n.inputs[0].number for n in nodes if n.op == "across"}
    assert partial or any(n.op == "gathered" for n in nodes)
    # what was summed over own rows is used by nothing but the sum over processes
    users = {child.number: n.op for n in nodes for child in n.inputs if child.number in partial}
    assert set(users.values()) <= {"across"}


def test_sums_of_one_stage_are_one_exchange():
    nodes = distributed(load(shipped_specs()["vicreg"]))
    sums = {node.number: "sum" for node in nodes if node.op == "across"}
    found = [[len(batch.exchanged) for batch in stage.batches] for stage in stages(nodes, sums)]
    assert [len(batches) for batches in found] == [1, 1, 0]


def of_many(name):
    """The emitted body for many processes."""
    return emit(shipped(name)).split("def objective_of_many", 1)[1].split("\n\n", 1)[0]


def test_what_is_under_way_is_waited_for_after_other_work():
    body = of_many("mocov2")
    begun, work, wait = (body.index(text) for text in ("share.begin(Rows(", "logsumexp_of_similarities(", ".wait()"))
    assert begun < work < wait
    assert body.index(".wait()") < body.index("push_rows(")


@pytest.mark.parametrize(
    ("name", "call", "work"),
    [
        ("vicreg", "squared_products_of_all(", "(difference ** 2)"),
        ("coding_rate", "logdet_of_products_of_all(", "align ="),
        ("matrixssl", "trace_of_log_of_all(", "log_series("),
        ("swav", "sinkhorn_of_all(", "log_softmax("),
        ("deepcluster2", "share.begin(Rows(rows, 0", "one_hot_largest("),
    ],
)
def test_functions_that_communicate_begin_before_other_work(name, call, work):
    """And what they give is waited for after it."""
    lines = of_many(name).splitlines()
    begun = next(number for number, line in enumerate(lines) if call in line)
    coming = lines[begun].split("=")[0].strip()
    waited = next(number for number, line in enumerate(lines) if f"{coming}.wait()" in line)
    assert any(work in line for line in lines[begun + 1 : waited])


def test_a_sum_that_is_ready_early_joins_a_later_one():
    body = of_many("simclr")
    assert body.count("Sum(") == 2
    assert body.count("share.") - body.count("share.rows") == 2  # the rows of all, and both sums


def test_functions_of_products_are_called_once_for_all_views():
    assert of_many("vicreg").count("squared_products_of_all(") == 1
    assert of_many("empssl").count("logdet_of_products_of_all(") == 1


def test_only_gradients_that_differ_are_sent():
    """The means of own rows meet rows; what the loss is summed of does not."""
    body = of_many("barlow")
    assert "Sum(z.sum(-2))" in body
    assert "Sum((difference ** 2).sum(-2))" in body
    assert body.count("alike=True") == 2


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("mean(z)", {"across": 1}),
        ("mean(std(z, over=batch, ddof=1))", {"across": 2}),
        ("mean(max(z[a], over=batch))", {"largest_across": 1, "across": 2}),
        ("mean(logsumexp(z[a], over=batch))", {"log_sum_across": 1}),
        ("mean(logsumexp(similarity(z[a], z[b]), over=batch'))", {"gathered": 1, "across": 1}),
        ("logdet(same(batch) + similarity(z[a], z[a]))", {"gathered": 1}),
        ("logdet(same(feature) + second_moment(z[a]))", {"across": 1}),
        ("mean(dot(z[a], roll(z[a])))", {"gathered": 1, "across": 1}),
        ("mean(local(mean(z), rows=4))", {"gathered": 1}),
        ("mean(sort(z[a]))", {"gathered": 1}),
    ],
)
def test_what_is_exchanged(expression, expected):
    assert exchanges(term(expression)) == expected


def test_what_waits_for_nothing_needs_no_row_of_others():
    spec = term("mean(alignment(z[a], stopgrad(z[b])))")
    assert exchanges(spec) == {"across": 1}
    assert all(node.type.has(BATCH) for node in distributed(spec) if node.op == "normalize")
