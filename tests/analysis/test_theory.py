"""The two tables of theory, from the commands: what is added to the basic gradient, and which term de-centers or de-correlates.

Zhang et al. (2022): ẑ = o + r, and the extra gradient G_e = o_e + r_e of a method is known in closed form. Every formula here is
computed from the rows of the same cloud, apart from the code that differentiates.
"""

import json
from functools import cache

import numpy as np
import pytest

from losslang.analysis.embeddings.sphere import Sphere
from losslang.analysis.probe.extra import CLOUD, FEATURES, bias_of
from losslang.cli import main

NOISE = 0.3
Z = CLOUD.unit_rows(2, FEATURES)
P = CLOUD.unit_rows(2, FEATURES, shrink=1 / (1 + NOISE**2))


def center(rows):
    return rows.mean(axis=0)


def residual(rows):
    return rows - rows.mean(axis=0)


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def asked(capsys, *words):
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def extra(capsys, name, *options):
    found = asked(capsys, "probe", name, "--extra", *options)
    return found | {key: np.array(found[key]) for key in ("rows", "basic", "center", "residual")}


# ---------------------------------------------------------------- the extra gradient


@pytest.mark.parametrize("name", ["simsiam_no_predictor", "simsiam_symmetric", "byol_no_predictor"])
def test_a_siamese_pair_adds_nothing(name, capsys, tmp_path):
    if name == "byol_no_predictor":
        text = (
            "losslang: 1\nmethod: m\nextends: byol\nparameters: {bottleneck: null}\nnetworks: {predictor: identity}\n"
        )
        (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
        name = str(tmp_path / "m.yaml")
    found = extra(capsys, name)
    assert found["basic"] == pytest.approx(Z[1], abs=1e-7)
    assert found["center"] == pytest.approx(0, abs=1e-7)
    assert found["residual"] == pytest.approx(0, abs=1e-7)


NEGATIVES = np.roll(CLOUD.unit_rows(3, FEATURES)[2], 1, axis=0)


@pytest.mark.parametrize(
    ("name", "kept"), [("triplet_simple", (1, 1)), ("triplet_center", (1, 0)), ("triplet_residual", (0, 1))]
)
def test_a_triplet_adds_its_negative(name, kept, capsys):
    found = extra(capsys, name)
    assert found["scale"] == pytest.approx(1)
    assert found["basic"] == pytest.approx(CLOUD.unit_rows(3, FEATURES)[1], abs=1e-7)
    assert found["center"] == pytest.approx(-kept[0] * np.broadcast_to(center(NEGATIVES), NEGATIVES.shape), abs=1e-7)
    assert found["residual"] == pytest.approx(-kept[1] * residual(NEGATIVES), abs=1e-7)


@pytest.mark.parametrize(("name", "scale"), [("simsiam", 0.5), ("byol", 2.0)])
def test_a_predictor_adds_target_less_prediction(name, scale, capsys):
    found = extra(capsys, name)
    assert found["scale"] == pytest.approx(scale)
    assert found["basic"] == pytest.approx(P[1], abs=1e-7)
    assert found["center"] == pytest.approx(np.broadcast_to(center(Z[1]) - center(P[1]), Z[1].shape), abs=1e-7)
    assert found["residual"] == pytest.approx(residual(Z[1]) - residual(P[1]), abs=1e-7)
    assert found["decentering"] < 0  # o_e is a negative multiple of the predictions' own center


def test_the_mirror_adds_the_opposite(capsys):
    found = extra(capsys, "simsiam_mirror")
    assert found["center"][0] == pytest.approx(center(P[0]) - center(Z[0]), abs=1e-7)
    assert found["decentering"] > 0


@pytest.mark.parametrize(("name", "scale"), [("infonce_oneway", 10), ("infonce_symmetric", 5)])
@pytest.mark.parametrize("temperature", [0.1, 1])
def test_infonce_adds_minus_the_center_and_weighted_residuals(name, scale, temperature, capsys):
    found = extra(capsys, name, "--set", f"temperature={temperature}")
    weights = softmax(Z[0] @ Z[1].T / temperature)
    assert found["scale"] == pytest.approx(scale * 0.1 / temperature)
    assert found["basic"] == pytest.approx(Z[1], abs=1e-6)
    assert found["center"] == pytest.approx(np.broadcast_to(-center(Z[1]), Z[1].shape), abs=1e-6)
    assert found["residual"] == pytest.approx(-weights @ residual(Z[1]), abs=1e-6)


def test_simclr_does_so_over_both_views(capsys):
    found = extra(capsys, "simclr")
    others = np.concatenate([Z[0], Z[1]])
    scores = Z[0] @ others.T / 0.1
    np.fill_diagonal(scores, -np.inf)
    assert found["center"] == pytest.approx(np.broadcast_to(-center(others), Z[0].shape), abs=1e-6)
    assert found["residual"] == pytest.approx(-softmax(scores) @ residual(others), abs=1e-6)


@pytest.mark.parametrize("name", ["mocov2", "mocov2plus", "mocov3"])
def test_negatives_of_a_target_do_so_too(name, capsys):
    assert extra(capsys, name)["decentering"] == pytest.approx(-1, abs=0.01)


def test_a_bias_adds_minus_itself(capsys):
    """Up to the renormalisation of ẑ + b, whose length is the same for all rows of this cloud."""
    found = extra(capsys, "simsiam_bias")
    b = bias_of(FEATURES)
    length = np.linalg.norm(Z[1] + b, axis=1)
    assert np.ptp(length) < 1e-12
    assert found["basic"] == pytest.approx((Z[1] + b) / length[0], abs=1e-7)
    whole = found["basic"] + found["center"] + found["residual"]
    assert whole == pytest.approx(Z[1], abs=1e-7)
    assert whole - length[0] * found["basic"] == pytest.approx(np.broadcast_to(-b, Z[1].shape), abs=1e-7)
    cosine = found["center"][0] @ -b / np.linalg.norm(found["center"][0]) / np.linalg.norm(b)
    assert cosine == pytest.approx(1)


def test_what_has_no_extra_gradient_says_so(capsys):
    for name, reason in (
        ("vicreg", "compares no unit rows"),
        ("center_penalty", "their own center or moments"),
        ("triplet", "pulls unit rows to one another by their cosine"),
    ):
        assert main(["probe", name, "--extra"]) == 1
        assert reason in capsys.readouterr().err


def test_in_words(capsys):
    assert main(["probe", "simclr", "--extra"]) == 0
    assert "The center part shortens the center: −1.000 o." in capsys.readouterr().out
    assert main(["probe", "triplet_residual", "--extra"]) == 0
    assert "The center part is 0" in capsys.readouterr().out
    assert main(["probe", "simsiam_symmetric", "--extra"]) == 0
    assert "No extra gradient" in capsys.readouterr().out


# ---------------------------------------------------------------- which term de-centers, which de-correlates


@cache
def _probed(name, options):
    from losslang.questions import probe

    return json.loads(probe(name, parameters=dict(options)).json())


def forces(name, part, *, rank=None, at=0.7, **options):
    found = _probed(name, tuple(options.items()))
    rows = found["ranks"] if rank else found["centers"]
    (row,) = (row for row in rows if row["rank" if rank else "center_norm"] == (rank or at))
    (force,) = (force for force in row["forces"] if force["term"] == part)
    return force


SHORTENS = {
    "triplet_simple": "triplet (batch)",
    "center_penalty": "center_penalty",
    "simclr": "contrast (batch)",
    "infonce_oneway": "contrast (batch)",
    "mocov2": "contrast (batch)",
    "mocov3": "contrast (batch)",
    "tico": "redundancy",
    "lejepa": "sigreg",
    "dino": "distill",
    "swav": "swap",
}


@pytest.mark.parametrize(("name", "part"), SHORTENS.items())
@pytest.mark.parametrize("at", [0.5, 0.9, 0.99])
def test_what_shortens_the_center(name, part, at):
    assert forces(name, part, at=at)["center"] < -0.05


CENTERED = [
    ("barlow", "align"),
    ("barlow", "redundancy"),
    ("vicreg", "variance"),
    ("vicreg", "covariance"),
    ("corinfomax", "spread"),
    ("matrixssl", "align"),
    ("matrixssl", "uniform"),
    ("wmse", "align"),
]


@pytest.mark.parametrize(("name", "part"), CENTERED)
@pytest.mark.parametrize("at", [0.3, 0.7, 0.99])
def test_what_does_not_act_on_the_center(name, part, at):
    assert forces(name, part, at=at)["center"] == pytest.approx(0, abs=1e-5)


def test_the_hinge_keeps_the_residual_up_where_the_center_grows():
    assert all(forces("vicreg", "variance", at=at)["residual"] > 3 for at in (0.5, 0.9, 0.99))


LOG_DETS = {"simdino": ("expansion", {}), "mcr2": ("expand", {}), "mec": ("code_length", {"distortion": 16})}


@pytest.mark.parametrize(("name", "part", "options"), [(name, *row) for name, row in LOG_DETS.items()])
def test_log_dets_of_uncentred_moments_shorten_it_on_the_sphere(name, part, options):
    """Where rows have length 1, the trace of the moment is 1, and its optimum I/p has ‖o‖² at most 1/p."""
    assert all(forces(name, part, at=at, **options)["sphere"] < -0.005 for at in (0.5, 0.7, 0.9))


def test_the_optimum_of_a_log_det_has_a_center_of_at_most_one_over_p():
    p = 16  # features of the small method; 0.1² < 1/p < 0.3²
    below, above = (forces("simdino", "expansion", at=at)["sphere"] for at in (0.1, 0.3))
    assert 0.1**2 < 1 / p < 0.3**2
    assert below > 0 > above


EVENS_OUT = {
    "simclr": "contrast (batch)",
    "mocov2": "contrast (batch)",
    "barlow": "redundancy",
    "vicreg": "covariance",
    "simdino": "expansion",
    "mcr2": "expand",
    "corinfomax": "spread",
    "matrixssl": "align",
    "tico": "redundancy",
    "swav": "swap",
}


@pytest.mark.parametrize(("name", "part"), EVENS_OUT.items())
@pytest.mark.parametrize("rank", [2, 4])
def test_what_decorrelates(name, part, rank):
    assert forces(name, part, rank=rank)["spread"] > 0.05 * max(abs(forces(name, part)["residual"]), 0.5)


@pytest.mark.parametrize(
    ("name", "part"), [("triplet_simple", "triplet (batch)"), ("center_penalty", "center_penalty")]
)
@pytest.mark.parametrize("rank", [2, 4, 8])
def test_what_does_not_decorrelate(name, part, rank):
    assert abs(forces(name, part, rank=rank)["spread"]) < 0.15  # the noise of 128 negatives


def test_the_slices_of_lejepa_even_out():
    assert all(forces("lejepa", "sigreg", rank=rank)["spread"] > 0.05 for rank in (1, 2, 4))


def test_whitening_is_blind_to_scale_and_center():
    for at in (0.3, 0.9):
        force = forces("wmse", "align", at=at)
        assert force["residual"] == pytest.approx(0, abs=1e-5)
        assert force["center"] == pytest.approx(0, abs=1e-5)


def test_infonce_to_first_and_second_order():
    """The log-sum-exp is ‖o‖²/τ + (‖B̂‖_F² − oᵀB̂o)/(2τ²) for large τ: with B̂ = Σ + ooᵀ and r ⟂ o, that is ‖Σ‖²/(2τ²)."""
    temperature, at = 20, 0.7
    found = forces("infonce_oneway", "contrast (batch)", at=at, temperature=temperature)
    assert found["center"] == pytest.approx(-2 * at / temperature, rel=1e-3)
    one, two = Sphere(at, rows=128).unit_rows(2, 16)
    second = np.trace(np.cov(one.T, ddof=0) @ np.cov(two.T, ddof=0))
    expected = -4 * second / (2 * temperature**2) / np.sqrt(1 - at**2)
    assert found["residual"] == pytest.approx(expected, rel=0.05)


def test_tico_to_fourth_order():
    """ρ⟨B̂, C⟩ with C of which 1 − β is this batch: the force on the center of ‖o‖⁴ + 2 oᵀΣo + ‖Σ‖², where r ⟂ o."""
    for at in (0.5, 0.9):
        beta, weight = 0.9, 8
        expected = -weight * (1 + (1 - beta)) / 2 * 4 * at**3
        assert forces("tico", "redundancy", at=at)["center"] == pytest.approx(expected, rel=1e-4)


def test_the_running_center_is_what_decenters_dino(tmp_path, capsys):
    text = """losslang: 1
method: m
extends: dino
parameters: {center_momentum: null}
define:
  center: null
  q: softmax(t / teacher_temperature, over=prototype)
"""
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    without = asked(capsys, "probe", str(tmp_path / "m.yaml"))
    (row,) = (row for row in without["centers"] if row["center_norm"] == 0.9)
    assert forces("dino", "distill", at=0.9)["center"] < -1
    assert row["forces"][0]["center"] > -0.5


@pytest.mark.parametrize(
    ("name", "mechanisms"),
    [
        ("simsiam", {"predictor", "stop-gradient"}),
        ("byol", {"predictor", "EMA target"}),
        ("dino", {"centering", "sharpening"}),
        ("swav", {"balanced assignment"}),
        ("barlow", {"standardisation", "second order"}),
        ("wmse", {"whitening"}),
    ],
)
def test_what_no_force_shows_is_named(name, mechanisms, capsys):
    assert main(["explain", name, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)["mechanisms"]
    assert mechanisms <= {row["name"] for row in found}
