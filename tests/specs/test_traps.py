"""The numeric traps of the papers' facts (methods.md, section 10), one by one, through the shipped specs.

Extreme embeddings for every method are in test_adversarial.py; equality with formulas in test_references.py.
"""

from __future__ import annotations

import copy
import math
from typing import get_args

import pytest
import torch
from torch import Tensor, nn

import losslang
from losslang.backend.interface import Output
from losslang.training.recipe import Recipe
from tests.methods import compiled, term
from tests.references import REFERENCES
from tests.specs.trials import TRIALS

PRODUCTS = (
    "barlow",
    "vicreg",
    "coding_rate",
    "corinfomax",
    "wmse",
    "frossl",
    "mmcr",
    "matrixssl",
    "simclr",
    "dino",
    "swav",
)
"""Methods with Gram matrices, log-determinants, factors, singular values, softmax and Sinkhorn."""


def _compiled(method: str, feature: int, **parameters: float) -> nn.Module:
    return compiled(method, parameters=parameters, sizes={"z": feature}, steps=100, steps_per_epoch=10)


def _draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _gradient(loss: nn.Module, z: Tensor) -> tuple[Output, Tensor]:
    z = z.clone().requires_grad_()
    out = loss(z=z)
    out.total.backward()
    return out, z.grad


# ---------------------------------------------------------------- float32 outside autocast


@pytest.mark.parametrize("method", PRODUCTS)
def test_autocast_changes_nothing_in_the_loss(method: str):
    trial = TRIALS[method]
    inputs = {name: value.detach().float() for name, value in trial.tensors().items()}
    plain = trial.compile(method).float()(**inputs).total
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = trial.compile(method).float()(**inputs).total
    assert cast.dtype == torch.float32
    assert cast.item() == plain.item()


# ---------------------------------------------------------------- range and precision of half precision


@pytest.mark.parametrize("method", ["barlow", "vicreg", "coding_rate", "simsiam", "simclr"])
def test_sums_of_squares_stay_in_the_range_of_half_precision(method: str):
    """512 squares of 100 are far above 65504; the loss is that of the same rounded numbers in float64."""
    z = (100 * _draw(2, 512, 8)).half()
    sizes = dict.fromkeys(TRIALS[method].inputs, 8)
    make = lambda: compiled(method, sizes=sizes, steps=100, steps_per_epoch=10)  # noqa: E731
    with torch.autocast("cpu", dtype=torch.float16):
        half = make()(**dict.fromkeys(sizes, z)).total
    torch.testing.assert_close(
        half.double(), make().double()(**dict.fromkeys(sizes, z.double())).total, rtol=1e-5, atol=1e-6
    )


def test_the_coding_rate_keeps_small_eigenvalues_in_bfloat16():
    """I + a G with a = 5120 has eigenvalues from 1 to thousands; eight bits of mantissa would lose the small ones."""
    z = (_draw(2, 64, 32) * torch.logspace(0, -3, 32, dtype=torch.float64)).bfloat16()
    distortion = (32 / 5120) ** 0.5
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = _compiled("coding_rate", 32, distortion=distortion)(z=z).total
    exact = _compiled("coding_rate", 32, distortion=distortion).double()(z=z.double()).total
    torch.testing.assert_close(cast.double(), exact, rtol=1e-5, atol=0)


# ---------------------------------------------------------------- factors and ranks


def test_whitening_without_full_rank_says_so_and_a_shrunk_covariance_has_a_factor():
    z = _draw(2, 6, 8)
    with pytest.raises(torch.linalg.LinAlgError):
        _compiled("wmse", 8, rows=6).double()(z=z)
    out, gradient = _gradient(_compiled("wmse", 8, rows=6, shrink=0.1).double(), z)
    assert torch.isfinite(out.total)
    assert torch.isfinite(gradient).all()


def test_corinfomax_has_a_factor_of_a_collapsed_covariance_by_its_jitter():
    """The running covariance begins as the identity; when hundreds of collapsed batches wore it away, the jitter remains."""
    loss = _compiled("corinfomax", 4, forget=0.999)
    z = torch.ones(2, 12, 4)
    for _ in range(5):
        out, gradient = _gradient(loss, z)
        loss.after_step()
    assert torch.isfinite(out.total)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("method", ["corinfomax", "corinfomax_imagenet"])
