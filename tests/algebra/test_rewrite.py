"""The engine of rewriting: rows fit, end, keep places, and say which of them do not end."""

import pytest

import losslang
from losslang.algebra.rewrite import Overflow, Row, rewrite
from losslang.shipped import shipped_specs
from tests.methods import shipped


def _no_double_negative(node, make):
    inner = node.inputs[0] if node.op == "negative" else None
    return inner.inputs[0] if inner is not None and inner.op == "negative" else None


def _turn_differences(node, make):
    """x - y = -(y - x), for ever."""
    return make.call("negative", make.call("subtract", *reversed(node.inputs))) if node.op == "subtract" else None


DOUBLE = Row("double_negative", "-(-x) = x", _no_double_negative)
ENDLESS = Row("endless", "x - y = -(y - x)", _turn_differences)


@pytest.mark.parametrize("name", shipped_specs())
def test_no_rows_change_nothing(name):
    spec = shipped(name)
    graph = rewrite(spec.graph, ()).graph
    assert [t.name for t in graph.terms] == [t.name for t in spec.graph.terms]
    before, after = spec.graph.nodes(), graph.nodes()
    assert [(n.op, n.attributes, n.type, n.span, n.trains) for n in before] == [
        (n.op, n.attributes, n.type, n.span, n.trains) for n in after
    ]


def test_a_row_is_used_until_it_fits_no_more(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(
        "losslang: 1\nmethod: m\nnetworks:\n  encoder: backbone\ndefine:\n  z: encoder(x)\n"
        "objective:\n  term: -(-(-(-mean(dot(z[a], z[b])))))\n"
    )
    spec = losslang.load(path)
    found = rewrite(spec.graph, [DOUBLE])
    assert found.used["double_negative"] > 0
    assert not any(n.op == "negative" and n.inputs[0].op == "negative" for n in found.graph.nodes())
    assert all(str(path) in str(node.span) for node in found.graph.nodes())


def test_rows_that_do_not_end_are_named():
    spec = losslang.load("vicreg")
    with pytest.raises(Overflow, match="endless"):
        rewrite(spec.graph, [ENDLESS], cap=200)
