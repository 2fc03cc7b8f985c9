"""The optimiser: every row keeps value and gradient, every pass can be left out, places survive."""

from copy import deepcopy
from functools import cache

import numpy as np
import pytest
import torch

import losslang
from losslang.algebra.optimise import AFTER, NAMES, OF_GRAPHS, PASSES, optimise, optimised
from losslang.backend import contrast, draws, fused, nearest, on_gpu, similarities
from losslang.diagnostics import LosslangError
from losslang.meaning.evaluate import World, evaluate
from losslang.objective.fused import FUSED
from losslang.shipped import shipped_specs
from tests.methods import shipped, term
from tests.specs.trials import TRIALS

CLOSE = 1e-12

ROWS = {
    "sum_of_squares": [
        "covariance_penalty(z[a])",
        "sum(cov(z[a], ddof=1)^2)",
        "mean(cov(z[a], ddof=0)^2)",
        "sum(offdiag(0.5 * gram(z[a]) / 3)^2)",
        "redundancy_penalty(cross_moment(z[a], z[b]))",
        "sum(cross_moment(z[a], z[b])^2)",
        "sum(similarity(z[a], z[b])^2)",
        "mean(sum(cov(z, ddof=1)^2, over=[feature, feature']))",
        "sum(dot(z, z, over=[view, batch], pairs=feature)^2)",
    ],
    "length": ["norm(gram(z[a]))", "norm(offdiag(cross_moment(z[a], z[b]), axis=feature))"],
    "log_det": [
        "coding_rate(z[a])",
        "half_logdet(z[a], 3)",
        "logdet(second_moment(z[a]) / 2 + same(feature))",
        "mean(logdet(same(view) + dot(z, z, pairs=view)))",
        "logdet(same(feature) + 0.3 * dot(z, z, over=[view, batch], pairs=feature))",
    ],
    "trace_of_log": [
        "trace(matrix_log(same(batch) + 0.1 * similarity(z[a], z[b]), order=4), axis=batch)",
        "trace(matrix_log(cross_cov(z[a], z[b], ddof=0) / 4 + 0.7 * same(feature), order=5))",
        "trace(matrix_log(same(feature) + 0.1 * gram(z[a]), order=1))",
    ],
    "diagonal_of_product": [
        "sum(diag(cross_moment(z[a], z[b]))^2)",
        "trace(cov(z[a], ddof=1))",
        "mean(diag(similarity(z[a], z[b]) / 3, axis=batch))",
    ],
    "sum_of_products": [
        "mean(similarity(z[a], z[b]))",
        "mean(1 - 2 * similarity(z[a], z[a]), where=not same(batch))",
        "mean(dot(z, z, pairs=[view, batch]), where=same(batch) and not same(view))",
        "mean(sum(dot(z, z, pairs=[view, batch]), over=[view', batch'], where=same(batch) or same(view))^2)",
        "sum(dot(z, z, pairs=[view, batch]))",
    ],
    "logsumexp_of_products": [
        "info_nce(z[a], z[b], 0.3)",
        "nt_xent(z, 0.5)",
        "mean(logsumexp(2 - 3 * similarity(z[a], z[a]), over=batch', where=not same(batch)))",
        "mean(logsumexp(dot(z, z, pairs=[view, batch]), over=[view', batch'], where=not same(batch))^2)",
        "mean(logsumexp(dot(z, z, pairs=[view, batch]), over=[view', batch'], where=same(view) or not same(batch)))",
        "logsumexp(dot(z[a], z[b], pairs=batch), over=[batch, batch'])",
        "mean(logsumexp(dot(z, random_directions(3, like=z)), over=direction))",
    ],
    "mean_contrast": [
        "info_nce(z[a], z[b], 0.3)",
        "mean(logsumexp(dot(z, z, pairs=[view, batch]) / 2, over=[view', batch']) - dot(z, z) / 2)",
        "mean(logsumexp(dot(z[a], z[a], pairs=batch), over=batch', where=not same(batch)) - dot(z[a], z[a]))",
        "mean(logsumexp(3 * similarity(z[a], z[b]), over=batch'))",
    ],
    "rows_less_attraction": [
        ("mean(exp(logsumexp(2 * dot(z, z, pairs=[view, batch]), over=[view', batch'], where=not (same(view) and same(batch)))"
        " - sum(2 * dot(z, z, pairs=[view, batch]), over=[view', batch'], where=same(batch) and not same(view))))"),
        ("mean(logsumexp(dot(z, z, pairs=[view, batch]), over=[view', batch'])"
        " - sum(dot(z, z, pairs=[view, batch]), over=[view', batch'], where=same(batch) and not same(view)))"),
    ],
    "less_attraction": [
        "nt_xent(z, 0.5)",
        ("mean(logsumexp(similarity(z, z, pairs=[view, batch]) / 3, over=[view', batch'], where=not same(batch)))"
        " - mean(similarity(z, z, pairs=[view, batch]) / 3, where=same(batch) and not same(view))"),
        "mean(logsumexp(2 * dot(z, z, pairs=[view, batch]), over=[view', batch'])) - 2 * mean(dot(z[b], z[a]))",
        "mean(logsumexp(dot(z[a], z[b], pairs=batch) / 2, over=batch')) - mean(dot(z[b], z[a])) / 2",
    ],
    "contrast_of_views": [
        "sum(info_nce(z[u], z[v], 0.7) for u in views for v in views if u != v)",
        "mean(info_nce(z[u], stopgrad(z[v]), 0.7) for u in views for v in views if u != v)",
        "sum(mean(logsumexp(dot(z[u], z[v], pairs=batch), over=batch')) for u in views for v in views)",
    ],
    "contrast_beside": [
        ("mean(logaddexp(dot(z[a], z[b]) / 2, logsumexp(dot(z[a], random_directions(5, like=z)) / 2, over=direction))"
        " - dot(z[a], z[b]) / 2)"),
        ("mean(logaddexp(logsumexp(similarity(z[a], z[a]) * 3, over=batch'), 3 * dot(normalize(z[b]), normalize(z[a])))"
        " - 3 * dot(normalize(z[b]), normalize(z[a])))"),
    ],
    "mean_of_exponentials": ["uniformity(z[a])", "log(mean(exp(similarity(z[a], z[b]))))"],
    "cosines_of_views": [
        "mean(alignment(z[u], stopgrad(z[v])) for u in views for v in views if u != v)",
        "sum(mean(dot(normalize(z[u]), normalize((z - z[a])[v]))^2) for u in views for v in views if u != v)",
        "sum(alignment(z[u], (3 * z)[v]) for u in views for v in views if u == v)",
    ],
    "cosines_of_pairs": [
        "sum(alignment(z[u], z[v]) for u in views for v in views if u != v)",
        "mean(relu(1 - dot(normalize(z[a]), normalize(z[b])) + dot(normalize(z[a]), normalize(roll(z[b], 2)))))",
        "mean(dot(normalize(z[a]), normalize(z[a]))^2 + dot(normalize(z[a]), roll(normalize(z[b]), -1)))",
        "mean(alignment(z[u], stopgrad((3 * z)[v])) for u in views for v in views)",
        "mean(alignment(z[u], roll(tanh(z)[v], 1)) for u in views for v in views)",
    ],
    "total_of_views": [
        "sum(2 + 2 * alignment(z[u], stopgrad(z[v])) for u in views for v in views if u != v)",
        "mean(mean(relu(1 - exp(norm(z, over=feature)[v]) / 3)) for v in views)",
        "sum(sum(norm(z, over=feature)[v]) for v in views)",
    ],
    "views_together": ["sum(alignment(z[u], z[v]) for u in views for v in views if u != v)",
        "sum(alignment(z[u], stopgrad(z[v])) for u in views for v in views if u != v)"],
    "squared_length": ["mse_alignment(z[a], z[b])", "sum((1 - std(z, over=batch, ddof=0))^2)", "mean(mean(z, over=batch)^2)"],
    "standardized": [
        "mean(standardize(z)^3)",
        "mean(standardize(z, ddof=1, over=[view, batch]) * z[a])",
        "mean(standardize(z[a], over=feature, eps=0.1)^3)",
    ],
    "correlations": [
        ("diagonal_alignment(cross_moment(standardize(z)[a], standardize(z)[b]))"
        " + redundancy_penalty(cross_moment(standardize(z)[a], standardize(z)[b]))"),
        ("sum(diag(3 * cross_moment(standardize(z[a], ddof=1, eps=0.1), standardize(z[b], ddof=1, eps=0.1)))^3)"
        " + sum(offdiag(3 * cross_moment(standardize(z[a], ddof=1, eps=0.1), standardize(z[b], ddof=1, eps=0.1)))^2)"),
    ],
    "units_in_contrast": [
        "nt_xent(z, 0.5)",
        "mean(info_nce(z[u], stopgrad(z[v]), 0.7) for u in views for v in views if u != v)",
        "sum(info_nce(z[u], z[v], 0.7) for u in views for v in views if u != v)",
        "info_nce(z[a], normalize(z[b], over=batch), 0.3)",
        ("mean(logaddexp(dot(normalize(z[a]), z[b]) / 2, logsumexp(dot(normalize(z[a]), random_directions(5, like=z)) / 2,"
        " over=direction)) - dot(normalize(z[a]), z[b]) / 2)"),
    ],
    "cross_entropies": [
        ("sum(cross_entropy(softmax(z, over=feature)[u], log_softmax(z / 0.3, over=feature)[v], over=feature)"
        " for u in views for v in views if u != v)"),
        "mean(cross_entropy(z[u], log_softmax(3 * z[v], over=feature), over=feature) for u in views for v in views)",
        "cross_entropy(stopgrad(z[a]), log_softmax(z / 0.3 - 2, over=feature)[b], over=feature)",
        "(-mean(sum(log_softmax(z, over=feature) * z, over=feature)))^2",
        "mean(cross_entropy(z[u], log_softmax(z, over=feature)[v], over=feature) for u in views for v in views if v == b)",
        ("sum(mean(cos(z[a] * linspace(0, 3, 5)), over=batch)^2)"
        " + cross_entropy(softmax(z[a]), log_softmax(z[b]), over=feature)"),  # rewriting leaves gaps between the numbers of nodes
    ],
    "size": [
        ("diagonal_alignment(cross_moment(standardize(z)[a], standardize(z)[b]))"
        " + redundancy_penalty(cross_moment(standardize(z)[a], standardize(z)[b]))"),
    ],
    "product_with_running": [
        "c = running(second_moment(z[a]), 0.7, read=after, init=identity); sum(second_moment(z[a]) * c)",
        "c = running(stopgrad(gram(z[a]) / 3), 0.7, read=after, init=identity); sum(c * (2 * gram(z[a])))",
        ("c = running(stopgrad(dot(z, z, over=[view, batch], pairs=feature)), 0.7, read=after, init=identity);"
        " sum(gram(z[b]) * c)"),
        "c = running(stopgrad(gram(z[a])), 0.3, read=after, init=0); sum(gram(z[a]) * c)",
    ],
    "whitened": [
        ("mean(dot(centered(z), inverse_root(0.9 * cov(z, ddof=0) + 0.1 * same(feature), method=cholesky), over=feature)"
        " * z[a])"),
        ("sum(norm(dot(z, inverse_root(0.3 * same(feature) + 2 * second_moment(z), method=cholesky), over=feature),"
        " over=feature))"),
        "mean(dot(inverse_root(gram(z[a]) + same(feature), method=cholesky), z[a], over=feature)^3)",
    ],
    "waves": [
        "sum(mean(cos(z * linspace(0, 3, 7)), over=batch)^2) + sum(mean(sin(z * linspace(0, 3, 7)), over=batch))",
        "mean((mean(cos(linspace(-1, 2, 4) * z), over=[batch, feature]) - 0.5)^2)",
        "mean(sum(sin(z * linspace(1, 4, 5)), over=[view, batch])^2 / 3)",
        "mean(integrate(mean(cos(z * linspace(-2, 2, 5)), over=feature)^2, over=knot))",
    ],
    "chosen_rows": [
        "mean(dot(argmax(dot(z[a], z[b], pairs=batch), over=batch), z[a], over=batch)^2)",
        "mean(dot(z, argmax(similarity(z, z) - 4 * same(batch), over=batch), over=batch)^2)",
        "mean(nearest(random_directions(4, like=z), z[a], over=direction) * z[a])",
    ],
    "nearest_rows": [
        "mean(dot(argmax(dot(z[a], z[b], pairs=batch) * -2, over=batch), z[a], over=batch)^2)",
        "mean(dot(z, argmax(similarity(z, z) - 4 * same(batch), over=batch), over=batch)^2)",
        "mean(dot(z, argmax(similarity(z, z) / -2 + 4 * same(batch), over=batch), over=batch)^2)",
        "mean(nearest(random_directions(4, like=z), z[a], over=direction) * z[a])",
        "mean(nearest(random_directions(4, like=z), z, over=direction) * z)",
    ],
}  # fmt: skip

