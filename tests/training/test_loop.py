"""The loop: exact, repeatable, resumable, and plain about what went wrong."""

import json
import math
import os
import re
import signal

import pytest
import torch

from losslang.diagnostics import LosslangError
from losslang.shipped import shipped_specs
from losslang.training import run
from losslang.training.loop import Interrupted, NotFinite, train
from losslang.training.optimizer import learning_rate
from losslang.training.plan import resolve_run
from losslang.training.recipe import Optimizer

SHORT = {"steps": "30", "evaluation.every": "10", "log_every": "5", "checkpoint_every": "10"}


def plan(method, out, **sets):
    return resolve_run(
        shipped_specs()[method], sets=SHORT | {k.replace("__", "."): v for k, v in sets.items()}, out=out
    )


def checkpoint(folder):
    return torch.load(folder / "checkpoint.pt", weights_only=True)


def flat(value, name=""):
    if isinstance(value, dict):
        return {k: v for key, inner in value.items() for k, v in flat(inner, f"{name}/{key}").items()}
    return {name: value}


def same(one, two):
    one, two = flat(one), flat(two)
    assert one.keys() == two.keys()
    return all(torch.equal(v, two[k]) if isinstance(v, torch.Tensor) else v == two[k] for k, v in one.items())


def metrics(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


class StopAt:
    """Ends the run by a signal as soon as a step is logged."""

    def __init__(self, step, number=signal.SIGTERM):
        self.step, self.number = step, number

    def __call__(self, record):
        if record["step"] == self.step:
            os.kill(os.getpid(), self.number)


@pytest.mark.parametrize("method", ["simsiam", "byol"])
def test_equal_seeds_give_equal_bits_and_others_do_not(tmp_path, method):
    one, two = (train(plan(method, tmp_path / name)) for name in ("one", "two"))
    other = train(plan(method, tmp_path / "other", seed="1"))
    assert same(checkpoint(tmp_path / "one"), checkpoint(tmp_path / "two"))
    assert metrics(tmp_path / "one") == metrics(tmp_path / "two")
    assert {k: v for k, v in one.items() if k != "seconds"} == {k: v for k, v in two.items() if k != "seconds"}
    assert other["center_norm"] != one["center_norm"]


@pytest.mark.parametrize(("method", "step"), [("simsiam", 15), ("byol", 10), ("dino", 15)])
def test_a_resumed_run_equals_one_without_a_break_bit_by_bit(tmp_path, method, step):
    small = {"prototypes": "16", "width": "16", "size": "8"} if method == "dino" else {}
    train(plan(method, tmp_path / "whole", **small))
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted, match="--resume goes on from the checkpoint") as stop:
        train(plan(method, tmp_path / "broken", **small), tell=StopAt(step))
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == handlers
    assert (stop.value.number, stop.value.step) == (signal.SIGTERM, step)
    assert checkpoint(tmp_path / "broken")["step"] == step
    result = train(plan(method, tmp_path / "broken", **small), resume=True)
    assert result["steps"] == 30
    assert same(checkpoint(tmp_path / "whole"), checkpoint(tmp_path / "broken"))
    assert metrics(tmp_path / "broken") == metrics(tmp_path / "whole")


def test_a_signal_before_the_first_step_leaves_a_run_that_goes_on(tmp_path, monkeypatch):
    real = run.open_session

    def open_session(plan):
        os.kill(os.getpid(), signal.SIGTERM)
        return real(plan)

    with monkeypatch.context() as patch:
        patch.setattr(run, "open_session", open_session)
        with pytest.raises(Interrupted, match="interrupted at step 0; --resume goes on"):
            train(plan("simsiam", tmp_path / "broken"))
    train(plan("simsiam", tmp_path / "broken"), resume=True)
    train(plan("simsiam", tmp_path / "whole"))
    assert metrics(tmp_path / "broken") == metrics(tmp_path / "whole")
    assert same(checkpoint(tmp_path / "broken"), checkpoint(tmp_path / "whole"))


def test_a_signal_at_the_last_step_lets_the_run_finish(tmp_path):
    with pytest.raises(Interrupted):
        train(plan("simsiam", tmp_path / "run"), tell=StopAt(30))
    assert (tmp_path / "run/result.json").exists()


def test_a_run_that_died_goes_back_to_its_checkpoint(tmp_path):
    class Died(BaseException):
        pass

    def die(record):
        if record["step"] == 25:
            raise Died

    train(plan("simsiam", tmp_path / "whole"))
    with pytest.raises(Died):
        train(plan("simsiam", tmp_path / "died"), tell=die)
    assert checkpoint(tmp_path / "died")["step"] == 20
    train(plan("simsiam", tmp_path / "died"), resume=True)
    assert metrics(tmp_path / "died") == metrics(tmp_path / "whole")


