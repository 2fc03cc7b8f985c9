"""What terms do to the embeddings, by their gradients, against formulas and finite differences."""

import math

import pytest
import torch
from torch.nn import functional as F

from losslang.evaluation.geometry import center_norm, residual_rms
from losslang.evaluation.gradients import angle, center_force, gradients, residual_force, summary


@pytest.fixture
def z():
    drawn = torch.randn(2, 30, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (3 * drawn + torch.tensor([2.0, 0, 0, 1, 0, 0])).requires_grad_()


def alignment(z):
    return -F.cosine_similarity(z[0], z[1], dim=1).mean()


def center(z):
    return F.normalize(z, dim=-1).mean((0, 1)).square().sum()


def test_gradients_are_those_of_the_terms(z):
    found = gradients({"square": z.square().sum() / 2, "first": z[0].sum()}, z)
    torch.testing.assert_close(found["square"], z.detach())
    assert torch.equal(found["first"], torch.stack([torch.ones(30, 6), torch.zeros(30, 6)]).double())


def test_terms_that_do_not_see_the_embedding_have_none(z):
    other = torch.ones((), dtype=torch.float64, requires_grad=True)
    found = gradients({"other": other.square(), "number": torch.ones(())}, z)
    assert not any(gradient.any() for gradient in found.values())
    assert not gradients({"a": other}, z.detach())["a"].any()


def test_the_graph_stays_for_the_training_step(z):
    total = alignment(z)
    gradients({"align": total}, z)
    total.backward()
    assert z.grad is not None


def test_angles():
    x, y = torch.tensor([1.0, 0]), torch.tensor([1.0, 1])
    assert [float(angle(x, other)) for other in (x, y, -x, 0 * x)] == pytest.approx([0, 45, 180, 90])


@pytest.mark.parametrize("term", [alignment, center])
def test_forces_are_the_growth_of_center_and_residual_under_descent(z, term):
    """By finite differences: every row moves on the sphere along minus its gradient."""
    found = gradients({"t": term(z)}, z)["t"].flatten(0, 1)
    rows, step = z.detach().flatten(0, 1), 1e-6
    length = rows.norm(dim=1, keepdim=True)
    after = rows - step * found * length.square()  # in units of each row's length
    for force, size in ((center_force, center_norm), (residual_force, residual_rms)):
        measured = (size(after).log() - size(rows).log()) / step * len(rows)
        assert float(force(found, rows)) == pytest.approx(float(measured), rel=1e-3)


def test_what_the_center_gains_the_residual_loses(z):
    found = gradients({"t": alignment(z)}, z)["t"].flatten(0, 1)
    rows = z.detach().flatten(0, 1)
    balance = center_norm(rows) ** 2 * center_force(found, rows) + residual_rms(rows) ** 2 * residual_force(found, rows)
    assert float(balance) == pytest.approx(0, abs=1e-12)


def test_scale_of_the_embeddings_does_not_matter(z):
    small = (z.detach() / 100).requires_grad_()
    one, other = (summary(gradients({"c": center(x)}, x), x.detach()) for x in (z, small))
    assert one["center_force/c"] == pytest.approx(other["center_force/c"])
    assert one["center_force/c"] < 0


def test_names(z):
    found = summary(gradients({"a": alignment(z), "c": center(z)}, z), z.detach())
    assert list(found) == [
        *("norm/a", "norm/c", "center_force/a", "residual_force/a", "center_force/c", "residual_force/c", "angle/a,c")
    ]
    assert found["angle/a,c"] == pytest.approx(
        math.degrees(math.acos(float(F.cosine_similarity(*(
            gradients({"t": t(z)}, z)["t"].flatten() for t in (alignment, center)
        ), dim=0))))
    )  # fmt: skip
