"""`probe`: forces by term on controlled clouds."""

import json

import numpy as np
import pytest

from losslang.analysis.cloud import Cloud, Scale, spreading
from losslang.analysis.probe import CENTERS, WEAK
from losslang.analysis.stage import FEATURES
from losslang.cli import main
from losslang.diagnostics import Report
from losslang.pipeline import compile_source, probe
from tests.methods import term


def small(spec):
    return compile_source(spec.source, Report(), cap=FEATURES)


def test_weak_directions_are_as_weak_as_said():
    z = Cloud(1.0, noise=0.0, weak=0.2).views(1, FEATURES, 1.0, Scale())[0]
    lengths = np.linalg.svd(z, compute_uv=False)
    assert lengths[FEATURES // 2 :].mean() / lengths[: FEATURES // 2].mean() == pytest.approx(0.2, rel=0.1)
    assert np.abs(z).mean(axis=0).std() < 0.5 * np.abs(z).mean()  # rotated: no feature is a weak direction


def test_what_decorrelates_spreads_and_what_does_not_does_not():
    cloud = Cloud(weak=0.2)
    found = {text: spreading(small(term(text)), cloud)["term"] for text in (
        "-mean(coding_rate(z))", "mean(covariance_penalty(z))", "norm(mean(z[a], over=batch))^2", "mean(z^2)",
    )}  # fmt: skip
    assert found["-mean(coding_rate(z))"] > 0.1
    assert found["mean(covariance_penalty(z))"] > 0.001
    assert abs(found["norm(mean(z[a], over=batch))^2"]) < 1e-6
    assert abs(found["mean(z^2)"]) < 0.02  # shrinks every direction alike, but for the sampling of 128 rows


def test_alignment_feeds_the_center_everywhere():
    found = probe(term("alignment(z[a], z[b])"))
    assert set(found.scales) == set(CENTERS)
    assert set(found.spreads) == set(WEAK)
    for (pull,) in found.scales.values():
        assert pull.center > 0 > pull.residual


def test_command(capsys):
    assert main(["probe", "vicreg"]) == 0
    assert "variance: residual" in capsys.readouterr().out
    assert main(["probe", "vicreg", "--json", "--set", "covariance=0"]) == 0
    rows = json.loads(capsys.readouterr().out)["spreads"]
    assert all(row["growth"]["covariance"] == 0 for row in rows)
