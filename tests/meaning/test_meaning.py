"""The numpy meaning against formulas written out, one expression each."""

import numpy as np
import pytest

from losslang.meaning.evaluate import World, evaluate
from losslang.meaning.kernels import KERNELS
from losslang.objective.operations import OPERATIONS, STATEFUL
from losslang.objective.schedules import Clock
from tests.methods import method, slope_along, term

RANDOM = np.random.default_rng(7)
Z = RANDOM.standard_normal((2, 9, 6))
A, B = Z


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def cov(x, ddof):
    return np.cov(x.T, ddof=ddof)


def off(m):
    return m - np.diag(np.diag(m))


def logsumexp(x):
    return np.log(np.exp(x).sum(axis=1))


FORMULAS = {
    "mean(z)": Z.mean(),
    "mean(z[a]^2) + 3": (A**2).mean() + 3,
    "mean(maximum(z[a], z[b]) - minimum(z[a], z[b]))": np.abs(A - B).mean(),
    "mean(relu(z)) + mean(abs(z)) + mean(exp(z))": np.maximum(Z, 0).mean() + np.abs(Z).mean() + np.exp(Z).mean(),
    "mean(log(sqrt(abs(z))))": np.log(np.sqrt(np.abs(Z))).mean(),
    "mean(tanh(z) + sigmoid(z) + softplus(z))": (np.tanh(Z) + 1 / (1 + np.exp(-Z)) + np.log1p(np.exp(Z))).mean(),
    "mean(sin(z) * cos(z))": (np.sin(Z) * np.cos(Z)).mean(),
    "mean(z, where=z > 0)": Z[Z > 0].mean(),
    "sum(z, where=z > 0 and not z > 1)": Z[(Z > 0) & ~(Z > 1)].sum(),
    "max(z) + logsumexp(z[a])": Z.max() + np.log(np.exp(A).sum()),
    "mean(var(z[a], over=batch, ddof=1))": A.var(axis=0, ddof=1).mean(),
    "mean(std(z[a], over=batch, ddof=0, eps=1e-4))": np.sqrt(A.var(axis=0) + 1e-4).mean(),
    "norm(mean(normalize(z[a]), over=batch))": np.linalg.norm(unit(A).mean(axis=0)),
    "mean(softmax(z[a], over=feature) * log_softmax(z[b], over=feature))": (
        np.exp(A) / np.exp(A).sum(1, keepdims=True) * (B - logsumexp(B)[:, None])
    ).mean(),
    "trace(cov(z[a], ddof=1))": np.trace(cov(A, 1)),
    "sum(offdiag(cov(z[a], ddof=0))^2)": (off(cov(A, 0)) ** 2).sum(),
    "sum(diag(dot(z[a], z[b], over=batch, pairs=feature)))": np.trace(A.T @ B),
    "logdet(same(feature) + second_moment(z[a]))": np.linalg.slogdet(np.eye(6) + A.T @ A / 9)[1],
    "trace(matrix_log(cov(z[a], ddof=1), order=2))": (
        np.trace(cov(A, 1) - np.eye(6)) - np.trace((cov(A, 1) - np.eye(6)) @ (cov(A, 1) - np.eye(6))) / 2
    ),
    "nuclear_norm(z[a], over=[batch, feature])": np.linalg.norm(A, "nuc"),
    "nuclear_norm(z[a], over=[batch, feature], also=z[b])": np.linalg.norm(np.concatenate([A, B]), "nuc"),
    "max(eigenvalues(cov(z[a], ddof=1)))": np.linalg.eigvalsh(cov(A, 1)).max(),
    "mean(cov(whiten(z[a]), ddof=1) * same(feature))": 6 / 36,
    "mean(dot(z[a], roll(z[b], 1)))": (A * np.roll(B, 1, axis=0)).sum(1).mean(),
    "integrate(linspace(0, 2, 5)^2, over=knot)": np.trapezoid(np.linspace(0, 2, 5) ** 2, dx=0.5),
    "mean(first(z[a], 2))": A[:, :2].mean(),
    "alignment(z[a], z[b])": -(unit(A) * unit(B)).sum(1).mean(),
    "variance_hinge(z[a])": np.maximum(0, 1 - np.sqrt(A.var(axis=0, ddof=1) + 1e-4)).mean(),
    "covariance_penalty(z[a])": (off(cov(A, 1)) ** 2).sum() / 6,
    "coding_rate(z[a], distortion=0.2)": 0.5 * np.linalg.slogdet(np.eye(6) + 6 / 0.2 * A.T @ A / 9)[1],
    "uniformity(z[a], t=2)": np.log(np.exp(-2 * (2 - 2 * unit(A) @ unit(A).T))[~np.eye(9, dtype=bool)].mean()),
    "info_nce(z[a], z[b], 0.3)": (logsumexp(unit(A) @ unit(B).T / 0.3) - np.diag(unit(A) @ unit(B).T) / 0.3).mean(),
    "mean(size(z, batch) + size(z, view) * size(z, feature))": 9 + 12.0,
    "max(mean(z[v]) for v in views)": max(A.mean(), B.mean()),
    "logsumexp(mean(z[v]) for v in views)": np.log(np.exp(A.mean()) + np.exp(B.mean())),
    "logaddexp(mean(z[a]), mean(z[b]))": np.logaddexp(A.mean(), B.mean()),
    "local(mean(cov(z[a], ddof=1)), rows=4)": (cov(A[:4], 1).mean() + cov(A[4:8], 1).mean()) / 2,
    "center_penalty(z[a], power=2)": (unit(A).mean(0) ** 2).sum(),
    "triplet(z[a], z[b], roll(z[a], 1), margin=0.5)": np.maximum(
        0, 0.5 - (unit(A) * unit(B)).sum(1) + (unit(A) * unit(np.roll(A, 1, 0))).sum(1)
    ).mean(),
}


