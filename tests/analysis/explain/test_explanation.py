"""Networks, parameters, state, exchanges, roles: what is said of them is what the method does."""

import pytest

from losslang.analysis.explain import roles_of
from losslang.analysis.explain.words import crossing_words
from losslang.pipeline import load
from losslang.questions import explanation
from tests.analysis.explain.methods import NAMES, explained, shipped


def rows(explanation, section):
    return {row.name: row for row in getattr(explanation, section)}


# ---------------------------------------------------------------- networks


def test_layers_have_sizes_and_norms():
    networks = rows(shipped("simsiam"), "networks")
    assert networks["projector"].layers == (
        "features(encoder) → 2048 → 2048 → 2048, batch norm after hidden layers,"
        " batch norm without scale and shift at the output, no bias"
    )
    assert (
        networks["predictor"].layers == "2048 → 512 → 2048, batch norm after hidden layers, bias in the last layer only"
    )
    assert {row.training for row in networks.values()} == {"trains by gradient"}


@pytest.mark.parametrize(
    ("method", "network", "training"),
    [
        ("byol", "target", "follows encoder and projector by moving average, momentum 0.996 → 1, cosine over the run"),
        ("mocov2", "target", "follows encoder and projector by moving average, momentum 0.999"),
        ("dino", "codebook", "trains by gradient, frozen for the first epoch"),
        ("swav_solo", "codebook", "trains by gradient, frozen for the first 2 epochs"),
        ("swav_fixed", "codebook", "never trains"),
        ("simsiam_no_predictor", "predictor", "has no weights"),
        ("simsiam_mirror", "predictor", "no gradient reaches it"),
    ],
)
def test_what_moves_the_weights(method, network, training):
    assert rows(shipped(method), "networks")[network].training == training


# ---------------------------------------------------------------- parameters


def test_parameters_say_where_they_were_set():
    inherited = rows(shipped("vicreg_solo"), "parameters")
    assert inherited["width"].place == "specs/variants/vicreg_solo.yaml:6"
    assert inherited["variance"].place.startswith("specs/vicreg.yaml:")
    overridden = rows(explanation("vicreg", {"variance": 5}), "parameters")
    assert (overridden["variance"].value, overridden["variance"].place) == ("5", "--set")
    assert overridden["variance"].symbol == "mu"


def test_schedules_are_in_words():
    value = rows(shipped("dino"), "parameters")["teacher_temperature"].value
    assert value == "0.04 → 0.07, linear over 30 epochs, one value per epoch"


# ---------------------------------------------------------------- state


@pytest.mark.parametrize(
    ("method", "name", "kind", "shape"),
    [
        ("dino", "center", "moving statistic", "[prototype 65536]"),
        ("tico", "c", "moving statistic", "[feature 256, feature' 256]"),
        ("mocov2", "negatives", "queue of rows", "[queue 65536, feature 128]"),
        ("deepcluster2", "c1", "centroids", "[prototype 3000, feature 128]"),
        ("deepcluster2", "stored", "memory of images", "[view 2, batch, feature 128]"),
    ],
)
def test_state(method, name, kind, shape):
    row = rows(shipped(method), "states")[name]
    assert (row.kind, row.shape) == (kind, shape)


def test_state_is_read_before_or_after():
    assert "without gradient" in rows(shipped("dino"), "states")["center"].read
    assert "with this batch in it" in rows(shipped("tico"), "states")["c"].read
    assert "epoch 15" in rows(shipped("swav"), "states")["earlier"].read


def test_every_state_is_told():
    for name in NAMES:
        assert len(shipped(name).states) == len(shipped(name).spec.graph.states)


# ---------------------------------------------------------------- between processes


def exchanges(explanation):
    return [(row.kind, row.operation, row.shape) for row in explanation.crossings if row.text]


def test_a_statistic_is_summed():
    assert exchanges(shipped("dino"))[0] == ("sum", "mean", "[prototype]")
    assert ("sum", "std", "[feature]") in exchanges(shipped("vicreg"))
    assert ("sum", "dot", "[feature, feature']") in exchanges(shipped("vicreg"))


def test_rows_against_rows_are_gathered():
    assert ("gather", "dot", "[view, batch, feature]") in exchanges(shipped("simclr"))
    assert ("gather", "queue", "[batch, feature]") in exchanges(shipped("mocov2"))
    assert ("gather", "group", "[view, batch, feature]") in exchanges(shipped("wmse"))


def test_what_stays_in_a_row_does_not_cross():
    found = exchanges(explained("minimize\n  t: mean(softmax(normalize(z)))\n"))
    assert found == [("sum", "mean", "[]")]


def test_batch_norm_crosses():
    words = [crossing_words(row) for row in shipped("simsiam").crossings]
    assert "sum over processes: batch norm of projector" in words


# ---------------------------------------------------------------- roles and functions


def test_roles_are_those_of_the_method_itself():
    assert roles_of(load("vicreg")) == ("alignment", "decentering", "decorrelation")
    assert roles_of(load("simsiam")) == ("alignment",)
    assert roles_of(load("triplet_simple")) == ()


@pytest.mark.parametrize("name", ["dino", "swav", "lejepa", "msn", "barlow", "visreg"])
def test_what_pulls_views_together_says_so(name):
    assert "alignment" in roles_of(load(name))


def test_functions_stand_once_after_what_calls_them():
    names = [row.statement.name for row in shipped("vicreg").primitives]
    assert names == ["mse_alignment", "variance_hinge", "covariance_penalty", "cov", "centered"]
    hinge = shipped("vicreg").primitives[1]
    assert (hinge.roles, hinge.mechanism) == (("decentering",), "variance")
    assert hinge.defaults == (("target", "1"), ("eps", "1e-4"))
    assert "eq. 1" in hinge.documentation
    assert hinge.place.startswith("library/primitives.loss:")


def test_definitions_stand_after_what_they_use_and_unused_ones_not_at_all():
    body = "late = early + 1\nearly = mean(z)\nidle = mean(z)\nminimize\n  t: late\n"
    assert [s.name for s in explained(body).definitions] == ["z", "early", "late"]


def test_a_function_of_the_method_is_shown_on_what_it_was_given():
    body = "def pair(p, q) = mean(sum(p * q, over=rank))\ns = eigenvalues(cov(z, ddof=1))\nminimize\n  t: pair(s, s)\n"
    (found, *_) = explained(body).primitives
    assert found.statement.name == "pair"
