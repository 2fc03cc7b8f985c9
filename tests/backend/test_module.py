"""Emitted modules: inputs, state, precision, torch.compile, tracebacks, and life without losslang."""

import io
import os
import subprocess
import sys
import traceback

import numpy as np
import pytest
import torch
from torch import nn

import losslang
from losslang.backend.compile import compile_loss
from losslang.backend.names import MODULE_NAMES
from losslang.meaning.evaluate import World, evaluate
from losslang.objective.boundary import find_inputs
from losslang.pipeline import emit, load
from losslang.shipped import shipped_specs
from tests.methods import method, term

SMALL = {"width": 16, "size": 8, "bottleneck": 8, "prototypes": 24, "queue": 96, "slices": 16, "count": 24, "rows": 32}
SPECS = shipped_specs()


def small(name):
    spec = load(SPECS[name])
    return load(SPECS[name], parameters={k: v for k, v in SMALL.items() if k in spec.parameters})


def model_of(name, steps=100):
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Linear(2, 32), nn.BatchNorm1d(32), nn.ReLU())
    return losslang.compile(
        small(name), backbone=backbone, feature_size=32, steps=steps, steps_per_epoch=10, images=320
    )


def views_of(model, rows=32):
    return {view: torch.randn(rows, 2) for view in model.spec.views}


COMPILED = ["simsiam", "byol", "vicreg", "dino", "swav", "lejepa", "mocov2"]
if os.environ.get("LOSSLANG_TESTS") == "full":  # half a minute on two quiet cores
    COMPILED = list(SPECS)


@pytest.mark.parametrize("name", SPECS)
def test_every_method_trains_in_one_graph(name):
    model = model_of(name)
    step = model
    if name in COMPILED:
        torch._dynamo.reset()
        step = torch.compile(model, fullgraph=True, backend="eager")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(2):
        out = step(views_of(model), *([torch.arange(32)] if model.takes_rows else []))
        optimizer.zero_grad()
        out.total.backward()
        optimizer.step()
        model.after_step()
        assert out.total.isfinite()
        assert out.total.item() == pytest.approx(sum(out.terms.values()).item(), rel=1e-5)


def test_inputs_are_given_by_view_in_order_or_stacked():
    loss = compile_loss(term("mean(z[a] * 2 + z[b])")).double()
    za, zb = torch.randn(2, 5, 6, dtype=torch.float64)
    values = [loss(z).total for z in ({"b": zb, "a": za}, [za, zb], torch.stack([za, zb]))]
    assert values[0] == values[1] == values[2] == (2 * za + zb).mean()


@pytest.mark.parametrize("shape", [(2, 5, 7), (3, 5, 6), (5, 6)])
def test_wrong_shapes_are_refused_by_name(shape):
    with pytest.raises(ValueError, match=r"`z` must be \[view=2, batch, feature=6\]|views are needed"):
        compile_loss(term("mean(z)"))(torch.randn(shape))


X = torch.randn(5, 6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"a": X}, "the view `b` is missing; needed are a, b"),
        ({"a": X, "b": X, "c": X}, "there is no view `c`; needed are a, b"),
        ([X, X, X], r"2 views are needed \(a, b\), and here are 3"),
        ([], "and here are 0"),
        ((X,), "and here are 1"),
    ],
)
def test_views_are_all_there_and_no_other(given, message):
    with pytest.raises(ValueError, match=message):
        compile_loss(term("mean(z)"))(given)


@pytest.mark.parametrize(
    ("given", "kind"), [(None, "NoneType"), (3.0, "float"), ([X, None], "NoneType"), ("ab", "str")]
)
def test_what_is_no_view_is_named(given, kind):
    with pytest.raises(TypeError, match=f"here is {kind}"):
        compile_loss(term("mean(z)"))(given)


def test_targets_are_detached():
    head = "network encoder = backbone\nnetwork t = ema(encoder, momentum=0.9)\nz = encoder(x)\nk = t(x)\n"
    loss = compile_loss(term("alignment(z[a], k[b])", head=head))
    assert loss.inputs == {"z": ("view", "batch", "feature"), "k": ("view", "batch", "feature")}
    z, k = (torch.randn(2, 5, 6, requires_grad=True) for _ in range(2))
    loss(z=z, k=k).total.backward()
    assert z.grad is not None
    assert k.grad is None


def test_an_input_without_a_name_is_an_error_with_the_fix():
    head = "network encoder = backbone\nnetwork p = linear(4)\nz = normalize(p(encoder(x)))\n"
    with pytest.raises(losslang.SpecError, match="has no name of its own"):
        compile_loss(term("mean(z)", head=head))


CENTER = "m = running(mean(z[a], over=batch), momentum=0.5, read=before)\nminimize\n  t: mean(m * z[a])\n"


