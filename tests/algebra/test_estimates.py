"""Estimates by random probes: their mean is the exact value and gradient, and nothing but the loss's numbers depends on them."""

import math

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import losslang
from losslang.algebra.estimates import Estimate, estimate_of, estimated
from losslang.algebra.optimise import optimised
from losslang.backend import probed
from losslang.cli import main
from losslang.diagnostics import LosslangError
from losslang.meaning.evaluate import World, evaluate
from losslang.pipeline import emit
from losslang.shipped import shipped_specs
from tests.methods import shipped, term

SIZE, ROWS = 24, 30
CASES = {
    "covariance_penalty(z[a])": "trace",
    "redundancy_penalty(cross_moment(z[a], z[b]))": "trace",
    "mean(cov(z[a], ddof=0)^2)": "trace",
    "mean(sum(cov(z, ddof=1)^2, over=[feature, feature']))": "trace",
    "trace(matrix_log(same(batch) + 0.02 * similarity(z[a], z[b]), order=4), axis=batch)": "trace",
    "trace(matrix_log(0.2 * cov(z[a], ddof=1) + 0.8 * same(feature), order=3))": "trace",
    "coding_rate(normalize(z[a]))": "log_det",
    "mean(half_logdet(normalize(z), 0.4))": "log_det",
}
RUNS = 200


def inputs(decay=0.0):
    """[view, batch, feature] in float64; `decay` makes some directions long."""
    random = torch.Generator().manual_seed(4)
    scales = torch.arange(1, SIZE + 1, dtype=torch.float64) ** -decay
    return 0.5 * torch.randn(2, ROWS, SIZE, generator=random, dtype=torch.float64) * scales


def loss_of(expression, **estimate):
    return losslang.compile_loss(term(expression, size=SIZE), estimate=estimate or None).double().eval()


def run(loss, z, step=0):
    """The value and the gradient, with the probes of a step."""
    loss.step.fill_(step)
    z = z.clone().requires_grad_()
    total = loss(z=z).total
    return total.detach(), torch.autograd.grad(total, z)[0]


def draws(loss, z, count=RUNS):
    values, gradients = zip(*(run(loss, z, step) for step in range(count)), strict=True)
    return torch.stack(values), torch.stack(gradients)


def errors(found, exact):
    """How many standard errors the mean of draws is off."""
    return ((found.mean(0) - exact) / (found.std(0) / math.sqrt(len(found))).clamp(min=1e-12)).abs()


