"""The Triton kernels beside torch's tiles and float64: on a GPU, or run by Triton's interpreter on the CPU.

They are skipped where triton is not installed, and without a GPU where the interpreter is not asked for:

    pip install --no-deps triton==3.7.1
    TRITON_INTERPRET=1 python -m pytest tests/backend/test_gpu_tiles.py
"""

import os

import pytest
import torch

pytest.importorskip("triton", reason="triton is not installed: the kernels for GPUs are not run here")
if os.environ.get("TRITON_INTERPRET") != "1" and not torch.cuda.is_available():
    pytest.skip(
        "set TRITON_INTERPRET=1: without a GPU the kernels run in Triton's interpreter", allow_module_level=True
    )

import losslang
from losslang.backend import gpu_tiles, similarities

DEVICE = "cpu" if os.environ.get("TRITON_INTERPRET") == "1" else "cuda"
ROUNDING = {torch.float32: 2e-6, torch.bfloat16: 1e-2, torch.float16: 2e-3}


def draw(count, features, dtype, seed=0):
    random = torch.Generator().manual_seed(seed)
    rows = torch.nn.functional.normalize(torch.randn(count, features, generator=random), dim=-1)
    return rows.to(DEVICE, dtype).requires_grad_()


def exact(x, y, scale, dropped):
    """In full, in float64, of the rows as they were rounded."""
    x = x.detach().double().requires_grad_()
    y = x if y is None else y.detach().double().requires_grad_()
    products = scale * x @ y.T
    for diagonal in dropped:
        ones = torch.ones_like(products).bool()
        products = products.masked_fill(ones.triu(diagonal) & ~ones.triu(diagonal + 1), -torch.inf)
    return products.logsumexp(-1), x, y


def weighted(value):
    return (value.where(value.isfinite(), 0) * torch.linspace(-1, 2, len(value)).to(value)).sum()


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize(("rows", "columns", "features"), [(37, 50, 40), (16, 16, 16), (33, 20, 70), (1, 3, 5)])
@pytest.mark.parametrize("dropped", [(), (0,), (-5, 0, 5)], ids=str)
@pytest.mark.parametrize("itself", [True, False])
def test_value_and_gradient_are_those_of_the_whole_matrix(dtype, rows, columns, features, dropped, itself):
    x = draw(rows, features, dtype)
    y = None if itself else draw(columns, features, dtype, seed=1)
    found = gpu_tiles.logsumexp_by_tiles(x, y, 10.0, dropped)
    value, one, two = exact(x, y, 10.0, dropped)
    assert found.dtype == torch.float32
    close = ROUNDING[dtype]
    torch.testing.assert_close(found.double(), value, rtol=2e-6, atol=1e-5)  # the products are exact, whatever the type
    if not value.isfinite().any():
        return
    weighted(found).backward(), weighted(value).backward()
    for ours, theirs in [(x, one)] if itself else [(x, one), (y, two)]:
        assert ours.grad.dtype == dtype
        assert (ours.grad.double() - theirs.grad).norm() <= close * theirs.grad.norm() + 1e-7


def test_of_many_features_some_rows_at_a_time(monkeypatch):
    """Gradients are put together from parts of the rows, the last of them a short one."""
    features = 200 if DEVICE == "cuda" else 40
    x, y = draw(300, features, torch.float32), draw(50, features, torch.float32, seed=1)
    found = []
    for shares in (gpu_tiles.SHARES, 128 * 50):
        monkeypatch.setattr(gpu_tiles, "SHARES", shares)
        value = weighted(gpu_tiles.logsumexp_by_tiles(x, y, 10.0, (3,)))
        found.append(torch.autograd.grad(value, [x, y]))
    for whole, parts in zip(*found, strict=True):
        torch.testing.assert_close(parts, whole, rtol=1e-5, atol=1e-7)


def test_they_are_those_of_torchs_tiles():
    x, y = draw(70, 48, torch.float32), draw(45, 48, torch.float32, seed=1)
    for other, dropped in ((None, (0,)), (y, ()), (y, (0, 3))):
        values, gradients = [], []
        for function in (gpu_tiles.logsumexp_by_tiles, similarities.logsumexp_of_products):
            found = function(x, other, 5.0, dropped)
            values.append(found)
            gradients.append(torch.autograd.grad(weighted(found), [x] if other is None else [x, y]))
        torch.testing.assert_close(*values)
        torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)


def test_a_row_of_which_nothing_counts_has_no_gradient():
    x = draw(1, 8, torch.float32)
    found = gpu_tiles.logsumexp_by_tiles(x, None, 1.0, (0,))
    assert found.item() == -torch.inf
    found.sum().backward()
    assert torch.equal(x.grad, torch.zeros_like(x))


def test_large_products_stay_in_range():
    x = draw(20, 8, torch.float32)
    found = gpu_tiles.logsumexp_by_tiles(x, None, 1e4, ())
    torch.testing.assert_close(found, (1e4 * x @ x.T).logsumexp(-1))


def test_torch_compile_sees_one_graph():
    x = draw(20, 16, torch.float32)
    compiled = torch.compile(
        lambda x: gpu_tiles.logsumexp_by_tiles(x, None, 4.0, (0,)).mean(), fullgraph=True, backend="eager"
    )
    one, two = compiled(x), gpu_tiles.logsumexp_by_tiles(x, None, 4.0, (0,)).mean()
    torch.testing.assert_close(one, two)
    torch.testing.assert_close(torch.autograd.grad(one, x), torch.autograd.grad(two, x))


@pytest.mark.parametrize("method", ["simclr", "infonce_symmetric", "align_uniform"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_methods_take_them_in_the_precision_of_their_input(method, dtype, monkeypatch):
    """As on a GPU: the loss with the kernels beside the loss with torch's tiles."""
    loss = losslang.compile_loss(method, sizes={"z": 32}).to(DEVICE)
    scope = type(loss).forward.__globals__
    z = torch.randn(2, 24, 32, generator=torch.Generator().manual_seed(0)).to(DEVICE, dtype).requires_grad_()
    monkeypatch.setitem(scope, "tiles_on_gpu", lambda _device: None)
    expected = loss(z=z).total
    wanted = torch.autograd.grad(expected, z)[0].float()
    seen = []
    real = gpu_tiles.logsumexp_by_tiles
    monkeypatch.setattr(gpu_tiles, "logsumexp_by_tiles", lambda x, *rest: seen.append(x.dtype) or real(x, *rest))
    monkeypatch.setitem(scope, "tiles_on_gpu", lambda _device: gpu_tiles)
    found = loss(z=z).total
    assert set(seen) == {dtype}
    assert found.item() == pytest.approx(expected.item(), rel=ROUNDING[dtype])
    assert (torch.autograd.grad(found, z)[0].float() - wanted).norm() <= 2 * ROUNDING[dtype] * wanted.norm()
