"""A computation that was written down gives what it gave when it was run, for other inputs and as its state moves on."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from losslang.training.tape import Tape


def repeats(act, inputs, others, state=()):
    """Whether calls are of the written line, and what they give for other inputs, by the line and by `act` itself."""
    before = [tensor.detach().clone() for tensor in state]
    tape = Tape(act, inputs, state)

    def after(call):
        with torch.no_grad():
            for tensor, value in zip(state, before, strict=True):
                tensor.copy_(value)
        return [result.detach().clone() for result in call(*others)], [tensor.detach().clone() for tensor in state]

    return tape._run is not act, after(tape), after(act)


def assert_equal(one, two):
    for mine, theirs in zip(one[0] + one[1], two[0] + two[1], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


def test_gradients_are_written_down_as_operations():
    weight = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)

    def act(x):
        loss = torch.nn.functional.relu(x @ weight.T).square().mean()
        return [loss.detach(), *torch.autograd.grad(loss, [weight])]

    x, y = torch.randn(2, 8, 3, dtype=torch.float64)
    written, mine, theirs = repeats(act, [x], [y], [weight])
    assert written
    assert_equal(mine, theirs)


@pytest.mark.parametrize("last", ["used later", "a result", "an input", "free"])
def test_what_is_needed_later_is_not_written_over(last):
    def act(x):
        first = x if last == "an input" else x - 1
        clipped = torch.relu(first.view(-1))
        return [clipped * 2, *([first] if last == "a result" else []), first + 1 if last == "used later" else clipped]

    x, y = torch.randn(2, 8, dtype=torch.float64)
    same = y.clone()
    written, mine, theirs = repeats(act, [x], [y])
    assert written
    assert_equal(mine, theirs)
    assert torch.equal(y, same)


def test_state_moves_on_with_every_call():
    state = torch.zeros(3)

    def act(x):
        state.mul_(0.5).add_(x)
        return [state * 2]

    tape = Tape(act, [torch.ones(3)], [state])
    assert tape.results[0].tolist() == [2.0] * 3
    assert tape(torch.ones(3))[0].tolist() == [3.0] * 3
    assert tape(torch.zeros(3))[0].tolist() == [1.5] * 3


def test_views_of_state_see_its_changes():
    state = torch.zeros(2, 3)
    tape = Tape(lambda x: [state.T @ x], [torch.ones(2, 1)], [state])
    state.fill_(1)
    assert tape(torch.ones(2, 1))[0].flatten().tolist() == [2.0] * 3


@pytest.mark.parametrize("unsure", ["value", "stranger", "changed constant"])
def test_what_may_be_another_computation_is_run_itself(unsure):
    strangers = iter(torch.arange(9.0).unbind())

    def act(x):
        if unsure == "value":
            return [x * 2 if float(x) > 0 else x]
        if unsure == "stranger":
            return [x + next(strangers)]
        return [torch.tensor([1.0, 2.0]).add_(x)]

    tape = Tape(act, [torch.tensor(1.0)])
    assert tape._run is act
    tape(torch.tensor(1.0))
    last = {"value": -3.0, "stranger": -1.0, "changed constant": [-2.0, -1.0]}
    assert tape(torch.tensor(-3.0))[0].tolist() == last[unsure]


@given(order=st.permutations(range(3)), dim=st.integers(0, 3))
def test_stacks_of_turned_tensors_are_torch_stacks(order, dim):
    parts = torch.arange(48.0).view(2, 2, 3, 4)
    tape = Tape(lambda *xs: [torch.stack([x.permute(*order) for x in xs], dim)], list(parts))
    wanted = torch.stack([x.permute(*order) for x in -parts], dim)
    assert torch.equal(tape(*-parts)[0], wanted)