SHAPES = [(9, 6), (5, 6), (6, 6), (2, 6), (1, 6), (13, 1)]
"""[batch, feature]; of two sizes of features, since those are known when a loss is compiled."""


def run(spec, inputs, without=(), **more):
    """The total and the gradients of every input."""
    torch.manual_seed(0)
    return results(losslang.compile_loss(spec, without=without, **more).double(), inputs, **more)


def results(loss, inputs, **more):
    scope = type(loss).forward.__globals__  # one for all compilations to the same text: other tests put draws there
    if "unit_directions" in scope:
        scope["unit_directions"] = draws.unit_directions
    tensors = {name: value.clone().requires_grad_() for name, value in inputs.items()}
    rows = {"rows": torch.arange(len(next(iter(inputs.values()))[0]))} if more.get("images") else {}
    total = loss(**tensors, **rows).total
    grads = torch.autograd.grad(total, list(tensors.values()), allow_unused=True)
    return [total.detach(), *(g if g is not None else torch.zeros(()) for g in grads)]


def assert_same(one, two, relative=CLOSE):
    """Equal up to rounding; where the value is not a number, gradients are nothing."""
    if not two[0].isfinite().all():
        one, two = one[:1], two[:1]
    for left, right in zip(one, two, strict=True):
        assert torch.equal(left.isfinite(), right.isfinite())
        off, size = (left - right).nan_to_num().abs().max(), right.nan_to_num().abs().max()
        assert off <= relative * max(size, 1e-2)


