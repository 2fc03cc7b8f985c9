"""`ablate`: the verdict on what is left without each term and mechanism, and the outcome of training beside it."""

import json

import pytest

from losslang.analysis.ablation.verdicts import Row
from losslang.analysis.foresight.stability import Finding, Verdict
from losslang.cli import main
from losslang.diagnostics import Source
from losslang.pipeline import load
from losslang.questions import ablate, stability
from losslang.shipped import shipped_specs

HOLDS_UP = {
    ("simsiam", "whole"): "held",
    ("simsiam", "without the predictor"): "collapses",
    ("simsiam", "without stop-gradients"): "collapses",
    ("simsiam", "without the output norm of projector"): "held",
    ("byol", "without the predictor"): "collapses",
    ("byol", "without the moving average of target"): "collapses",
    ("vicreg", "without the term variance"): "collapses",
    ("vicreg", "without the term invariance"): "stable",
    ("vicreg", "without the term covariance"): "stable",
    ("simdino", "without the term expansion"): "collapses",
    ("simdino", "without the moving average of target"): "stable",
    ("center_penalty", "without the term center_penalty"): "collapses",
}


@pytest.mark.parametrize("name", sorted({name for name, _ in HOLDS_UP}))
def test_what_each_part_holds_up(name):
    found = {row.change: row.verdict.constant.answer for row in ablate(name).rows}
    expected = {change: answer for (method, change), answer in HOLDS_UP.items() if method == name}
    assert expected.items() <= found.items()


def test_covariance_is_what_keeps_the_rank_of_vicreg():
    ranks = {row.change: row.verdict.rank.answer for row in ablate("vicreg").rows}
    assert ranks["without the term covariance"] == "possible"
    assert ranks["without the term invariance"] == "full"


def test_a_predictor_is_named_where_its_name_says_more():
    text = shipped_specs()["simsiam"].read_text(encoding="utf-8").replace("predictor", "head")
    found = ablate(load(Source("simsiam.yaml", text)))
    assert "without the predictor head" in [row.change for row in found.rows]
    assert "without the predictor" in [row.change for row in ablate("simsiam").rows]


def test_terms_are_made_weaker_and_stronger():
    rows = {row.change: row for row in ablate("center_penalty").rows}
    forces = {
        change: {force.term: force.center for force in rows[change].verdict.forces}["center_penalty"]
        for change in ("whole", "the term center_penalty times 0.1", "the term center_penalty times 10")
    }
    whole, weak, strong = forces.values()
    assert weak == pytest.approx(0.1 * whole)
    assert strong == pytest.approx(10 * whole)
    assert not any("times" in row.change for row in ablate("simsiam").rows)


@pytest.mark.parametrize(
    "name", ["vicreg", "simsiam_bias", "dino", "lejepa_lightly", "wmse_solo", "deepcluster2", "msn"]
)
def test_every_change_is_a_file_of_its_own(name):
    """What is trained is what was judged: the text alone gives the same verdict."""
    whole, *rest = ablate(name).rows
    assert load(Source("whole.yaml", whole.text)).bases == ()
    for row in (whole, rest[-1]):
        again = stability(load(Source(f"{row.short}.yaml", row.text)))
        assert again.lines() == row.verdict.lines()


def test_every_shipped_method_can_be_written_whole():
    for name in [*shipped_specs()][::9]:
        rows = ablate(name).rows
        assert len({row.short for row in rows}) == len(rows)
        assert len({load(Source(f"{row.short}.yaml", row.text)).method_name for row in rows}) == len(rows)


# ---------------------------------------------------------------- outcomes


def row(constant, rank, *kinds):
    verdict = Verdict(Finding(constant, "it is so"), Finding(rank, "it is so"), (), ())
    return Row("whole", "whole", "", verdict, tuple({"collapsed": kind} for kind in kinds))


@pytest.mark.parametrize(
    ("found", "agrees"),
    [
        (row("collapses", "moot", "constant", "constant", "none"), True),
        (row("collapses", "moot", "none"), False),
        (row("stable", "full", "none"), True),
        (row("held", "full", "constant"), False),
        (row("stable", "possible", "dimensional"), True),
        (row("stable", "full", "dimensional"), False),
        (row("undecided", "full", "none"), None),
        (row("stable", "full", "not finite"), None),
        (row("stable", "full"), None),
    ],
)
def test_agreement(found, agrees):
    assert found.agrees is agrees


# ---------------------------------------------------------------- the command


def test_command(capsys):
    assert main(["ablate", "simsiam"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("simsiam\n  whole")
    assert "without stop-gradients" in output


def test_what_changes_nothing_is_said_shortly():
    found = ablate("center_penalty")
    whole, *rest = found.rows
    alike = [row for row in rest if row.verdict.lines() == whole.verdict.lines()]
    assert alike
    assert found.text().count("as the whole") == len(alike)


def test_json(capsys):
    assert main(["ablate", "vicreg", "--json", "--set", "covariance=0"]) == 0
    rows = json.loads(capsys.readouterr().out)["changes"]
    assert rows[0]["change"] == "whole"
    assert rows[0]["rank"]["answer"] == "possible"


def test_wrong_settings(capsys):
    assert main(["ablate", "vicreg", "--set", "steps=3"]) == 1
    assert "the method has no such parameter; settings of training need --train" in capsys.readouterr().err
    assert main(["ablate", "vicreg", "--set", "covariance=much"]) == 1
    assert "`much` is not a number" in capsys.readouterr().err


def test_training(capsys, tmp_path):
    out = tmp_path / "runs"
    words = ["ablate", "simsiam", "--train", "--set", "steps=20", "--set", "width=8", "--set", "bottleneck=4"]
    words += ["--seeds", "2", "--out", str(out), "--json"]
    assert main(words) == 0
    rows = json.loads(capsys.readouterr().out)["changes"]
    assert [row["change"] for row in rows][:2] == ["whole", "without the predictor"]
    for row in rows:
        assert [run["seed"] for run in row["runs"]] == [0, 1]
        assert all(0 <= run["center_norm"] <= 1 for run in row["runs"])
        assert row["outcome"] in {"none", "constant", "dimensional"}
        assert row["agrees"] in {True, False}
    assert (out / "without_predictor.yaml").read_text(encoding="utf-8").startswith("losslang: 1\n")
    assert (out / "without_predictor" / "seed1" / "result.json").exists()
    assert main(words) == 1
    assert "--overwrite" in capsys.readouterr().err


@pytest.mark.parametrize("width", [60, 80, 140])
def test_the_table_fits_its_terminal(width):
    lines = ablate("simsiam").text(width).splitlines()
    assert max(map(len, lines)) <= width
    assert " ".join(" ".join(lines).split()).count("against a stopped branch") >= 1 or width == 60