def test_state_moves_once_a_step_whoever_moves_it():
    one, two = compile_loss(method(CENTER)).double(), compile_loss(method(CENTER)).double()
    for _ in range(3):
        z = torch.randn(2, 5, 6, dtype=torch.float64)
        first, second = one(z).total, two(z).total
        one.after_step()
        assert first == second
    one(z), two(z)
    assert torch.equal(one.m, two.m)
    assert int(one.step) == int(two.step) == 3


def test_evaluation_moves_nothing():
    loss = compile_loss(method(CENTER)).eval()
    before = {name: value.clone() for name, value in loss.state_dict().items()}
    loss(torch.randn(2, 5, 6))
    assert all(torch.equal(value, before[name]) for name, value in loss.state_dict().items())


def test_all_state_is_in_the_state_dict():
    torch.manual_seed(0)
    one, other = compile_loss(method(CENTER)), compile_loss(method(CENTER))
    z = torch.randn(4, 2, 5, 6)
    one(z[0]), one(z[1])
    buffer = io.BytesIO()
    one.after_step()
    torch.save(one.state_dict(), buffer)
    buffer.seek(0)
    other.load_state_dict(torch.load(buffer, weights_only=True))
    assert one(z[2]).total == other(z[2]).total
    assert one(z[3]).total == other(z[3]).total


def test_targets_follow_after_the_optimiser_step():
    model = model_of("byol")
    target, encoder = model.networks["target"], model.encoder
    before = [p.clone() for p in target.parameters()]
    model(views_of(model)).total.backward()
    with torch.no_grad():
        for p in encoder.parameters():
            p.add_(1.0)
    model.after_step()
    moved = next(target.parameters())
    momentum = 0.996  # the first value of the schedule
    assert torch.allclose(moved, momentum * before[0] + (1 - momentum) * next(encoder.parameters()))


def test_joint_and_separate_differ_with_batch_norm_alone():
    head = "network encoder = backbone\nnetwork p = mlp(8, 6, norm=batchnorm)\nz = p(encoder(x))\nforward {}\n"
    values = {}
    for mode in ("joint", "separate"):
        torch.manual_seed(0)
        spec = term("alignment(z[a], z[b])", head=head.format(mode))
        model = losslang.compile(spec, backbone=nn.Linear(2, 4), feature_size=4)
        torch.manual_seed(1)
        x = {"a": torch.randn(8, 2), "b": 3 + torch.randn(8, 2)}
        values[mode] = model.embed(x)["z"]
        model.eval()
        values[mode, "eval"] = model.embed(x)["z"]
    assert not torch.allclose(values["joint"], values["separate"])


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["vicreg", "simclr", "coding_rate", "barlow", "byol"])
def test_half_precision_is_computed_in_float32(name, kind):
    spec = load(SPECS[name])
    found = {i.name: 16 for i in find_inputs(spec)}
    loss = compile_loss(spec, sizes=found, steps=10, steps_per_epoch=1)
    inputs = {key: torch.randn(2, 24, 16).to(kind) for key in loss.inputs}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = loss(**inputs)
    assert out.total.dtype == torch.float32
    loss.train(False)
    plain = loss(**{key: value.float() for key, value in inputs.items()})
    assert torch.equal(out.total, plain.total)


def test_names_of_python_and_torch_are_mangled():
    body = (
        "parameter lambda = 2\nparameter train = 3\nparameter step = 4\nclass = z[a]\nforward_ = z[b]\n"
        "variance_over = mean(class^2)\ndtype = mean(forward_)\n"
        "minimize\n  global: lambda * variance_over\n  return: train * dtype\n  self: step * mean(class)\n"
    )
    loss = compile_loss(method(body)).double()
    z = torch.randn(2, 5, 6, dtype=torch.float64)
    expected = 2 * (z[0] ** 2).mean() + 3 * z[1].mean() + 4 * z[0].mean()
    out = loss(z)
    assert out.total == pytest.approx(expected.item())
    assert set(out.terms) == {"global", "return", "self"}


def test_module_names_are_those_of_torch():
    own = {"inputs", "exchange", "objective", "objective_of_many", "pending", "after_step", "given"}
    assert {name for name in dir(nn.Module) if not name.startswith("_")} <= MODULE_NAMES
    assert {name for name in MODULE_NAMES - own if not hasattr(nn.Module, name)} <= {"training"}


def test_tracebacks_show_the_line_of_the_spec():
    loss = compile_loss(term("mean(logdet(cov(z, ddof=1)))"))
    with pytest.raises(Exception, match="Cholesky") as raised:
        loss(torch.zeros(2, 5, 6))
    shown = "".join(traceback.format_exception(raised.value))
    assert "# test.loss:9" in shown


def test_terms_before_their_weight():
    out = compile_loss(term("3 * mean(z)"))(torch.ones(2, 4, 6))
    assert out.terms["term"] == 3
    assert out.raw["term"] == 1