def test_the_folder_holds_everything(tmp_path):
    result = train(plan("simsiam", tmp_path / "run", width="32"))
    names = [
        "checkpoint.previous.pt",
        "checkpoint.pt",
        "emitted.py",
        "environment.json",
        "method.yaml",
        "metrics.jsonl",
        "result.json",
    ]
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [*names, "settings.json"]
    assert (tmp_path / "run/method.yaml").read_text() == shipped_specs()["simsiam"].read_text()
    compile((tmp_path / "run/emitted.py").read_text(), "emitted.py", "exec")
    environment = json.loads((tmp_path / "run/environment.json").read_text())
    assert environment["packages"]["torch"] == torch.__version__
    assert environment["threads"] == 1
    settings = json.loads((tmp_path / "run/settings.json").read_text())
    assert settings["parameters"]["width"] == {"value": 32, "set by": "--set"}
    assert json.loads((tmp_path / "run/result.json").read_text()) == result
    assert {"knn", "linear_probe", "center_norm", "effective_rank", "verdict"} <= set(result)
    lines = metrics(tmp_path / "run")
    assert [line["step"] for line in lines] == [0, 5, 10, 15, 20, 25, 30]
    assert [line["step"] for line in lines if "knn" in line] == [0, 10, 20]
    assert lines[1]["total"] == pytest.approx(sum(lines[1]["terms"].values()))


def test_terms_are_logged_with_and_without_their_weight(tmp_path):
    train(plan("vicreg", tmp_path / "run", steps="5"))
    terms = metrics(tmp_path / "run")[-1]["terms"]
    assert terms["variance"] == pytest.approx(25 * terms["variance/raw"])
    assert {"invariance", "variance", "covariance"} <= set(terms)


def test_a_loss_that_explodes_is_named_with_its_step_and_never_saved(tmp_path):
    with pytest.raises(NotFinite, match=r"the term `\w+` is no finite number at step \d+") as error:
        train(plan("vicreg", tmp_path / "run", optimizer__learning_rate="1e30", optimizer__warmup="0"))
    step = int(str(error.value).partition("at step ")[2].partition(";")[0])
    assert step <= 5
    saved = checkpoint(tmp_path / "run")
    assert saved["step"] == 0
    assert all(value.isfinite().all() for value in saved["model"].values())


@pytest.mark.parametrize("precision", ["float64", "bfloat16"])
def test_precisions(tmp_path, precision):
    result = train(plan("simsiam", tmp_path / "run", precision=precision, steps="5"))
    assert math.isfinite(result["center_norm"])
    weights = next(iter(checkpoint(tmp_path / "run")["model"].values()))
    assert weights.dtype == (torch.float64 if precision == "float64" else torch.float32)


def test_adamw_trains_and_resumes(tmp_path):
    sets = {"optimizer__name": "adamw", "optimizer__learning_rate": "1e-3"}
    train(plan("simclr", tmp_path / "whole", **sets))
    with pytest.raises(Interrupted):
        train(plan("simclr", tmp_path / "broken", **sets), tell=StopAt(15, signal.SIGINT))
    train(plan("simclr", tmp_path / "broken", **sets), resume=True)
    assert same(checkpoint(tmp_path / "whole"), checkpoint(tmp_path / "broken"))


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path):
    train(plan("simsiam", tmp_path / "whole"))
    with pytest.raises(Interrupted):
        train(plan("simsiam", tmp_path / "run"), tell=StopAt(25))
    newest = tmp_path / "run/checkpoint.pt"
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1  # one bit
    newest.write_bytes(content)
    said = []
    train(plan("simsiam", tmp_path / "run"), resume=True, say=said.append)
    assert len(said) == 1
    assert re.search(r"checkpoint\.pt is damaged: its checksum does not fit; going back .* at step 20", said[0])
    assert same(checkpoint(tmp_path / "run"), checkpoint(tmp_path / "whole"))
    assert metrics(tmp_path / "run") == metrics(tmp_path / "whole")


def test_checkpoints_that_are_all_damaged_are_an_error_in_words(tmp_path):
    train(plan("simsiam", tmp_path / "run", steps="5"))
    for path in (tmp_path / "run").glob("*.pt"):
        path.write_bytes(b"nonsense")
    with pytest.raises(LosslangError, match=r"checkpoint\.previous\.pt is damaged"):
        train(plan("simsiam", tmp_path / "run", steps="5"), resume=True)
    for path in (tmp_path / "run").glob("*.pt"):
        path.unlink()
    with pytest.raises(LosslangError, match=r"holds no checkpoint to go on from; start anew with --overwrite"):
        train(plan("simsiam", tmp_path / "run", steps="5"), resume=True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_an_error_before_any_work(tmp_path):
    with pytest.raises(LosslangError, match="--set device=cpu"):
        train(plan("simsiam", tmp_path / "run", device="cuda"))
    assert not (tmp_path / "run").exists()


def test_learning_rate_warms_up_and_falls_as_a_cosine():
    recipe = Optimizer(learning_rate=2.0, warmup=0.1, final=0.5)
    rates = [learning_rate(step, 100, recipe) for step in range(101)]
    assert rates[:10] == pytest.approx([0.2 * (k + 1) for k in range(10)])
    assert rates[10] == 2.0
    assert rates[55] == pytest.approx(1.5)
    assert rates[100] == pytest.approx(1.0)
    assert learning_rate(0, 1, Optimizer(warmup=0)) == 0.1
