"""`losslang train` as people run it: in a process of its own."""

import json
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch

from losslang.diagnostics import LosslangError
from losslang.shipped import shipped_specs
from losslang.training.cli import train_main
from losslang.training.plans import TrainOptions, make_plans

SPECS = {name: str(path) for name, path in shipped_specs().items()}


def command(*arguments):
    return [sys.executable, "-m", "losslang", "train", *arguments]


def test_several_methods_and_seeds_end_in_a_table(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = TrainOptions(seeds=2, set={"steps": "10"}, quiet=True)
    assert train_main([SPECS["simsiam"], SPECS["center_penalty"]], options) == 0
    folders = sorted(str(path.parent) for path in tmp_path.glob("runs/**/result.json"))
    names = ["center_penalty-blobs/seed0", "center_penalty-blobs/seed1", "simsiam-blobs/seed0", "simsiam-blobs/seed1"]
    assert folders == [str(tmp_path / "runs" / name) for name in names]
    shown = capsys.readouterr().out
    assert shown.count("center_penalty") >= 4
    assert "±" in shown
    assert "kNN" in shown
    assert "collapsed" in shown


@pytest.mark.parametrize(
    ("specs", "options", "folders"),
    [
        (["simsiam"], {}, ["runs/simsiam-moons/seed0"]),
        (["simsiam"], {"seed": 7}, ["runs/simsiam-moons/seed7"]),
        (["simsiam"], {"out": "o"}, ["o"]),
        (["simsiam"], {"out": "o", "seeds": 2}, ["o/seed0", "o/seed1"]),
        (["simsiam", "byol"], {"out": "o"}, ["o/simsiam-moons", "o/byol-moons"]),
        (
            ["simsiam", "byol"],
            {"out": "o", "seeds": 2},
            [f"o/{m}-moons/seed{s}" for m in ("simsiam", "byol") for s in (0, 1)],
        ),
    ],
)
def test_folders(tmp_path, specs, options, folders):
    out = {"out": tmp_path / options["out"]} if "out" in options else {}
    plans = make_plans([SPECS[name] for name in specs], TrainOptions(**options | out, data="moons"))
    found = [plan.folder.relative_to(tmp_path) if out else plan.folder for plan in plans]
    assert [str(folder) for folder in found] == folders
    assert [plan.recipe.seed for plan in plans] == [plan.settings["seed"].value for plan in plans]


def test_options_stand_above_the_recipe():
    options = TrainOptions(seed=0, microbatch=300, set={"seed": "5", "microbatch": "4"})
    (plan,) = make_plans([SPECS["simsiam"]], options)
    assert (plan.recipe.seed, plan.recipe.microbatch) == (0, 300)
    with pytest.raises(LosslangError, match=r"^--microbatch: `microbatch` must be greater than"):
        make_plans([SPECS["simsiam"]], TrainOptions(microbatch=0))


def test_one_micro_batch_is_the_whole_batch(tmp_path):
    losses = []
    for microbatch in (None, 64):
        options = TrainOptions(
            microbatch=microbatch,
            out=tmp_path / str(microbatch),
            quiet=True,
            set={"steps": "2", "batch_size": "64", "log_every": "1"},
        )
        assert train_main([SPECS["simsiam"]], options) == 0
        lines = (options.out / "metrics.jsonl").read_text().splitlines()
        losses.append([json.loads(line)["total"] for line in lines if "total" in json.loads(line)])
    assert losses[0]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_batch_norm_of_one_row_is_refused(tmp_path, capsys):
    sets = {"steps": "1", "batch_size": "5", "batchnorm": "microbatch"}
    options = TrainOptions(microbatch=2, out=tmp_path / "o", quiet=True, set=sets)
    assert train_main([SPECS["barlow"]], options) == 1
    assert "barlow, step 0: batch norm saw a single row" in " ".join(capsys.readouterr().out.split())


def test_what_is_wrong_is_said_before_any_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good, bad = SPECS["simsiam"], tmp_path / "bad.yaml"
    bad.write_text("losslang: 1\nmethod: bad\n")
    for specs, options in [
        ([good, str(bad)], {}),
        ([good, good], {}),
        ([good], {"seeds": 0}),
        ([good], {"set": {"no": "1"}}),
        ([good], {"out": bad}),
        ([good], {"out": tmp_path, "resume": True}),
    ]:
        with pytest.raises(LosslangError):
            train_main(specs, TrainOptions(**options))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.yaml"]


def test_there_is_something_to_resume(tmp_path):
    options = {"out": tmp_path / "run", "set": {"steps": "5"}, "quiet": True}
    with pytest.raises(LosslangError, match="run: there is no run to go on with; leave out --resume to begin one"):
        train_main([SPECS["simsiam"]], TrainOptions(**options, resume=True))
    assert not any(tmp_path.iterdir())


def test_seeds_that_had_not_begun_are_trained_by_resume(tmp_path):
    options = {"out": tmp_path / "run", "set": {"steps": "5"}, "quiet": True, "seeds": 2}
    assert train_main([SPECS["simsiam"]], TrainOptions(**options)) == 0
    shutil.rmtree(tmp_path / "run" / "seed1")
    assert train_main([SPECS["simsiam"]], TrainOptions(**options, resume=True)) == 0
    assert (tmp_path / "run" / "seed1" / "result.json").is_file()


def test_a_finished_run_is_not_repeated_by_resume(tmp_path, capsys):
    options = {"out": tmp_path / "run", "set": {"steps": "5"}, "quiet": True}
    assert train_main([SPECS["simsiam"]], TrainOptions(**options)) == 0
    with pytest.raises(LosslangError, match="holds a run already"):
        train_main([SPECS["simsiam"]], TrainOptions(**options))
    before = (tmp_path / "run/checkpoint.pt").stat().st_mtime_ns
    capsys.readouterr()
    assert train_main([SPECS["simsiam"]], TrainOptions(**options, resume=True)) == 0
    assert "is finished" in capsys.readouterr().out
    assert (tmp_path / "run/checkpoint.pt").stat().st_mtime_ns == before
    assert train_main([SPECS["simsiam"]], TrainOptions(**options, overwrite=True)) == 0


def test_one_exploding_run_does_not_stop_the_others(tmp_path, capsys):
    options = TrainOptions(out=tmp_path / "o", quiet=True, set={"optimizer.learning_rate": "1e30", "steps": "20"})
    assert train_main([SPECS["vicreg"], SPECS["simsiam"]], options) == 1
    shown = capsys.readouterr().out
    assert "vicreg on blobs, seed 0: the term `" in shown
    assert (tmp_path / "o/vicreg-blobs/checkpoint.pt").exists()


def wait_for(condition, process, seconds=150):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def logged(folder):
    path = folder / "metrics.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_a_folder_that_goes_on(tmp_path, number):
    """Kill a process in the middle of saving at every step; its folder reads, its checkpoint loads, it can be resumed."""
    out = tmp_path / "run"
    sets = ["--set", "checkpoint_every=1", "--set", "log_every=1", "--set", "evaluation.every=0"]
    full = command(SPECS["byol"], "--out", str(out), *sets)
    process = subprocess.Popen(full, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    wait_for(lambda: logged(out) > 5, process)
    process.send_signal(number)
    shown, errors = process.communicate(timeout=60)
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert "Traceback" not in errors
    assert ("--resume goes on" in shown) == (number != signal.SIGKILL)
    saved = torch.load(out / "checkpoint.pt", weights_only=True)
    assert 0 < saved["step"] < 1000
    for name in ("settings.json", "environment.json"):
        json.loads((out / name).read_text())
    assert all(json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines())
    assert not (out / "result.json").exists()
    with pytest.raises(LosslangError, match="`steps` was 1000 and is now 2000"):
        train_main([SPECS["byol"]], TrainOptions(out=out, resume=True, set={"steps": "2000"}))