@pytest.mark.parametrize("name", ["simsiam", "vicreg", "dino", "lejepa", "mocov2"])
def test_emitted_source_needs_torch_alone(name, tmp_path):
    (tmp_path / "method.py").write_text(emit(SPECS[name]))
    code = (
        "import sys\nsys.modules['losslang'] = None\nimport method, torch\n"
        "name = [n for n in dir(method) if n.endswith('Loss')][0]\nloss = getattr(method, name)()\nprint(sorted(loss.inputs))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, env={"PATH": ""}
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("[")


def test_emission_is_repeatable():
    assert emit(SPECS["swav"]) == emit(SPECS["swav"])


MEMORY = (
    "e = normalize(z)\nstored = memory(e)\nc = centroids(stored[a], count=3, iterations=5)\n"
    "q = argmax(dot(stored[a], c), over=prototype)\n"
    "minimize\n  t: cross_entropy(q, log_softmax(dot(e[b], c) / 0.1, over=prototype)) + mean(dot(stored[b], e[a]))\n"
)


def test_memory_holds_the_values_of_the_last_visit_and_centroids_move_once_an_epoch():
    spec = method(MEMORY)
    loss = compile_loss(spec, steps_per_epoch=3, images=12).double()
    start, centers = loss.stored.clone(), loss.c.clone()
    seen = torch.zeros(12, 2, 6, dtype=torch.float64)
    for step in range(3):
        rows = torch.arange(4) * 3 + step
        z = torch.randn(2, 4, 6, dtype=torch.float64)
        world = World({"z": z.numpy()}, rows=rows.numpy(), state={"stored": loss.stored.numpy(), "c": loss.c.numpy()})
        assert loss(z, rows=rows).total.item() == pytest.approx(evaluate(spec, world).total, rel=1e-12)
        seen[rows] = nn.functional.normalize(z, dim=-1).transpose(0, 1)
        loss.after_step()
        assert torch.equal(loss.c, centers) == (step < 2)
    assert not torch.equal(loss.stored, start)
    assert torch.allclose(loss.stored, seen)
    nearest = (seen[:, 0] @ loss.c.T).argmax(1)
    for k in range(3):
        if (nearest == k).any():
            mean = seen[nearest == k, 0].sum(0)
            assert torch.dot(nn.functional.normalize(mean, dim=0), loss.c[k]) > 0.9  # nearly a fixed point


def test_freezing_ends_after_its_time():
    head = "network encoder = backbone\nnetwork p = freeze_for(linear(6), steps=2)\nz = p(encoder(x))\n"
    model = losslang.compile(term("mean(z^2)", head=head), backbone=nn.Linear(2, 4), feature_size=4)
    trains = []
    for _ in range(3):
        model([torch.randn(5, 2)] * 2).total.backward()
        trains.append(next(model.networks["p"].parameters()).grad is not None)
        model.after_step()
    assert trains == [False, False, True]


def test_prototypes_go_back_to_unit_length_after_every_step():
    model = model_of("swav")
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model._frozen[0].thaw()
    for _ in range(2):
        optimizer.zero_grad()
        model(views_of(model)).total.backward()
        optimizer.step()
        model.after_step()
        (codebook,) = [m for m in model.modules() if hasattr(m, "project")]
        assert torch.allclose(codebook.weight.norm(dim=1), torch.ones(24))


@pytest.mark.parametrize("name", ["swav", "swav_joint", "dino", "mocov2", "corinfomax"])
def test_two_losses_go_back_together(name):
    one, two = model_of(name), model_of(name)
    batches = [views_of(one) for _ in range(2)]
    sum(one(views).total for views in batches).backward()
    for views in batches:
        two(views).total.backward()
    for p, q in zip(one.parameters(), two.parameters(), strict=True):
        assert p.grad is None or torch.allclose(p.grad, q.grad, rtol=1e-4, atol=1e-6)


NAMES = (
    "parameter type = 2\nparameter type_ = 3\nparameter _buffers = 5\n"
    "lambda = running(mean(z[a], over=batch), momentum=0.5, read=after)\n"
    "s = running(mean(z[a], over=batch), momentum=0.9, read=before)\n"
    "s_next = running(mean(z[b], over=batch), momentum=0.8, read=after)\n"
    "s_new = sum(z[a]^2, over=batch)\n"
    "minimize\n  t: type * mean(z) + type_ * mean(lambda) + _buffers * mean(s * s_new) + mean(s_next * s_new)\n"
)


def test_names_hide_nothing_and_nobody():
    spec = method(NAMES)
    loss = compile_loss(spec).double()
    z = torch.randn(2, 5, 6, dtype=torch.float64)
    assert loss(z).total.item() == pytest.approx(evaluate(spec, World({"z": z.numpy()})).total, rel=1e-12)


def test_nan_is_never_hidden():
    for text in ("mean(center_penalty(z))", "norm(z)", "mean(std(z, over=batch, ddof=1, eps=0))", "mean(normalize(z))"):
        assert compile_loss(term(text))(torch.full((2, 4, 6), torch.nan)).total.isnan()


def test_evaluation_between_steps_loses_no_step():
    loss = compile_loss(method(CENTER)).double()
    for step in range(3):
        loss.train()
        loss(torch.randn(2, 5, 6, dtype=torch.float64))
        loss.eval()
        loss(torch.randn(2, 5, 6, dtype=torch.float64))
        assert int(loss.step) == step
    loss.after_step()
    assert int(loss.step) == 3


def test_a_model_whose_owner_forgets_after_step_moves_all_the_same():
    one, two = model_of("byol"), model_of("byol")
    for _ in range(3):
        views = views_of(one)
        for model in (one, two):
            model(views).total.backward()
            with torch.no_grad():
                for p in model.parameters():
                    if p.grad is not None:
                        p.sub_(0.1 * p.grad)
                        p.grad = None
        one.after_step()
    two(views), one(views)
    targets = zip(one.networks["target"].parameters(), two.networks["target"].parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in targets)
    assert one._steps == two._steps == 3


def test_batches_of_different_size_are_refused():
    head = "network encoder = backbone\nnetwork t = ema(encoder, momentum=0.9)\nz = encoder(x)\nk = t(x)\n"
    loss = compile_loss(term("alignment(z[a], k[b])", head=head))
    with pytest.raises(ValueError, match="z has 7, k has 1"):
        loss(z=torch.randn(2, 7, 6), k=torch.randn(2, 1, 6))


def test_thousands_of_pairs_are_emitted():
    spec = term("mean(mean(z[u] * z[v]) for u in views for v in views if u != v)", views="view crop = 20")
    loss = compile_loss(spec).double()
    z = torch.randn(20, 3, 6, dtype=torch.float64)
    assert loss(z).total.item() == pytest.approx(evaluate(spec, World({"z": z.numpy()})).total, rel=1e-10)


def test_a_missing_count_is_asked_for_and_an_error_of_ours_is_not_called_one(monkeypatch):
    spec = method("parameter t = cosine(0.5, 1)\nminimize\n  term: t * mean(z)\n")
    with pytest.raises(losslang.LosslangError, match=r"number of steps is not known; give steps="):
        compile_loss(spec)
    monkeypatch.setattr("losslang.backend.compile.emit", lambda *_given, **_options: [].index(0))
    with pytest.raises(ValueError, match="not in list"):
        compile_loss(spec, steps=3)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "2", None, True])
