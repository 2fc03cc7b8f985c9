"""What a run says of itself: numbers of the batch, and the collapse alarm, through the real command line."""

import json

import pytest

from losslang.cli import main
from losslang.shipped import shipped_specs
from losslang.training.loop import train
from losslang.training.plan import resolve_run
from losslang.training.watch import Collapsed

SPECS = {name: str(path) for name, path in shipped_specs().items()}
SHORT = {"steps": "120", "log_every": "20", "evaluation.every": "40", "checkpoint_every": "60"}


def records(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def plan(method, folder, **sets):
    return resolve_run(SPECS[method], sets=SHORT | sets, out=folder)


@pytest.fixture(scope="module")
def collapsed(tmp_path_factory):
    """A run of SimSiam without stop-gradient that was told to stop."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    sets = [part for key, value in SHORT.items() for part in ("--set", f"{key}={value}")]
    arguments = ["train", SPECS["simsiam_no_stopgrad"], *sets, "--out", str(folder), "--on-collapse", "stop"]
    return main(arguments), folder


def test_every_logged_step_has_the_numbers_of_its_batch(tmp_path):
    train(plan("barlow", tmp_path / "run", steps="40"))
    _, *logged = records(tmp_path / "run")
    for record in logged:
        batch = record["batch"]
        assert batch["center_norm"] ** 2 + batch["residual_rms"] ** 2 == pytest.approx(1, abs=1e-12)
        assert batch["after_norm/center_norm"] < batch["center_norm"]
        assert 0 <= record["gradient"]["angle/align,redundancy"] <= 180
    assert "center_turn" not in logged[0]["batch"]
    assert "center_turn" in logged[1]["batch"]


def test_evaluations_have_the_dear_numbers_too(tmp_path):
    result = train(plan("simsiam", tmp_path / "run", steps="40", **{"evaluation.every": "20"}))
    dear = {"rankme", "alpha_req", "lidar", "alignment", "uniformity", "correlation", "residual_rms"}
    measured = [record for record in records(tmp_path / "run") if "knn" in record]
    assert all(dear <= record.keys() for record in [*measured, result])
    assert "before_norm/center_norm" in records(tmp_path / "run")[-1]["batch"]


def test_watching_does_not_change_the_run(tmp_path):
    often = train(plan("simsiam", tmp_path / "often", steps="30", log_every="1"))
    seldom = train(plan("simsiam", tmp_path / "seldom", steps="30", log_every="30"))
    assert {k: v for k, v in often.items() if k != "seconds"} == {k: v for k, v in seldom.items() if k != "seconds"}


def test_the_alarm_stops_a_run_and_says_why(collapsed):
    status, folder = collapsed
    assert status == 1
    last = records(folder)[-1]
    assert last["step"] < 120
    assert last["alarm"]["kind"] == "constant"
    assert "nothing" in last["alarm"]["missing"]
    assert not (folder / "result.json").exists()


def test_a_stopped_run_goes_on_when_told_to(collapsed, capsys):
    _, folder = collapsed
    sets = [part for key, value in SHORT.items() for part in ("--set", f"{key}={value}")]
    arguments = [
        "train",
        SPECS["simsiam_no_stopgrad"],
        *sets,
        "--out",
        str(folder),
        "--resume",
        "--on-collapse",
        "warn",
    ]
    assert main(arguments) == 0
    result = json.loads((folder / "result.json").read_text())
    assert [alarm["kind"] for alarm in result["alarms"]] == ["constant"]
    assert "collapse alarm at step" in capsys.readouterr().out


def test_ignored_and_warned(tmp_path):
    with pytest.raises(Collapsed, match="--on-collapse warn"):
        train(plan("simsiam_no_predictor", tmp_path / "stop", on_collapse="stop", steps="600"))
    assert train(plan("simsiam_no_stopgrad", tmp_path / "ignore", on_collapse="ignore"))["alarms"] == []


def test_a_method_that_works_sets_off_nothing(tmp_path):
    assert train(plan("vicreg", tmp_path / "run", steps="200"))["alarms"] == []