@pytest.mark.parametrize("size", [1, 100])
def test_corinfomax_of_fewer_rows_than_dimensions_is_exact_for_float32(method: str, size: float):
    """The smallest eigenvalues are the jitter, which rounding in float32 exceeds: running covariances are in double precision."""
    exact, rounded = _compiled(method, 64).double(), _compiled(method, 64)
    for seed in range(4):
        z = (size * _draw(2, 16, 64, seed=seed)).float()
        out, gradient = _gradient(exact, z.double())
        found, rounded_gradient = _gradient(rounded, z)
        assert found.total.dtype == rounded_gradient.dtype == torch.float32
        torch.testing.assert_close(found.terms["spread"].double(), out.terms["spread"], rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(rounded_gradient.double(), gradient, rtol=1e-5, atol=1e-6 * gradient.abs().max())
        exact.after_step()
        rounded.after_step()


def test_the_coding_rate_of_fewer_rows_than_dimensions_is_that_of_the_small_side():
    """log det (I + a Z'Z) = log det (I + a ZZ'): the D - n eigenvalues that are zero add nothing, in float32 too."""
    z = _draw(2, 6, 40)
    u = nn.functional.normalize(z, dim=-1)
    small = torch.eye(6, dtype=z.dtype) + 40 / (6 * 2) * u @ u.mT
    expected = -torch.logdet(small).mean() / 2
    loss = _compiled("coding_rate", 40, distortion=2)
    torch.testing.assert_close(loss(z=z.float()).terms["expand"].double(), expected, rtol=1e-5, atol=0)
    torch.testing.assert_close(loss.double()(z=z).terms["expand"], expected, rtol=1e-12, atol=0)


# ---------------------------------------------------------------- normalisation


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("method", ["simclr", "simsiam", "byol", "align_uniform", "mocov3"])
def test_zero_rows_among_others_are_no_division_by_zero(method: str, dtype: torch.dtype):
    """eps 1e-12 is 0 in float16, and 0 / 0 no number. Here norms are float32, where the slope at zero is 1 / eps: finite, but
    beyond the range of float16, in which the gradient of such a row ends as infinity (and never as NaN)."""
    trial = TRIALS[method]
    loss = compiled(method, **trial.options)
    inputs = {name: value.detach().to(dtype) for name, value in trial.tensors().items()}
    for value in inputs.values():
        value[..., :3, :] = 0
        value.requires_grad_()
    total = loss(**inputs).total
    total.backward()
    assert torch.isfinite(total)
    for gradient in (value.grad for value in inputs.values() if value.grad is not None):
        assert not gradient.isnan().any()
        assert torch.isfinite(gradient[..., 3:, :]).all()
        assert dtype == torch.float16 or torch.isfinite(gradient).all()


# ---------------------------------------------------------------- exponentials and masks


@pytest.mark.parametrize("method", ["simclr", "infonce_oneway", "dcl", "supcon_unsupervised", "mocov3"])
def test_contrast_at_a_low_temperature_does_not_overflow(method: str):
    """exp(1 / 0.001) is infinite even in float64; shifted by the largest entry it is not."""
    trial = TRIALS[method]
    loss = compiled(method, **trial.options | {"parameters": {"temperature": 1e-3}})
    tensors = trial.tensors()
    single = loss(**{name: value.detach().float() for name, value in tensors.items()}).total
    exact = loss.double()(**tensors).total
    exact.backward()
    assert torch.isfinite(single)
    torch.testing.assert_close(single.double(), exact.detach(), rtol=1e-4, atol=1e-2)
    assert all(torch.isfinite(value.grad).all() for value in tensors.values() if value.grad is not None)


@pytest.mark.parametrize("method", ["simclr", "infonce_symmetric", "infonce_oneway", "mocov2"])
def test_a_contrast_that_is_nearly_solved_keeps_its_digits(method: str):
    """Products of ten, whose differences are thousandths: float32 has the loss to 1e-4, not what rounding of the products
    leaves of it."""
    trial = TRIALS[method]
    hyper = {**trial.parameters, "temperature": 0.1}
    loss = losslang.compile_loss(method, parameters=hyper, sizes=dict.fromkeys(trial.inputs, 32), **trial.clock)
    rows = torch.eye(24, 32, dtype=torch.float64) + 0.02 * _draw(24, 32)
    views = torch.stack([rows, rows + 0.02])
    rounded = {name: (rows if len(shape) == 2 else views).float() for name, shape in trial.inputs.items()}
    exact = copy.deepcopy(loss).double()(**{name: value.double() for name, value in rounded.items()}).total
    single = loss(**rounded).total
    assert 1e-4 < exact.item() < 1e-2
    torch.testing.assert_close(single.double(), exact, rtol=1e-4, atol=0)


def test_softplus_keeps_its_tail():
    """log(1 + e^x) is e^-x above x, to the last bits of float64, and its slope as much below 1; in float32 nothing overflows."""
    loss = losslang.compile_loss(term("mean(softplus(z[a]))"))
    assert loss(z=torch.full((2, 4, 6), 1e6)).total == 1e6
    out, gradient = _gradient(loss.double(), torch.full((2, 4, 6), 21.0, dtype=torch.float64))
    assert out.total.item() - 21 == pytest.approx(math.exp(-21), rel=1e-4)
    assert 1 - 24 * gradient[0, 0, 0].item() == pytest.approx(math.exp(-21), rel=1e-4)


@pytest.mark.parametrize("method", ["msn", "pmsn"])
def test_a_prototype_that_nothing_chooses_has_no_entropy(method: str):
    """A probability that float32 rounds to zero: 0 log 0 is 0, as the authors' p^-p is 1."""
    trial = TRIALS[method]
    parameters = {**trial.parameters, "temperature": 0.005}
    sizes = {name: shape[-1] for name, shape in trial.inputs.items()}
    loss = losslang.compile_loss(method, parameters=parameters, sizes=sizes, **trial.clock)
    direction = _draw(trial.inputs["t"][-1]).float()
    inputs = {name: direction.expand(shape).clone().requires_grad_() for name, shape in trial.inputs.items()}
    total = loss(**inputs).total
    total.backward()
    assert torch.isfinite(total)
    assert torch.isfinite(inputs["z"].grad).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_a_masked_entry_that_is_infinitely_close_adds_nothing(dtype: torch.dtype):
    """A row against itself is masked out, not multiplied by zero or lowered by a number that the dtype does not have."""
    row = torch.zeros(2, 4, 4)
    row[..., :] = torch.eye(4)
    out, gradient = _gradient(_compiled("simclr", 4, temperature=1e-4), row.to(dtype))
    assert out.total.item() == pytest.approx(0, abs=1e-6)
    assert torch.isfinite(gradient).all()


# ---------------------------------------------------------------- slopes at zero variance


def _columns(scale: float) -> Tensor:
    """Two equal views of orthogonal columns of mean 0 and mean square 1 (biased), times a scale, about 1."""
    signs = torch.tensor([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64)
    return (1 + scale * signs).expand(2, 4, 3).clone()


def test_the_slope_of_vicregs_deviation_is_at_most_50():
    """d sqrt(var + 1e-4) / d var = 50 at 0."""
    loss, step = _compiled("vicreg", 3, invariance=0, variance=1, covariance=0).double(), 1e-7
    low, high = (loss(z=_columns((variance * 3 / 4) ** 0.5)).total.item() for variance in (0.0, step))
    assert low == pytest.approx(1 - 0.01)
    assert (low - high) / step == pytest.approx(50, rel=1e-3)


def test_the_slope_of_barlows_standardisation_is_at_most_316():
    """x / sqrt(var + 1e-5): at a variance of 1e-5 the correlation of equal columns is a half, and never above 1."""
    loss = _compiled("barlow", 3, redundancy=0).double()
    assert loss(z=_columns(0)).total.item() == 3
    assert loss(z=_columns(1e-5**0.5)).total.item() == pytest.approx(3 / 4)
    _, flat = _gradient(loss, _columns(1e-9))
    assert flat.abs().max() < 316


# ---------------------------------------------------------------- polynomials


def test_the_polynomial_of_a_logarithm_is_one_only_near_the_identity():
    """The coding rate and its Taylor form of order 2 differ by a cube; where a G is no longer small they are two objectives."""
    z = _draw(2, 64, 8)

    def difference(distortion: float) -> float:
        rates = [
            _compiled(m, 8, distortion=distortion).double()(z=z).total for m in ("coding_rate", "coding_rate_taylor")
        ]
        return (rates[0] - rates[1]).abs().item()

    small = [difference(d) for d in (64.0, 128.0)]  # a = D / d
    assert small[0] / small[1] == pytest.approx(8, rel=0.05)
    assert difference(0.05) > 10


def test_mec_agrees_with_its_log_determinant_only_to_its_order():
    z = _draw(2, 64, 8)
    make = lambda order, widen: losslang.compile_loss(  # noqa: E731
        "mec", parameters={"order": order, "widen": widen}, sizes={"z": 8, "t": 8}, steps=100, steps_per_epoch=10
    ).double()
    by_order = [make(order, 1)(z=z, t=z).total.item() for order in (2, 4, 8, 16)]
    errors = [abs(value - by_order[-1]) for value in by_order[:-1]]
    assert errors == sorted(errors, reverse=True)
    assert errors[1] > 0


# ---------------------------------------------------------------- scalers, batches


def test_there_is_no_scaled_gradient_to_clip():
    """A GradScaler must unscale before gradients are clipped; the runner has bfloat16 for speed, which needs none."""
    assert set(get_args(Recipe.model_fields["precision"].annotation)) == {"float32", "float64", "bfloat16"}


@pytest.mark.parametrize("method", ["vicreg", "barlow", "simclr", "coding_rate", "mmcr"])
def test_divisors_are_those_of_the_batch_at_hand(method: str):
    """The authors' VICReg and Barlow divide by the batch size of the command line, whatever the last batch holds."""
    trial = TRIALS[method]
    loss = trial.compile(method)
    inputs = trial.tensors()
    loss(**inputs)
    fewer = {name: value.detach()[:, :7] for name, value in inputs.items()}
    parameters = losslang.load(method, parameters=trial.parameters).parameters
    hyper = {name: parameters[name].value for name in trial.passed.split()} | trial.reference_hyper
    expected, _ = REFERENCES[trial.reference or method](fewer, hyper, {})
    torch.testing.assert_close(loss(**fewer).total, expected, rtol=1e-10, atol=0)