def test_parameters_are_finite_numbers(value):
    with pytest.raises(losslang.LosslangError, match="finite number"):
        compile_loss("specs/simclr.yaml", parameters={"temperature": value})


def test_parameters_of_numpy_are_numbers():
    loss = compile_loss("specs/simclr.yaml", parameters={"temperature": np.float64(0.25)}, sizes={"z": 8})
    assert loss.temperature == 0.25


def test_the_source_carries_the_method_as_written():
    spec = load(SPECS["vicreg"])
    comments = [line.removeprefix("#     ") for line in emit(spec).splitlines() if line.startswith("#     ")]
    assert comments == [line.rstrip() for line in spec.source_text.splitlines() if line.rstrip()]
    assert spec.hash in emit(spec)


@pytest.mark.parametrize("name", ["mocov2", "swav", "dino"])
def test_half_precision_stops_at_the_loss(name):
    loss = model_of(name).half().loss
    kept = [*loss.parameters(), *loss.buffers()]
    assert kept
    assert all(value.dtype in {torch.float32, torch.int64, torch.bool} for value in kept)
    assert all(value.dtype == torch.float64 for value in loss.double().buffers() if value.is_floating_point())


def test_a_saved_module_loads_in_another_process(tmp_path):
    model = model_of("mocov2").eval()
    views = {view: torch.ones(4, 2) for view in model.spec.views}
    torch.save([model, model.loss, views, model(views).total], tmp_path / "model.pt")
    program = (
        f"import torch; model, loss, views, total = torch.load({str(tmp_path / 'model.pt')!r}, weights_only=False)\n"
        "assert torch.equal(model(views).total, total) and 'negatives' in loss.state_dict()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("read", ["before", "after"])
def test_a_queue_that_is_empty_at_first_is_no_number(read):
    body = f"earlier = queue(z[b], size=64, read={read}, init=empty)\nminimize\n  term: mean(z[a]) + mean(earlier)\n"
    spec = method(body)
    with pytest.raises(losslang.LosslangError, match="at first there are none"):
        compile_loss(spec)
