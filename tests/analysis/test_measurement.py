"""`diff --measure`: ratio and angle of gradients on the same clouds."""

import json

import numpy as np
import pytest

from losslang.analysis.difference.measurement import measure
from losslang.cli import main
from losslang.diagnostics import Report
from losslang.pipeline import compile_source
from tests.methods import term


def measured(one, two, features=8):
    return measure(*(compile_source(term(text).source, Report(), cap=features) for text in (one, two)))


@pytest.mark.parametrize(
    ("one", "two", "ratio", "degrees"),
    [
        ("mean(z[a]^2)", "3 * mean(z[a]^2)", 3, 0),
        ("mean(z[a]^2)", "-mean(z[a]^2)", 1, 180),
        ("alignment(z[a], stopgrad(z[b]))", "squared_distance(normalize(z[a]), stopgrad(normalize(z[b])))", 2, 0),
        ("mse_alignment(z[a], z[b])", "sum((z[a] - z[b])^2) / size(z, batch)", 6, 0),
    ],
)
def test_ratio_and_angle(one, two, ratio, degrees):
    for cloud in measured(one, two).clouds:
        assert cloud.whole.ratio == pytest.approx(ratio, rel=1e-5)
        assert cloud.whole.degrees == pytest.approx(degrees, abs=0.02)


def test_parts():
    """The squared length of the center moves the center alone, a variance the residual alone, and both together all."""
    center, rest = "sum(mean(z[a], over=batch)^2)", "sum(var(z[a], over=batch, ddof=0))"
    found = measured(center, f"{center} + {rest}")
    for cloud in found.clouds:
        assert cloud.center.ratio == pytest.approx(1, rel=1e-5)
        assert cloud.residual.ratio is None
        angle = np.degrees(np.arctan2(np.sqrt(1 - cloud.center_norm**2), cloud.center_norm))
        assert cloud.whole.degrees == pytest.approx(angle, abs=3)  # one view of a cloud has about the length of all


def test_the_predictor_is_what_moves(capsys):
    assert main(["diff", "simsiam", "byol", "--measure"]) == 1
    output = capsys.readouterr().out
    assert "gradients of byol against those of simsiam, on embeddings of predictor" in output
    assert output.count("x4 at 0°") == 9


def test_json(capsys):
    assert main(["diff", "simclr", "simclr_tf", "--measure", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    (row,) = found["measured"]
    assert (row["left"], row["right"]) == ("simclr", "simclr_tf")
    assert all(cloud["whole"]["ratio"] == pytest.approx(2) for cloud in row["clouds"])
    assert found["answer"] == "different mathematics"


def test_scores_of_prototypes_are_measured_on_the_embeddings_behind(capsys):
    assert main(["diff", "simdino", "dino", "--measure"]) == 1
    assert "on embeddings of head" in capsys.readouterr().out


def test_embeddings_of_other_sizes_cannot_be_compared(tmp_path, capsys):
    (tmp_path / "m.loss").write_text(
        "method m\nnetwork encoder = backbone\nnetwork head = linear(4)\nz = head(encoder(x))\nminimize\n  t: mean(z^2)\n",
        encoding="utf-8",
    )
    assert main(["diff", "simclr", str(tmp_path / "m.loss"), "--measure"]) == 2
    assert "the embeddings have 8 and 4 features, so their gradients cannot be compared" in capsys.readouterr().err
