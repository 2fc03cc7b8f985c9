"""The cost model: known counts, the cheaper side, and what processes exchange."""

import pytest

import losslang
from losslang.algebra.cost import Sizes, cost_of, cost_text
from losslang.algebra.cost_of_many import cost_of_many, text_of_many
from losslang.algebra.optimise import optimised
from losslang.cli import main
from losslang.objective.boundary import find_inputs
from tests.methods import method, term


def cost(spec, sizes):
    return cost_of(spec.graph, {node.number for node in spec.graph.nodes() if node.op == "apply"}, sizes)


def test_a_product_counts_as_two_operations_forward_and_twice_that_back():
    spec = term("mean(gram(z[a]))", size=64)
    assert find_inputs(spec)
    found = cost(spec, Sizes(batch=100))
    product = 3 * 2 * 64 * 64 * 100
    assert product < found.operations < 1.05 * product


def test_double_precision_counts_as_such():
    head = "r = running(second_moment(z[a]), momentum=0.5, read=after, init=identity)\nminimize\n  t: "
    single, double = (cost(method(head + body), Sizes(batch=4096)).bytes for body in ("mean(r)", "logdet(r)"))
    assert 1.95 < double / single < 2.1


@pytest.mark.parametrize(("batch", "ratio"), [(128, 32), (4096, 1)])
def test_the_optimiser_takes_the_smaller_side(batch, ratio):
    spec = losslang.load("vicreg", input_sizes={"z": 4096})
    sizes = Sizes(batch)
    before, after = cost(spec, sizes).operations, cost(optimised(spec), sizes).operations
    assert 0.8 * ratio <= before / after <= 2 * ratio


@pytest.mark.parametrize("name", ["simclr", "barlow", "coding_rate", "mec", "nnclr"])
def test_no_method_gets_dearer(name):
    spec = losslang.load(name)
    for batch in (64, 4096):
        assert cost(optimised(spec), Sizes(batch)).operations <= 1.02 * cost(spec, Sizes(batch)).operations


def test_processes_exchange_rows_or_sums():
    """InfoNCE gathers one side: its rows once there and once back, but for the process's own."""
    spec = losslang.load("infonce_oneway", input_sizes={"z": 128})
    found = cost_of_many(spec, Sizes(batch=1024, world=4))
    rows = 0.75 * 4 * 1024 * 128
    assert found.exchanges >= 2
    assert 2 * rows <= found.sent <= 2.2 * rows
    assert cost_of_many(spec, Sizes(batch=1024, world=1)).sent == 0


@pytest.mark.parametrize(("batch", "by_rows"), [(256, True), (4096, True), (65536, False)])
def test_rows_are_gathered_where_they_are_fewer_than_features(batch, by_rows):
    found = cost_of_many(losslang.load("vicreg"), Sizes(batch, world=64))
    assert [choice.by_rows for choice in found.choices] == [by_rows] * 2
    for choice in found.choices:
        other = choice.sums if by_rows else choice.rows
        assert choice.way.operations <= other.operations
        assert choice.way.sent <= other.sent


def test_a_choice_sends_what_a_ring_sends():
    """512 rows of 1024 features by four processes: three quarters of the rows there, or of the products, twice."""
    spec = losslang.load("vicreg", input_sizes={"z": 1024})
    choice, _ = cost_of_many(spec, Sizes(512, world=4)).choices
    assert choice.rows.sent == 0.75 * 512 * 1024
    assert choice.sums.sent == 2 * 0.75 * 1024**2
    assert choice.rows.operations == 4 * 512 * 512 * 1024 / 4
    said = text_of_many(spec, Sizes(512, world=4))
    assert "gathered rows, 2.68e+08 operations and 1.57 MB sent; sums of products would be 5.37e+08" in said


@pytest.mark.parametrize("name", ["simclr", "barlow", "mec", "coding_rate", "koleo"])
def test_work_is_shared(name):
    """Each of eight processes does little more than an eighth, but for what all compute."""
    spec = losslang.load(name)
    alone = cost_of_many(spec, Sizes(2048)).cost.operations
    assert cost_of_many(spec, Sizes(2048, world=8)).cost.operations < alone
    assert cost_of_many(spec, Sizes(2048, world=8)).cost.operations >= alone / 9


def test_the_command_line_prints_it(capsys):
    assert main(["explain", "vicreg", "--cost", "--batch", "256", "--world", "64"]) == 0
    spec, sizes = losslang.load("vicreg"), Sizes(256, 64)
    assert capsys.readouterr().out == cost_text(spec, sizes) + text_of_many(spec, sizes)
    assert main(["explain", "vicreg", "--cost", "--batch", "0"]) == 1
    assert "--batch is a number from 1 on, not 0" in capsys.readouterr().err


def test_the_command_line_shows_the_optimised_graph(capsys):
    assert main(["compile", "vicreg", "--show", "optimised"]) == 0
    assert "squared_products(" in (shown := capsys.readouterr().out)
    assert "by sum_of_squares" in shown
    assert main(["compile", "vicreg", "--show", "optimised", "--without", "cheaper_side"]) == 0
    assert "squared_products(" not in capsys.readouterr().out
    assert main(["compile", "vicreg", "--without", "speed"]) == 1
    assert "has no pass `speed`" in capsys.readouterr().err
