"""torch.compile where it works, and one line where it does not.

With LOSSLANG_TESTS=full a ResNet trains with all of its step compiled (half a minute of one quiet core).
"""

import copy
import os

import pytest
import torch
from torch import nn

import losslang
from losslang.training import speed
from losslang.training.loop import train
from losslang.training.session import open_session
from losslang.training.speed import COMPILES_LOSSES, accelerate
from tests.training.test_images import RECIPE, cache, folder, plan  # noqa: F401 - fixtures
from tests.training.test_loop import checkpoint, flat


@pytest.fixture
def x():
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(0))


def test_without_a_compiler_a_module_runs_as_it_is(monkeypatch, x):
    def failing(_function, **_options):
        def call(*_arguments):
            raise torch._dynamo.exc.Unsupported("no compiler here\nand much more")

        return call

    monkeypatch.setattr(torch, "compile", failing)
    module, said = nn.Linear(3, 2), []
    expected = module(x)
    accelerate(module, "the method", said.append)
    assert torch.equal(module(x), expected)
    assert torch.equal(module(x), expected)
    assert said == ["the method runs without torch.compile: no compiler here"]


def test_mistakes_of_the_module_are_not_the_compilers(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    module = nn.Linear(3, 2)
    accelerate(module, "the method", pytest.fail)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        module(torch.zeros(1, 5))


def test_a_compiled_module_is_the_same_module(monkeypatch, x):
    calls = []
    monkeypatch.setattr(torch, "compile", lambda function, **_: lambda *a: calls.append(1) or function(*a))
    module = nn.Linear(3, 2)
    accelerate(module, "the method", pytest.fail)
    names = list(module.state_dict())
    assert module(x).shape == (4, 2)
    assert (calls, names) == ([1], ["weight", "bias"])
    assert torch.equal(copy.deepcopy(module)(x), module(x))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # of torch's compiler itself
@pytest.mark.skipif(not COMPILES_LOSSES, reason="this torch compiles no losses")
@pytest.mark.parametrize("method", ["coding_rate_taylor", "barlow"])  # with torch's gradient, and our own
def test_a_compiled_loss_in_autocast_has_its_gradient_in_float32(monkeypatch, method):
    compiler = torch.compile  # backends that generate no code are enough: products are cast before
    monkeypatch.setattr(torch, "compile", lambda function, **_: compiler(function, backend="aot_eager", fullgraph=True))
    z = torch.randn(2, 64, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)
    gradients = []
    for compiled in (False, True):
        torch.manual_seed(0)
        loss = losslang.compile_loss(method, sizes={"z": 8}, steps=100, steps_per_epoch=10)
        if compiled:
            accelerate(loss, "the loss", pytest.fail)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            total = loss(z=z).total
        gradients += torch.autograd.grad(total, z)
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-7)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # of torch's compiler itself
@pytest.mark.skipif(os.environ.get("LOSSLANG_TESTS") != "full", reason="compiles a ResNet: half a minute of one core")
@pytest.mark.timeout(1800)  # a busy machine takes its time to compile
def test_a_training_that_is_compiled_whole_is_the_same(cache, tmp_path, monkeypatch):  # noqa: F811
    """In float64, and with the same views, so that nothing but an error could differ; steps that are logged are not compiled."""
    monkeypatch.setattr(speed, "photo_view", lambda *_: nn.Identity())  # views are in float32
    path, said = tmp_path / "tiny.yaml", []
    path.write_text(RECIPE)
    torch._dynamo.utils.counters.clear()
    for mode in ("never", "always"):
        sets = {"compile": mode, "precision": "float64", "log_every": "100"}
        train(plan("simsiam", str(path), cache, tmp_path / mode, **sets), say=said.append)
    assert not said
    assert not torch._dynamo.utils.counters["graph_break"]
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] >= 1
    one, two = (flat(checkpoint(tmp_path / mode)) for mode in ("never", "always"))
    for name, value in one.items():
        if isinstance(value, torch.Tensor) and value.is_floating_point():
            torch.testing.assert_close(value, two[name], rtol=1e-6, atol=1e-9, msg=name)


def test_of_an_old_compiler_only_the_networks_are_asked(cache, tmp_path, monkeypatch):  # noqa: F811
    asked, said = [], []
    monkeypatch.setattr(torch, "compile", lambda function, **_: asked.append(function) or function)
    monkeypatch.setattr(speed, "COMPILES_LOSSES", False)
    path = tmp_path / "tiny.yaml"
    path.write_text(RECIPE)
    session = open_session(plan("simsiam", str(path), cache, tmp_path / "run", compile="always"))
    speed.speed_up(session, said.append)
    assert session.model.front.embed in asked
    assert "gets gradients wrong, 2.12 does not" in said[0]
    found = session.model.front({name: torch.randn(4, 3, 16, 16) for name in ("a", "b")})
    assert found.total.isfinite()