@pytest.mark.parametrize(("expression", "value"), FORMULAS.items())
def test_formula(expression, value):
    spec = term(expression)
    assert evaluate(spec, World({"z": Z})).total == pytest.approx(value, rel=1e-12)


def test_every_core_operation_has_a_meaning():
    here = {"random_directions"}  # drawn by the evaluator itself
    assert set(OPERATIONS) - STATEFUL - here <= set(KERNELS)


def test_nt_xent_over_all_rows():
    rows = unit(Z.reshape(18, 6))
    scores = rows @ rows.T / 0.2
    np.fill_diagonal(scores, -np.inf)
    positives = [scores[i, (i + 9) % 18] for i in range(18)]
    value = logsumexp(scores).mean() - np.mean(positives)
    assert evaluate(term("nt_xent(z, 0.2)"), World({"z": Z})).total == pytest.approx(value, rel=1e-12)


def test_sinkhorn_gives_every_sample_one_and_every_prototype_its_share():
    head = "network encoder = backbone\nnetwork scores = prototypes(6)\nz = scores(encoder(x))\n"
    spec = method("q = sinkhorn(z[a], epsilon=0.5, iterations=500)\nminimize\n  t: mean(q * z[a])\n", head=head)
    codes = evaluate(spec, World({"z": Z})).values[spec.graph.definitions["q"].number]
    assert np.allclose(codes.sum(axis=1), 1, atol=1e-12)
    assert np.allclose(codes.sum(axis=0), 9 / 6, atol=1e-9)


def test_running_statistics_read_before_and_after():
    body = "m = running(mean(z[a], over=batch), momentum=0.9, read={})\nminimize\n  t: mean(m * z[a])\n"
    for read, seen in (("before", 0.0), ("after", 0.1)):
        result = evaluate(method(body.format(read)), World({"z": Z}))
        assert result.total == pytest.approx((seen * A.mean(0) * A).mean(), abs=1e-14)
        assert np.allclose(result.state["m"], 0.1 * A.mean(0))


def test_queues_hold_the_last_rows():
    spec = method("q = queue(z[a], size=12)\nminimize\n  t: mean(dot(z[b], q))\n")
    old = RANDOM.standard_normal((12, 6))
    result = evaluate(spec, World({"z": Z}, state={"q": old}))
    assert result.total == pytest.approx((B @ old.T).mean())
    assert np.array_equal(result.state["q"], np.concatenate([old, A])[-12:])


def test_schedules_follow_the_clock():
    spec = method("parameter w = linear(0, 1)\nminimize\n  t: w * mean(z)\n")
    world = World({"z": Z}, step=5, clock=Clock(steps=10))
    assert evaluate(spec, world).total == pytest.approx(0.5 * Z.mean())


def test_differences_stop_where_gradients_do():
    spec = term("mean(dot(z[a], stopgrad(z[b])))")
    step = np.zeros_like(Z)
    step[0] = RANDOM.standard_normal(A.shape)
    step[1] = RANDOM.standard_normal(A.shape)
    slope = slope_along(spec, World({"z": Z}), "z", step)
    assert slope == pytest.approx((step[0] * B).sum(1).mean(), rel=1e-8)