def used(spec):
    return {name for name in optimise(spec.graph).used if name != "seed"}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("row", "expression"), [(r, e) for r, many in ROWS.items() for e in many])
def test_every_row_keeps_value_and_gradient(row, expression, shape):
    rows, losses = both(expression, shape[1])
    assert row in rows
    random = torch.Generator().manual_seed(hash(shape) % 1000)
    inputs = {"z": torch.randn(2, *shape, generator=random, dtype=torch.float64)}
    assert_same(*(results(deepcopy(loss), inputs) for loss in losses))


@cache
def both(expression, size):
    """The rows that are used in an expression; its loss with them, and without any."""
    spec = term(expression, size=size)
    torch.manual_seed(0)
    return used(spec), [losslang.compile_loss(spec, without=without).double() for without in ((), NAMES)]


def test_rows_with_unit_rows_of_themselves_are_two_operands():
    spec = term("mean(logsumexp(dot(z, normalize(z), pairs=[view, batch]) / 0.7, over=[view', batch']))")
    inputs = {"z": torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)}
    assert_same(run(spec, inputs), run(spec, inputs, NAMES))


@pytest.mark.parametrize(
    "expression",
    [
        "sum(offdiag(similarity(standardize(z, ddof=1)[a], z[a]), axis=batch)^2)",
        "sum(offdiag(similarity(standardize(z, ddof=1)[a], standardize(z, ddof=1)[b]), axis=batch)^2)",
        "norm(offdiag(dot(standardize(z, ddof=1)[a], standardize(z, ddof=1)[a], over=feature, pairs=batch), axis=batch))",
    ],
)
def test_what_is_no_number_on_a_diagonal_is_not_hidden(expression):
    spec = term(expression)  # the deviation of one row, with divisor 0, is no number
    inputs = {"z": torch.randn(2, 1, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)}
    assert [run(spec, inputs, without)[0].isnan() for without in ((), NAMES)] == [True, True]


