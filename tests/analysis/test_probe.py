"""`probe`: forces by term on controlled clouds."""

import csv
import io
import json
import sys

import numpy as np
import pytest

from losslang.analysis.embeddings.sphere import Sphere
from losslang.analysis.embeddings.stage import FEATURES
from losslang.analysis.probe.field import Field
from losslang.analysis.probe.parts import in_parts
from losslang.analysis.probe.probe import CENTERS
from losslang.cli import main
from losslang.diagnostics import Report
from losslang.pipeline import compile_source
from losslang.questions import probe, reading
from tests.methods import method, term


def small(spec, features=FEATURES):
    return compile_source(spec.source, Report(), cap=features)


# ---------------------------------------------------------------- clouds


@pytest.mark.parametrize("center", CENTERS)
@pytest.mark.parametrize("shrink", [1.0, 0.9])
def test_a_sphere_has_the_center_it_says(center, shrink):
    z = Sphere(center).unit_rows(2, 8, shrink=shrink)
    assert np.linalg.norm(z, axis=-1) == pytest.approx(1)
    residual = shrink * np.sqrt(1 - center**2)
    expected = center / np.hypot(center, residual)
    for view in z:
        assert view.mean(axis=0) == pytest.approx(expected * Sphere().axis(8), abs=1e-12)
    free = Sphere(center).free_rows(2, 8)
    assert free.mean(axis=1) == pytest.approx(np.sqrt(8) * center * np.array([Sphere().axis(8)] * 2), abs=1e-12)
    assert (free**2).sum(-1).mean() == pytest.approx(8)


@pytest.mark.parametrize("rank", [1, 3, 6])
@pytest.mark.parametrize("make", [Sphere.unit_rows, Sphere.free_rows])
def test_a_sphere_has_the_rank_it_says(rank, make):
    z = make(Sphere(0.5, rank, rows=512), 1, 8)[0]
    lengths = np.linalg.svd(z - z.mean(axis=0), compute_uv=False)
    assert (lengths > 0.5 * lengths[0]).sum() == rank
    assert lengths[rank] < 0.35 * lengths[0]  # rows of length 1 that happen to be weak are made longer


def test_views_differ_by_their_noise():
    one, two = Sphere(0.0, noise=0.3, rows=512).unit_rows(2, 8)
    assert (one * two).sum(-1).mean() == pytest.approx(1 / (1 + 0.3**2), abs=0.02)


# ---------------------------------------------------------------- forces


def test_what_decorrelates_spreads_and_what_does_not_does_not():
    sphere = Sphere(0.7, rank=2, rows=64)
    found = {text: Field(small(term(text)), sphere).forces()[0].spread for text in (
        "-mean(coding_rate(z))", "mean(covariance_penalty(z))", "norm(mean(z[a], over=batch))^2", "mean(z^2)",
    )}  # fmt: skip
    assert found["-mean(coding_rate(z))"] > 0.1
    assert found["mean(covariance_penalty(z))"] > 0.001
    assert abs(found["norm(mean(z[a], over=batch))^2"]) < 1e-6
    assert abs(found["mean(z^2)"]) < 1e-6  # shrinks every direction alike


@pytest.mark.parametrize("width", [2, 3, 5])
def test_narrow_embeddings_have_weak_directions_too(width):
    spec = method("minimize\n  l2: mean(z^2)\n  covariance: mean(covariance_penalty(z))\n", size=width)
    forces = {force.term: force for force in reading(spec).forces}
    assert abs(forces["l2"].spread) < 1e-6  # shrinks every direction alike
    assert forces["l2"].residual < -0.1


FORMULAS = {
    # -∂L/∂z of n rows, times n, where z = c·e + r has one view
    "0.5 * sum(mean(z[a], over=batch)^2)": lambda z: np.broadcast_to(-z.mean(axis=0), z.shape),
    "0.5 * mean(sum(z[a]^2, over=feature))": lambda z: -z,
    "-mean(dot(z[a], stopgrad(roll(z[a], 1))))": lambda z: np.roll(z, 1, axis=0),
    "0.25 * sum(second_moment(z[a])^2)": lambda z: -z @ (z.T @ z) / len(z),
}


@pytest.mark.parametrize(("text", "force"), FORMULAS.items())
def test_the_gradient_is_that_of_the_formula(text, force):
    field = Field(small(term(text)), Sphere(0.6, rows=8))
    (rows,) = field.live
    assert field.gradient([rows], 0)["term"] == pytest.approx(force(field.of_view(rows, 0)), abs=1e-6)


def test_forces_are_the_gradient_along_directions():
    field = Field(small(term("0.25 * sum(second_moment(z[a])^2)")), Sphere(0.6, rank=2, rows=8))
    (rows,) = field.live
    z, (found,) = field.of_view(rows, 0), field.forces()
    force, residual = -z @ (z.T @ z) / len(z), z - z.mean(axis=0)
    assert found.center == pytest.approx((force @ field.cloud.axis(6)).mean(), rel=1e-6)
    both = field.embeddings(rows) - field.embeddings(rows).mean(
        axis=1, keepdims=True
    )  # moved together, in the mean by 1
    along = (force * residual).sum(-1).mean() / np.sqrt((both**2).sum(-1).mean())
    assert found.residual == pytest.approx(along, rel=1e-6)


