"""What a step holds at most, in sizes of its inputs: nothing is written out that can be had otherwise. And forms for vmap."""

import pytest
import torch

from losslang.backend.cosines_of_pairs import cosines_of_pairs
from losslang.backend.spectral import nuclear_norm_of
from tests.benchmarks.peers.cases import CASES, inputs_of, ours
from tests.benchmarks.peers.measuring import METERS

MOST = {
    "triplet": 1.05,
    "center_penalty": 2.05,
    "simdino": 1.8,
    "mmcr": 2.7,
    "macl": 5.05,
    "koleo": 4.05,
    "matrixssl": 5.8,
}


@pytest.mark.parametrize("method", MOST)
def test_peak_beyond_the_inputs(method):
    case = next(case for case in CASES if case.method == method)
    inputs, loss = inputs_of(case, 256, 256, "cpu"), ours(case, 256)
    _, peak = METERS["cpu"].both(lambda: loss(**inputs).total, inputs)
    assert peak <= MOST[method] * sum(value.nbytes for value in inputs.values())


PAIRS = ((0, 1, 0), (0, 2, 1), (2, 2, -3), (1, 0, 0))
FUNCTIONS = {
    "pairs of one value": lambda x: (cosines_of_pairs(x, None, 1e-12, PAIRS) ** 2).sum(),
    "pairs of two values": lambda x: (cosines_of_pairs(x, x.flip(1).tanh(), 1e-12, PAIRS) ** 3).sum(),
    "nuclear norms": lambda x: (nuclear_norm_of(x) ** 2).sum(),
    "one nuclear norm": lambda x: nuclear_norm_of(x[0]) ** 2,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradient_and_many_members(name):
    function = FUNCTIONS[name]
    members = torch.randn(4, 3, 7, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert torch.autograd.gradcheck(function, members[0].clone().requires_grad_(), check_undefined_grad=False)
    together, alone = (members.clone().requires_grad_() for _ in range(2))
    torch.vmap(function)(together).sum().backward()
    sum(function(member) for member in alone).backward()
    assert torch.allclose(together.grad, alone.grad, rtol=1e-12, atol=1e-14)


def test_rows_of_zeros_have_no_gradient_along_themselves():
    x = torch.zeros(2, 3, 4, dtype=torch.float64).requires_grad_()
    cosines_of_pairs(x, None, 1e-12, ((0, 1, 0),)).sum().backward()
    assert x.grad is not None
    assert not x.grad.any()