def test_entries_that_are_chosen_each_for_itself_are_no_rows():
    spec = term("mean(dot(argmax(z[a], over=batch), z[b], over=batch)^2)", size=6)
    assert "chosen_rows" not in used(spec)
    inputs = {"z": torch.randn(2, 9, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)}
    assert_same(run(spec, inputs), run(spec, inputs, NAMES))


@pytest.mark.parametrize("expression", [e for many in ROWS.values() for e in many if "random" not in e])
def test_fused_operations_mean_what_they_replace(expression):
    spec = term(expression)
    world = World({"z": np.random.default_rng(0).standard_normal((2, 5, 6))})
    graph = optimised(spec).graph
    found = evaluate(optimised(spec), World({graph.definitions["z"].number: world.given["z"]}))
    assert found.total == pytest.approx(evaluate(spec, world).total, rel=CLOSE)


def test_every_row_is_tried_and_named_once():
    names = [*OF_GRAPHS, *AFTER, "size", *(row.name for rows in PASSES.values() for row in rows)]
    assert sorted(names) == sorted(ROWS)
    assert len(set(names)) == len(names)


# ---------------------------------------------------------------- methods


@pytest.mark.parametrize("name", shipped_specs())
def test_no_method_moves_without_a_pass(name):
    trial = TRIALS[name]
    random = torch.Generator().manual_seed(3)
    inputs = {k: torch.randn(shape, generator=random, dtype=torch.float64) for k, shape in trial.inputs.items()}
    plain = run(name, inputs, NAMES, **trial.options)
    rows = used(shipped(name))
    at_work = [key for key, table in PASSES.items() if rows & {row.name for row in table}]
    at_work += [key for key in (*OF_GRAPHS, *AFTER) if key in rows]
    for left_out in [(), *((key,) for key in at_work)]:
        assert_same(run(name, inputs, left_out, **trial.options), plain)


