"""Every torch form against the meaning: values to 1e-12, gradients by finite differences."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from losslang.backend.compile import compile_loss
from losslang.backend.kernels import KERNELS
from losslang.meaning.evaluate import World, evaluate
from losslang.objective.operations import OPERATIONS, STATEFUL
from tests.meaning.test_meaning import FORMULAS
from tests.methods import method, slope_along, term

RANDOM = np.random.default_rng(11)
Z = RANDOM.standard_normal((2, 9, 6))

MORE = [
    "mean(dot(z, z, pairs=[view, batch]))",
    "mean(logsumexp(dot(z, z, pairs=[view, batch]), over=[view', batch'], where=not (same(view) and same(batch))))",
    "mean(softmax(similarity(z[a], z[b]), over=batch') * similarity(z[a], z[b]))",
    "mean(log_softmax(similarity(z[a], z[b]), over=[batch, batch']))",
    "mean(sort(z[a], over=batch) * normal_quantiles(z))",
    "nuclear_norm(z[a], also=2 * z[b]) + mean(nuclear_norm(3 * z, over=[view, feature], also=tanh(z)))",
    "sum(sort(z[a], over=batch) * ordinals(z) * ordinals(z, over=feature)^-0.5)",
    "mean(inverse_root(cov(z[a], ddof=1)) * same(feature))",
    "mean(dot(centered(z), inverse_root(cov(z, ddof=1), method=cholesky)) ^ 4)",
    "mean(var(z, over=batch, ddof=1, where=z > 0))",
    "mean(std(z, over=[view, batch], ddof=1, eps=0))",
    "norm(z, over=[view, batch, feature], where=z > 0)",
    "mean(max(z, over=batch, where=z < 1))",
    "mean((z[a] == z[b]) + (z[a] != z[b]) * z[a] + (z[a] <= z[b]) * z[b] + (z[a] >= z[b]))",
    "mean(dot(z[a], argmax(dot(z[b], z[a], pairs=batch), over=batch'), over=batch))",
    "mean(1 / (1 + exp(-z)) - sigmoid(z))",
    "mean(dot(z, mean(z, over=view)))",
    "mean(logdet(same(view) + dot(z, z, pairs=view)))",
    "mean(mean(z[v] * mean(z[u] for u in views)) for v in views)",
    "mean(mean(whiten(z[v]) * z[v]) for v in views)",
    "local(uniformity(z[a]) + coding_rate(z[b]), rows=3)",
    "mean(exp(2) * z + log(3) - tanh(0.5) * sqrt(2) + maximum(1, 2) + abs(-1))",
    "redundancy_penalty(cross_moment(standardize(z[a]), standardize(z[b])))",
    "mean(mse_alignment(z, z[b])) + squared_distance(z[a], z[b])",
    "mean(similarity(z[a], z[a]), where=not same(batch) and similarity(z[a], z[a]) > 0)",
    "mean(mean(cross_cov(z[a], z[b], ddof=1), over=feature') * z[a])",
    "mean(half_logdet(z, 0.3))",
    "mean(z[a] / 10^30 * 10^29)",
]


def compiled(spec):
    return compile_loss(spec, steps=100, steps_per_epoch=10).double()


def compare(spec, z, rel=1e-12):
    loss = compiled(spec)
    tensor = torch.tensor(z, requires_grad=True)
    out = loss(tensor)
    world = World({"z": z})
    meaning = evaluate(spec, world)
    assert out.total.item() == pytest.approx(meaning.total, rel=rel, abs=1e-13)
    if spec.graph.terms[0].value.trains:
        out.total.backward()
        direction = RANDOM.standard_normal(z.shape)
        slope = slope_along(spec, world, "z", direction)
        assert (tensor.grad.numpy() * direction).sum() == pytest.approx(slope, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("expression", [e for e in FORMULAS if "z" in e] + MORE)
def test_equals_the_meaning(expression):
    compare(term(expression), Z)


def test_every_core_operation_has_a_torch_form():
    assert set(OPERATIONS) - STATEFUL <= set(KERNELS)


def test_random_directions_are_unit_and_change_with_the_step():
    spec = method("d = random_directions(32, like=z)\nminimize\n  t: mean(dot(z, d)^2) * size(z, feature)\n")
    loss = compiled(spec)
    first, again = (loss(torch.tensor(Z)).total.item() for _ in range(2))
    assert first != again  # a training step in between
    loss.eval()
    one, two = (loss(torch.tensor(Z)).total.item() for _ in range(2))
    assert one == two


def test_random_directions_are_spread_over_the_sphere():
    from losslang.backend.draws import unit_directions

    drawn = unit_directions(20000, 5, torch.zeros(1, dtype=torch.float64), torch.tensor(3), 1)
    assert torch.allclose(drawn.norm(dim=1), torch.ones(20000, dtype=torch.float64))
    assert drawn.mean(0).abs().max() < 0.02
    assert torch.allclose(drawn.T @ drawn / 20000, torch.eye(5, dtype=torch.float64) / 5, atol=0.01)
    assert (drawn**4).mean().item() == pytest.approx(3 / 35, rel=0.05)  # E x^4 on the sphere in 5 dimensions


# ---------------------------------------------------------------- random expressions

LEAVES = st.sampled_from(["z[a]", "z[b]", "mean(z, over=view)", "normalize(z[a])", "stopgrad(z[b])"])


def grow(inner):
    unary = st.sampled_from(["tanh({})", "centered({})", "normalize({})", "-{}", "({})^2", "sigmoid({})", "abs({})"])
    binary = st.sampled_from(["({} + {})", "({} - {})", "({} * {})", "maximum({}, {})"])
    return st.one_of(
        st.builds(lambda form, x: form.format(x), unary, inner),
        st.builds(lambda form, x, y: form.format(x, y), binary, inner, inner),
    )


SCALARS = st.sampled_from(
    [
        "mean({})", "norm(mean({}, over=batch))", "variance_hinge({})", "covariance_penalty({})", "coding_rate({})",
        "mean(logsumexp(dot({0}, {0}, pairs=batch), over=batch'))", "mean(similarity({}, z[b]), where=not same(batch))",
    ]
)  # fmt: skip


@given(SCALARS, st.recursive(LEAVES, grow, max_leaves=5))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_random_expressions_equal_the_meaning(scalar, inner):
    spec = term(scalar.format(inner))
    loss = compiled(spec)
    out = loss(torch.tensor(Z))
    assert out.total.item() == pytest.approx(evaluate(spec, World({"z": Z})).total, rel=1e-10, abs=1e-12)
