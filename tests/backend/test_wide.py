"""Running matrices that have a log-determinant are in double precision, with what they are made of; nothing else is."""

import pytest
import torch

from losslang import compile_loss
from tests.methods import method

COVARIANCE = (
    "m = running(mean(z, over=batch), momentum=0.1, read=after, init=0)\n"
    "r = running(second_moment(z - m), momentum=0.1, read=after, init=identity)\n"
)
MATRIX = "r = running(cov({}, ddof=1), momentum=0.5, read={}, init={})\n"
BODIES = {
    "as CorInfoMax": COVARIANCE + "minimize\n  t: -logdet(r[a] + 1e-6 * same(feature))\n",
    "another use": COVARIANCE
    + "minimize\n  t: logdet(2 * r[a] + r[b])\n  u: mean(dot(z[a], mean(r, over=view), over=feature))\n",
    "lengths first": MATRIX.format("normalize(z[a])", "after", "identity")
    + "minimize\n  t: alignment(z[a], z[b]) - logdet(r + same(feature)) / 6\n",
    "before": MATRIX.format("z[b]", "before", "identity") + "minimize\n  t: mean(z) * logdet(r + same(feature))\n",
    "first": MATRIX.format("z[b]", "after", "first") + "minimize\n  t: logdet(r + 1e-3 * same(feature)) - mean(z)\n",
    "of two kinds": MATRIX.format("z[b]", "after", "identity")
    + "minimize\n  t: logdet(r + cov(z[a], ddof=1)) - mean(trace(r) * z)\n",
    "masked": "r = running(cov(relu(z[b]), ddof=1) * (not same(feature)), momentum=0.5, read=after, init=identity)\n"
    "minimize\n  t: logdet(r + 20 * same(feature))\n",
}


def _moved(loss, batches, dtype):
    for z in batches:
        x = z.to(dtype).requires_grad_()
        out = loss(z=x)
        out.total.backward()
        loss.after_step()
    return out, x.grad


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_values_are_those_of_double_precision_and_come_in_that_of_the_embeddings(body):
    batches = [torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(seed)) for seed in range(3)]
    compiled = compile_loss(method(body))
    exact, exact_gradient = _moved(compile_loss(method(body)).double(), batches, torch.float64)
    out, gradient = _moved(compiled, batches, torch.float32)
    assert compiled.r.dtype == torch.float64
    assert {value.dtype for value in (out.total, gradient, *out.terms.values())} == {torch.float32}
    torch.testing.assert_close(out.total.double(), exact.total, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradient.double(), exact_gradient, rtol=1e-5, atol=1e-5 * exact_gradient.abs().max())


def test_other_state_is_in_single_precision():
    body = MATRIX.format("z[a]", "after", "identity") + "minimize\n  t: mean(r * r) + logdet(cov(z[b], ddof=1))\n"
    assert compile_loss(method(body)).r.dtype == torch.float32


def test_what_is_made_of_a_wide_loss_by_float_is_still_a_loss():
    loss = compile_loss(method(BODIES["as CorInfoMax"])).float()
    assert loss(z=torch.randn(2, 5, 6)).total.dtype == torch.float32