@pytest.mark.parametrize("name", shipped_specs())
def test_places_survive(name):
    spec = shipped(name)
    found = optimise(spec.graph)
    places = {str(node.span) for node in spec.graph.nodes()}
    assert {str(node.span) for node in found.graph.nodes()} <= places
    made = {node.op for node in found.graph.nodes() if node.number in found.made_by}
    assert {node.op for node in found.graph.nodes() if node.op in FUSED} <= made


def test_draws_do_not_depend_on_passes():
    lines = [losslang.pipeline.emit("visreg", without=without) for without in ((), NAMES)]
    draws = [next(line for line in text.splitlines() if "= unit_directions(" in line or "unit_directions(4096" in line)
             for text in lines]  # fmt: skip
    assert draws[0].split("#")[0] == draws[1].split("#")[0]


def test_an_unknown_pass_is_refused():
    with pytest.raises(LosslangError, match="no pass `speed`; there are"):
        losslang.compile_loss("vicreg", without=["speed"])


def test_methods_cannot_spell_fused_operations():
    with pytest.raises(losslang.SpecError):
        term("squared_products(z, z, 1)")


# ---------------------------------------------------------------- the torch functions, part by part


@pytest.fixture
def small_parts(monkeypatch):
    """Three rows at a time, and nothing kept."""
    monkeypatch.setattr(fused, "rows_at_once", lambda count: 3)
    parts = lambda x, columns, _most=None: [(i, x[i : i + 3]) for i in range(0, len(x), 3)]  # noqa: E731
    monkeypatch.setattr(similarities, "rows_in_parts", parts)


