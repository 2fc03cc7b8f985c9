"""The verdict on every shipped method, and the forces behind it."""

import numpy as np
import pytest

from losslang.analysis.embeddings.stage import FEATURES
from losslang.analysis.foresight.cloud import Cloud, Scale, forces
from losslang.analysis.structure.mechanisms import find_mechanisms
from losslang.diagnostics import Report
from losslang.pipeline import compile_source, load
from losslang.questions import stability
from losslang.shipped import shipped_specs
from tests.methods import term

SPECS = {name: path for name, path in shipped_specs().items() if "variants" not in path.parts}

COLLAPSES = {"pull_center", "simsiam_mirror", "simsiam_no_predictor", "simsiam_no_stopgrad", "simsiam_symmetric"}
COLLAPSES |= {"triplet_residual"}  # Zhang et al. 2022: the residual part alone does not hold the triplet up
HELD = {
    "dino",
    "deepcluster2",
    "simsiam",
    "byol",
    "byol_no_ema",
    "simsiam_bias",
    "simsiam_inverse",
    "extra_center",
    "extra_residual",
}
UNDECIDED = {"empssl"}  # which ends with a center norm above 0.93 on the toy data

# Which mechanism de-centers and de-correlates, after Zhang et al. 2022 and the covariance view.
TABLE = {
    "simclr": {"negatives"},
    "mocov2": {"negatives", "EMA target"},
    "byol": {"predictor", "EMA target"},
    "simsiam": {"predictor", "stop-gradient", "output norm"},
    "dino": {"centering", "sharpening", "EMA target"},
    "swav": {"balanced assignment"},
    "swav_fixed": {"balanced assignment", "fixed prototypes"},
    "barlow": {"standardisation", "second order"},
    "vicreg": {"variance", "second order"},
    "simdino": {"log-det", "EMA target"},
    "mcr2": {"log-det"},
    "corinfomax": {"log-det"},
    "wmse": {"whitening"},
    "tico": {"second order", "EMA target"},
    "lejepa": {"sliced distribution"},
    "triplet": {"triplet negatives"},
    "center_penalty": {"center penalty"},
}


def named(name):
    return load(SPECS[name])


@pytest.mark.parametrize("name", SPECS)
def test_verdict(name):
    answer = stability(named(name)).constant.answer
    groups = {"collapses": COLLAPSES, "held": HELD, "undecided": UNDECIDED}
    expected = next((word for word, names in groups.items() if name in names), "stable")
    assert answer == expected


@pytest.mark.parametrize(("name", "mechanisms"), TABLE.items())
def test_mechanisms(name, mechanisms):
    assert mechanisms <= {found.mechanism.name for found in find_mechanisms(named(name))}


@pytest.mark.parametrize("name", ["center_penalty", "triplet_simple", "simsiam", "byol", "dino"])
def test_dimensional_collapse_is_possible_where_nothing_opposes_it(name):
    assert stability(named(name)).rank.answer == "possible"


def test_reasons_name_what_is_missing():
    reasons = {name: stability(named(name)).constant.reason for name in COLLAPSES}
    assert "predictor's side" in reasons["simsiam_mirror"]
    assert "both branches" in reasons["simsiam_no_stopgrad"]
    assert "nothing opposes" in reasons["simsiam_no_predictor"]


def small(spec):
    return compile_source(spec.source, Report(), cap=FEATURES)


def test_the_cloud_has_the_lengths_it_says():
    z = Cloud(0.6).views(2, 64, 1.0, Scale())
    center = z.mean(axis=(0, 1))
    assert np.linalg.norm(center) == pytest.approx(0.8, abs=0.05)
    assert np.sqrt(((z - center) ** 2).sum(-1).mean()) == pytest.approx(0.6, abs=0.05)


def test_the_force_of_a_center_penalty_is_the_derivative_of_its_formula():
    # ½‖mean z‖² without normalisation: -dL/dm² = -1 on log m, nothing on the residual (but for the mean of 128 rows)
    (pull,) = forces(small(term("0.5 * norm(mean(z[a], over=batch))^2")), Cloud())
    assert pull.center == pytest.approx(-1, abs=0.05)
    assert pull.residual == pytest.approx(0, abs=0.05)


def test_zhang_et_al_forces_of_center_and_residual_alone():
    center, residual = (
        sum(f.growth for f in forces(small(named(n)), Cloud())) for n in ("pull_center", "pull_residual")
    )
    assert center == pytest.approx(-residual, rel=1e-6)
    assert center < -0.9


def test_a_stopped_branch_is_held():
    (live,) = forces(small(term("mean(dot(z[a], z[b]))")), Cloud())
    (half,) = forces(small(term("mean(dot(z[a], stopgrad(z[b])))")), Cloud())
    assert live.center == pytest.approx(2 * half.center, rel=1e-2)


def test_weights_scale_forces():
    one, five = (forces(small(term(f"{w} * alignment(z[a], z[b])")), Cloud())[0] for w in (1, 5))
    assert five.growth == pytest.approx(5 * one.growth, rel=1e-6)