@pytest.mark.parametrize("expression", CASES)
@pytest.mark.parametrize("trace", ["hutchinson", "hutch++"])
def test_value_and_gradient_are_right_on_average(expression, trace):
    if CASES[expression] == "log_det" and trace == "hutch++":
        pytest.skip("log-dets have one form")
    z = inputs()
    value, gradient = run(loss_of(expression), z)
    values, gradients = draws(loss_of(expression, log_det="lanczos", trace=trace, probes=8, steps=SIZE), z)
    assert values.std() > 0
    assert errors(values, value) < 4
    off = errors(gradients, gradient)[gradients.std(0) > 0]
    assert off.square().mean().sqrt() < 1.3  # of many entries: about 1
    along = torch.randn(z.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert errors((gradients * along).sum((1, 2, 3)), (gradient * along).sum()) < 4


def test_an_estimate_that_is_off_would_show():
    z = inputs()
    values, _ = draws(loss_of("covariance_penalty(z[a])", trace="hutch++", probes=20), z)
    value, _ = run(loss_of("covariance_penalty(z[a])"), z)
    assert errors(1.05 * values, value) > 4


@pytest.mark.parametrize("decay", [0.5, 1.0])
def test_hutch_plus_plus_varies_less_where_few_directions_are_long(decay):
    z = inputs(decay)
    spread = {
        trace: draws(loss_of("sum(cov(z[a], ddof=1)^2)", trace=trace, probes=20), z, 100)[0].std()
        for trace in ("hutchinson", "hutch++")
    }
    assert spread["hutch++"] < (0.7 if decay == 0.5 else 0.1) * spread["hutchinson"]


def test_the_spread_falls_with_the_root_of_the_probes():
    z = inputs()
    few, many = (draws(loss_of("covariance_penalty(z[a])", trace="hutchinson", probes=n), z, 200)[0] for n in (4, 16))
    assert 1.5 < few.std() / many.std() < 2.7


# ---------------------------------------------------------------- Lanczos


def quadrature(steps, scale=3.0):
    x = inputs(0.5)[0]
    probes = torch.nn.functional.normalize(torch.randn(5, SIZE, dtype=torch.float64), dim=-1)
    matrix = torch.eye(SIZE, dtype=torch.float64) + scale * x.T @ x
    values, vectors = torch.linalg.eigh(matrix)
    expected = SIZE * ((probes @ vectors).square() * values.log()).sum(-1).mean()
    return float((probed.logdet_by_probes(x, probes, scale, steps) - expected).abs() / expected)


def test_lanczos_converges_to_the_quadratic_form():
    torch.manual_seed(0)
    off = [quadrature(steps) for steps in (2, 4, 8, 16)]
    assert off == sorted(off, reverse=True)
    assert off[2] < 1e-3
    assert quadrature(SIZE) < 1e-12
    assert quadrature(3 * SIZE) < 1e-12


def test_lanczos_goes_on_where_the_rank_is_small():
    x = torch.randn(3, SIZE, dtype=torch.float64)
    probes = torch.eye(SIZE, dtype=torch.float64)  # all of them: the mean is the trace
    for dtype, close in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
        found = probed.logdet_by_probes(x.to(dtype), probes.to(dtype), 0.7, 20)
        assert float(found) == pytest.approx(torch.eye(SIZE).double().add(0.7 * x.T @ x).logdet().item(), rel=close)
    assert probed.logdet_by_probes(torch.zeros(4, SIZE), probes.float(), 1.0, 20) == 0


def test_with_every_direction_as_a_probe_the_gradient_is_exact():
    probes = torch.linalg.qr(torch.randn(SIZE, SIZE, dtype=torch.float64)).Q
    one, two = (inputs().requires_grad_() for _ in range(2))
    found = probed.logdet_by_probes(one, probes, 0.6, SIZE)
    exact = torch.logdet(torch.eye(SIZE, dtype=torch.float64) + 0.6 * two.mT @ two)
    torch.testing.assert_close(found, exact)
    weights = torch.tensor([1.0, -2.0], dtype=torch.float64)
    (found * weights).sum().backward(), (exact * weights).sum().backward()
    # the mean over other probes, c, varies a little from probe to probe
    assert (one.grad - two.grad).norm() < 0.05 * two.grad.norm()


def test_many_at_once_are_one_after_the_other():
    x, probes = torch.randn(3, 2, 10, SIZE), torch.nn.functional.normalize(torch.randn(3, 6, SIZE), dim=-1)

    def value(x, probes):
        return probed.logdet_by_probes(x, probes, 0.5, 8).sum()

    for own in (True, False):
        shared = probes if own else probes[0]
        places = (0, 0 if own else None)
        together, alone = (x.clone().requires_grad_() for _ in range(2))
        torch.vmap(value, places)(together, shared).sum().backward()
        sum(value(alone[i], probes[i if own else 0]) for i in range(3)).backward()
        torch.testing.assert_close(together.grad, alone.grad)


# ---------------------------------------------------------------- what they depend on


def test_probes_are_those_of_the_step():
    loss, z = loss_of("covariance_penalty(z[a])", trace="hutch++", probes=8), inputs()
    again = loss_of("covariance_penalty(z[a])", trace="hutch++", probes=8)
    assert run(loss, z, 3)[0] == run(again, z, 3)[0] != run(loss, z, 4)[0]
    loss.train()
    loss(z=z), loss.after_step(), loss.after_step()
    again.load_state_dict(loss.state_dict())
    assert loss(z=z).total == again(z=z).total


def test_the_methods_own_draws_stay():
    """Directions of a method are the same with and without estimates beside them."""
    expression = "mean(dot(z[a], random_directions(3, like=z))^4) + 0 * covariance_penalty(z[a])"
    z = inputs()
    exact, (value, _) = run(loss_of(expression), z, 2)[0], run(loss_of(expression, trace="hutch++", probes=8), z, 2)
    assert float(exact) == pytest.approx(float(value), rel=1e-12)


class Sizes(TorchDispatchMode):
    """The largest tensor that any operation makes."""

    largest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for value in out if isinstance(out, tuple | list) else [out]:
            if isinstance(value, torch.Tensor):
                self.largest = max(self.largest, value.numel())
        return out


@pytest.mark.parametrize("expression", ["covariance_penalty(z[a])", "coding_rate(normalize(z[a]))"])
def test_the_matrix_is_never_formed(expression):
    wide = term(expression, size=600)
    z = torch.randn(2, 40, 600)
    with Sizes() as seen:
        loss = losslang.compile_loss(wide, estimate={"log_det": "lanczos", "trace": "hutch++", "probes": 8, "steps": 6})
        loss(z=z.requires_grad_()).total.backward()
    assert seen.largest <= 600 * 80
    assert seen.largest < 600 * 600 / 4


def test_what_has_few_dimensions_stays_exact():
    text = emit(
        term("covariance_penalty(z[a]) + coding_rate(z[b])", size=16), estimate={"trace": "hutch++", "probes": 16}
    )
    assert "squared_products(" in text
    assert "unit_directions(" not in text


@pytest.mark.parametrize("name", ["vicreg", "barlow", "coding_rate", "matrixssl", "mec", "simdino", "mcr2"])
def test_methods_have_something_to_estimate(name):
    graph = estimated(shipped(name), Estimate("lanczos", "hutch++", probes=16)).graph
    assert {"logdet_by_probes", "deflated_probes"} & {node.op for node in graph.nodes()}


@pytest.mark.parametrize("expression", [e for e in CASES if "log" in e])
def test_the_graph_means_what_torch_computes(expression):
    spec = estimated(term(expression, size=SIZE), Estimate("lanczos", "hutchinson", 6, SIZE))
    loss = losslang.compile_loss(
        term(expression, size=SIZE), estimate={"log_det": "lanczos", "trace": "hutchinson", "probes": 6, "steps": SIZE}
    )
    draw = next(node for node in spec.graph.nodes() if node.op == "random_directions")
    probes = torch.nn.functional.normalize(torch.randn(6, SIZE, dtype=torch.float64), dim=-1)
    type(loss).forward.__globals__["unit_directions"] = lambda *_: probes
    z, graph = inputs(), optimised(spec).graph
    node = graph.definitions["z"]
    world = World({node.number: z.numpy()}, draws={"directions": probes.numpy()})
    found = evaluate(optimised(spec), world).total
    assert draw["count"] == 6
    assert float(loss.double()(z=z).total) == pytest.approx(found, rel=1e-10)
    assert np.isfinite(found)


# ---------------------------------------------------------------- what does not depend on them


@pytest.mark.parametrize("name", ["vicreg", "coding_rate", "simclr"])
def test_the_exact_mode_is_untouched(name):
    assert emit(name) == emit(name, estimate={"probes": 7}) == emit(name, estimate=None)


def test_a_method_is_the_same_with_and_without():
    spec = losslang.load("vicreg")
    other = estimated(spec, Estimate(trace="hutch++"))
    assert spec.hash == other.hash
    assert f"hash {spec.hash}" in emit(spec, estimate={"trace": "hutch++"})


@pytest.mark.parametrize("name", sorted(shipped_specs()))
def test_every_method_can_be_estimated(name):
    text = emit(name, estimate={"log_det": "lanczos", "trace": "hutch++", "probes": 8, "steps": 4})
    compile(text, name, "exec")
    assert "By random probes: log_det: lanczos (8 probes, 4 steps), trace: hutch++ (8 probes)." in text


def test_one_graph_for_torch_compile():
    expression = "covariance_penalty(z[a]) + coding_rate(normalize(z[b]))"
    loss = loss_of(expression, log_det="lanczos", trace="hutch++", probes=8, steps=5)
    z = inputs()
    eager, _ = run(loss, z)
    compiled = torch.compile(loss, fullgraph=True, backend="eager")
    assert compiled(z=z).total == pytest.approx(eager.item(), rel=1e-12)


# ---------------------------------------------------------------- how they are asked for


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"trace": "hutch"}, r"`trace` is one of exact, hutchinson, hutch\+\+, not 'hutch'"),
        ({"logdet": "lanczos"}, "there is no `logdet`; did you mean `log_det`"),
        ({"probes": 0}, "`probes` is a whole number from 4 to 4096, not 0"),
        ({"steps": 2.5}, "`steps` is a whole number from 2 to 4096"),
        ({"steps": True}, "`steps` is a whole number"),
    ],
)
def test_wrong_choices_are_refused(choice, message):
    with pytest.raises(LosslangError, match=message):
        estimate_of(choice)


def test_the_command_line_says_it(capsys):
    estimate = ["--estimate", "trace=hutch++", "--estimate", "probes=64"]
    words = "log_det: exact, trace: hutch++ (64 probes)"
    assert main(["explain", "vicreg", "--cost", *estimate]) == 0
    assert words in capsys.readouterr().out
    assert main(["compile", "vicreg", "--show", "optimised", *estimate]) == 0
    assert (shown := capsys.readouterr().out).startswith(f"# by random probes: {words}\n")
    assert "deflated_probes(" in shown
    assert main(["train", "vicreg", "--set", "estimate.trace=hutch++", "--set", "estimate.probes=64", "--dry-run"]) == 0
    assert words in capsys.readouterr().out
    assert main(["compile", "vicreg", "--estimate", "trace=sketch"]) == 1
    assert "`trace` is one of exact, hutchinson, hutch++" in capsys.readouterr().err
    assert main(["train", "vicreg", "--set", "estimate.trace=sketch", "--dry-run"]) == 1
    assert "`estimate.trace`" in capsys.readouterr().err