def test_unit_rows_are_free_to_move_and_what_only_lengthens_them_is_told_apart():
    field = Field(small(term("-mean(dot(normalize(z[a]), stopgrad(normalize(z[a]))))")), Sphere(0.6))
    (found,) = field.forces()
    assert found.center == pytest.approx(0.6, rel=1e-6)
    assert found.residual == pytest.approx(0.8, rel=1e-6)
    assert found.sphere == pytest.approx(0, abs=1e-6)


def test_alignment_feeds_the_center_everywhere():
    found = probe(term("alignment(z[a], z[b])"))
    assert found.unit
    assert set(found.centers) == set(CENTERS)
    for center, (pull,) in found.centers.items():
        assert pull.center == pytest.approx(2 * center, abs=1e-6)
        assert pull.sphere > 0 or center == 0


def test_rounding_is_no_force():
    assert all(force.center == 0 for forces in probe("vicreg").centers.values() for force in forces)


# ---------------------------------------------------------------- parts


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("info_nce(z[a], z[b], 0.1)", ["term (pairs)", "term (batch)"]),
        ("3 * nt_xent(z, 0.5) / 2", ["term (pairs)", "term (batch)"]),
        ("alignment(z[a], centered(z[b]))", ["term"]),
        ("mean(dot(z[a], centered(z[b])))", ["term (pairs)", "term (batch)"]),
        ("-mean(dot(z[a], stopgrad(z[b] - roll(z[b], 1))))", ["term (pairs)", "term (batch)"]),
        ("mse_alignment(z[a], z[b])", ["term"]),
        ("covariance_penalty(z[a])", ["term"]),
    ],
)
def test_what_repels_is_told_from_what_attracts(text, names):
    whole = small(term(text))
    parts = in_parts(whole)
    assert [t.name for t in parts.spec.graph.terms] == names
    cloud = Sphere(0.4, rank=3)
    for kind in ("center", "residual", "sphere", "spread"):
        one, more = (sum(getattr(f, kind) for f in Field(spec, cloud).forces()) for spec in (whole, parts.spec))
        assert one == pytest.approx(more, rel=1e-5, abs=1e-6)


def test_paired_terms_are_named():
    spec = small(
        method("minimize\n  one: alignment(z[a], z[b])\n  two: info_nce(z[a], z[b], 1)\n  three: koleo\n", head=KOLEO)
    )
    assert in_parts(spec).pairs == {"one", "two (pairs)"}


KOLEO = """
network encoder = backbone
network head = linear({size})
z = head(encoder(x))
koleo = mean(norm(z[a] - roll(z[a], 1), over=feature))
"""


# ---------------------------------------------------------------- the command


def test_command(capsys):
    assert main(["probe", "vicreg"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("vicreg: forces on rows of projector")
    assert "along the residual" in output
    assert main(["probe", "vicreg", "--json", "--set", "covariance=0"]) == 0
    found = json.loads(capsys.readouterr().out)
    forces = [force for row in (*found["centers"], *found["ranks"]) for force in row["forces"]]
    assert all(force["residual"] == 0 for force in forces if force["term"] == "covariance")


def test_csv(capsys):
    assert main(["probe", "simclr", "--csv"]) == 0
    rows = [*csv.DictReader(io.StringIO(capsys.readouterr().out))]
    assert {row["term"] for row in rows} == {"contrast (pairs)", "contrast (batch)"}
    (row,) = (row for row in rows if (row["term"], row["at"]) == ("contrast (batch)", "0.7"))
    assert float(row["center"]) == pytest.approx(-2 * 0.7 / 0.1)


@pytest.mark.parametrize(("name", "start"), [("f.svg", b"<?xml"), ("f.png", b"\x89PNG"), ("f.pdf", b"%PDF")])
def test_plot(name, start, tmp_path, capsys):
    for method_name in ("simclr", "vicreg"):
        assert main(["probe", method_name, "--plot", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_bytes().startswith(start)
    capsys.readouterr()


def test_plots_are_equal_files(tmp_path, capsys):
    files = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for file in files:
        assert main(["probe", "vicreg", "--plot", str(file)]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    capsys.readouterr()


def test_wrong_plots(tmp_path, capsys, monkeypatch):
    assert main(["probe", "vicreg", "--plot", "f.gif"]) == 1
    assert "`f.gif` is no figure that can be written; its ending is one of .svg, .png, .pdf" in capsys.readouterr().err
    assert main(["probe", "vicreg", "--extra", "--plot", "f.svg"]) == 1
    assert "--csv and --plot show forces" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["probe", "vicreg", "--plot", str(tmp_path / "f.svg")]) == 1
    assert "pip install 'losslang[plot]'" in capsys.readouterr().err
