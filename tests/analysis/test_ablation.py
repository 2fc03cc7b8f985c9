"""`ablate`: the verdict on what is left without each term and mechanism."""

import pytest

from losslang.cli import main
from losslang.pipeline import ablate

HOLDS_UP = {
    ("simsiam", "the predictor predictor"): "collapses",
    ("simsiam", "stop-gradients"): "collapses",
    ("simsiam", "the output norm of projector"): "held",
    ("byol", "the predictor predictor"): "collapses",
    ("byol", "the moving average of target"): "collapses",
    ("vicreg", "the term variance"): "collapses",
    ("vicreg", "the term invariance"): "stable",
    ("vicreg", "the term covariance"): "stable",
    ("simdino", "the term expansion"): "collapses",
    ("simdino", "the moving average of target"): "stable",
    ("center_penalty", "the term center_penalty"): "collapses",
}


@pytest.mark.parametrize("name", sorted({name for name, _ in HOLDS_UP}))
def test_what_each_part_holds_up(name):
    found = {taken: verdict.constant.answer for taken, verdict in ablate(name).without}
    expected = {taken: answer for (method, taken), answer in HOLDS_UP.items() if method == name}
    assert expected.items() <= found.items()


def test_covariance_is_what_keeps_the_rank_of_vicreg():
    ranks = {taken: verdict.rank.answer for taken, verdict in ablate("vicreg").without}
    assert ranks["the term covariance"] == "possible"
    assert ranks["the term invariance"] == "full"


def test_command(capsys):
    assert main(["ablate", "simsiam"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("simsiam\n  whole")
    assert "without stop-gradients" in output