def draw(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64).requires_grad_()


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("hollow", [False, True])
@pytest.mark.parametrize("shape", [(7, 11), (11, 7), (2, 8, 5), (2, 5, 8)], ids=str)
def test_squared_products_in_parts(shape, hollow):
    x, y = draw(*shape), draw(*shape).detach().flip(0).requires_grad_()
    for other in (None, y):
        right = x if other is None else other
        matrix = 0.3 * x.mT @ right
        expected = (matrix - hollow * torch.diag_embed(matrix.diagonal(dim1=-2, dim2=-1))).square().sum((-2, -1))
        found = fused.squared_products(x, other, 0.3, hollow=hollow)
        wanted = [x] if other is None else [x, y]
        weights = torch.arange(1.0, 1.0 + found.numel(), dtype=torch.float64).view(found.shape)
        one, two = (torch.autograd.grad((v * weights).sum(), wanted) for v in (found, expected))
        assert_same([found, *one], [expected, *two])


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("few", [True, False])
@pytest.mark.parametrize("dropped", [(), (0,), (-5, 0, 5)], ids=str)
@pytest.mark.parametrize("attracted", [(), (-5, 5)], ids=str)
def test_logsumexp_of_products_in_parts(few, dropped, attracted, monkeypatch):
    if not few:
        monkeypatch.setattr(similarities, "KEPT", 0)
    x, y = draw(10, 4), draw(13, 4)
    for other in (None, y):
        columns = x if other is None else other
        products = 1.7 * x @ columns.T
        place = torch.arange(len(columns)) - torch.arange(10)[:, None]
        pulled = sum((products.where(place == d, 0.0).sum(-1) for d in attracted), torch.zeros(10))
        for diagonal in dropped:
            products = products.masked_fill(
                torch.ones_like(products).bool().triu(diagonal) & ~torch.ones_like(products).bool().triu(diagonal + 1),
                -torch.inf,
            )
        found = similarities.logsumexp_of_products(x, other, 1.7, dropped, attracted)
        rows = similarities.logsumexp_of_products(x, other, 1.7, dropped)
        again = on_gpu.less_attracted(rows, x, columns, 1.7, attracted)
        expected = products.logsumexp(-1) - pulled
        weights = torch.linspace(-1, 2, 10, dtype=torch.float64)
        wanted = [x] if other is None else [x, y]
        one, two, three = (torch.autograd.grad((v * weights).sum(), wanted) for v in (found, again, expected))
        assert_same([found, *one], [expected, *three])
        assert_same([again, *two], [expected, *three])


