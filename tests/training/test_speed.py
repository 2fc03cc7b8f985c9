"""torch.compile where it works, and one line where it does not."""

import copy

import pytest
import torch
from torch import nn

from losslang.training.speed import accelerate


@pytest.fixture
def x():
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(0))


def test_without_a_compiler_a_module_runs_as_it_is(monkeypatch, x):
    def failing(_function):
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
    monkeypatch.setattr(torch, "compile", lambda function: function)
    module = nn.Linear(3, 2)
    accelerate(module, "the method", pytest.fail)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        module(torch.zeros(1, 5))


def test_a_compiled_module_is_the_same_module(monkeypatch, x):
    calls = []
    monkeypatch.setattr(torch, "compile", lambda function: lambda *a: calls.append(1) or function(*a))
    module = nn.Linear(3, 2)
    accelerate(module, "the method", pytest.fail)
    names = list(module.state_dict())
    assert module(x).shape == (4, 2)
    assert (calls, names) == ([1], ["weight", "bias"])
    assert torch.equal(copy.deepcopy(module)(x), module(x))
