"""Limits: constants of 64 bits, chains of definitions and networks, names that nobody misspelled."""

import pytest

from losslang.diagnostics import Report, Source
from losslang.objective.parameters import compute
from losslang.pipeline import compile_source
from losslang.syntax.names import nearest
from tests.soon import soon

HEAD = "losslang: 1\nmethod: mine\n"
NETWORKS = "networks: {encoder: backbone}\n"


def codes(text):
    report = Report()
    compile_source(Source("mine.yaml", HEAD + text), report)
    return [found.code for found in report.sorted()]


@pytest.mark.parametrize(
    ("sign", "left", "right", "value"),
    [
        ("/", 2048, 4, 512),
        ("/", 1, 4, 0.25),
        ("/", 1, 0, None),
        ("^", 2, 10, 1024),
        ("^", 2, -1, 0.5),
        ("^", 0, 10**18, 0),
        ("^", 10, 10**10, None),
        ("^", 10.0, 1e10, None),
        ("^", -8, 1 / 3, None),
        ("*", 10**18, 10**18, 1e36),
    ],
)
def test_constants(sign, left, right, value):
    found = compute(sign, left, right)
    assert found == value
    assert type(found) is type(value)


def test_squares_of_squares_end():
    lines = ["  q0: 7"] + [f"  q{i + 1}: q{i} * q{i}" for i in range(60)]
    assert "E403" in codes("parameters:\n" + "\n".join(lines) + "\nobjective: {o: q60}\n")


@pytest.mark.parametrize(("levels", "refused"), [(40, False), (400, True)])
@pytest.mark.parametrize("backwards", [False, True])
def test_chain_of_definitions(levels, refused, backwards):
    lines = ["  d0: encoder(x)"] + [f"  d{i + 1}: d{i} + 1" for i in range(levels)]
    lines = lines[::-1] if backwards else lines
    text = NETWORKS + "define:\n" + "\n".join(lines) + f"\nobjective: {{o: mean(d{levels})}}\n"
    assert ("E407" in codes(text)) == refused


@pytest.mark.parametrize(("levels", "refused"), [(30, False), (300, True)])
@pytest.mark.parametrize("backwards", [False, True])
def test_chain_of_networks(levels, refused, backwards):
    lines = ["  n0: backbone"] + [f"  n{i + 1}: chain(n{i}, identity)" for i in range(levels)]
    lines = lines[::-1] if backwards else lines
    text = "networks:\n" + "\n".join(lines) + f"\nobjective: {{o: 'mean(n{levels}(x))'}}\n"
    assert codes(text).count("E407") == refused


@pytest.mark.parametrize(
    "section",
    [
        "parameters:\n{}objective: {{o: 1}}\n",
        "networks:\n{}objective: {{o: 1}}\n",
        "objective: {{o: 1}}\ndefine:\n{}",
        "objective: {{o: 1}}\nforward:\n{}",
    ],
)
def test_thousands_of_unknown_names(section):
    with soon(2):
        found = codes(section.format("".join(f"  q{i}: y{i}\n" for i in range(4000))))
    assert len(found) == 100
    assert "E519" in found


@pytest.mark.parametrize(
    ("name", "candidates", "found"),
    [
        ("enconder", ["encoder"], "encoder"),
        ("Z", ["a", "z"], "z"),
        ("p", ["z", "x"], None),
        ("ab", ["ba"], "ba"),
        ("qp", ["q"], None),
        ("alignmnet", ["mse_alignment", "alignment"], "alignment"),
        ("q1", [f"y{i}" for i in range(5000)], "y1"),
    ],
)
def test_nearest(name, candidates, found):
    assert nearest(name, candidates) == found


@pytest.mark.parametrize("momentum", ["9", "-0.1", "m", "s"])
def test_momentum_of_statistics_lies_between_0_and_1(momentum):
    text = "parameters: {m: 1.5, s: 'cosine(0.9, 2)'}\n" + NETWORKS
    text += f"define: {{z: encoder(x), c: 'running(mean(z, over=[view, batch]), momentum={momentum}, read=before)'}}\n"
    assert "E219" in codes(text + "objective: {o: mean(z - c)}\n")