def contrast_in_full(x, y, dropped, attracted, beside):
    """The mean of log-sum-exps less that of what is attracted, of the whole matrix."""
    products = 1.7 * x @ y.T
    place = torch.arange(len(y)) - torch.arange(len(x))[:, None]
    pulled = torch.cat([products[place == d] for d in attracted] or [torch.zeros(1)])
    for diagonal in dropped:
        products = products.masked_fill(place == diagonal, -torch.inf)
    if beside is not None:
        pulled = 1.7 * (x * beside).sum(-1)
        products = torch.cat([products, pulled[:, None]], dim=1)
    return products.logsumexp(-1).mean() - pulled.mean()


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("few", [True, False])
@pytest.mark.parametrize("itself", [True, False])
@pytest.mark.parametrize("dropped", [(), (0,), (-5, 0, 5)], ids=str)
@pytest.mark.parametrize("attracted", [(), (0,), (-5, 5), (-2,)], ids=str)
def test_contrast_of_products_in_parts(few, itself, dropped, attracted, monkeypatch):
    if not few:
        monkeypatch.setattr(similarities, "KEPT", 0)
    x, y = draw(2, 10, 4), None if itself else draw(2, 10, 4).detach().flip(1).requires_grad_()
    wanted, columns = [x] if itself else [x, y], x if itself else y
    pairs = ((0, 1), (1, 0), (1, 1))
    found = contrast.contrast_of_products(x, y, 1.7, dropped, attracted, pairs)
    expected = sum(contrast_in_full(x[u], columns[v], dropped, attracted, None) for u, v in pairs)
    one, two = (torch.autograd.grad(3 * value, wanted) for value in (found, expected))
    assert_same([found, *one], [expected, *two])
    rows, other = x[0], None if itself else y[0]
    found = contrast.contrast_of_products(rows, other, 1.7, dropped, attracted)
    again = on_gpu.contrast_by_rows(rows, other, 1.7, torch.float64, dropped, attracted, None)
    expected = contrast_in_full(rows, columns[0], dropped, attracted, None)
    one, two, three = (torch.autograd.grad(value, wanted) for value in (found, again, expected))
    assert_same([found, *one], [expected, *three])
    assert_same([again, *two], [expected, *three])


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("itself", [True, False])
def test_contrast_beside_in_parts(itself):
    x, beside = draw(10, 4), draw(10, 4).detach().flip(1).requires_grad_()
    y = None if itself else draw(13, 4)
    wanted = [x, beside] if itself else [x, y, beside]
    found = contrast.contrast_of_products(x, y, 1.7, beside=beside)
    again = on_gpu.contrast_by_rows(x, y, 1.7, torch.float64, (), (), beside)
    expected = contrast_in_full(x, x if itself else y, (), (), beside)
    one, two, three = (torch.autograd.grad(value, wanted) for value in (found, again, expected))
    assert_same([found, *one], [expected, *three])
    assert_same([again, *two], [expected, *three])


@pytest.mark.parametrize("shape", [(3, 7), (5, 512), (4, 640)], ids=str)
def test_the_first_of_the_largest_entries_is_found(shape):
    x = torch.randint(0, 5, shape, generator=torch.Generator().manual_seed(0)).double()
    assert torch.equal(nearest.places_of_largest(x), x.argmax(-1))


@pytest.mark.parametrize("name", ["tico", "tico_lightly", "tico_spt"])
@pytest.mark.parametrize("batch", [3, 17])
def test_a_tracked_covariance_moves_on_as_before(name, batch):
    sizes = dict.fromkeys(TRIALS[name].inputs, 8)
    losses = [losslang.compile_loss(name, sizes=sizes, without=without).double() for without in ((), NAMES)]
    random = torch.Generator().manual_seed(0)
    for training in (True, True, False, True):
        inputs = {
            key: torch.randn(*shape[:-2], batch, 8, generator=random, dtype=torch.float64).requires_grad_()
            for key, shape in TRIALS[name].inputs.items()
        }
        found = []
        for loss in losses:
            total = loss.train(training)(**inputs).total
            found.append([total, *torch.autograd.grad(total, [i for k, i in inputs.items() if k == "z"]), loss.c_next])
        assert_same(*found)


def test_a_statistic_that_serves_more_is_held():
    spec = term("c = running(gram(z[a]), 0.7, read=after); sum(gram(z[a]) * c) + sum(c)")
    assert "product_with_running" not in used(spec)


def test_what_has_another_scale_is_not_attracted():
    spec = term("mean(logsumexp(dot(z[a], z[a], pairs=batch), over=batch') - 2 * dot(z[a], z[a]))")
    assert "mean_contrast" not in used(spec)


def test_a_queue_is_copied_only_where_the_way_back_needs_it():
    def reads(name, without=()):
        return [line for line in losslang.pipeline.emit(name, without=without).splitlines() if ".clone().to(" in line]

    assert len(reads("nnclr")) == 1  # of many processes, where the matrix of similarities is made
    assert len(reads("nnclr", NAMES)) == 2
    assert len(reads("mocov2")) == 1
