"""What processes run in tests: a method for some optimiser steps, on the whole batch or on shares of it, in float64."""

import importlib.util
import sys

import numpy as np
import torch
from torch import distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import losslang
from losslang.backend.compile import compile_loss
from losslang.networks.statistics import with_statistics_of_all
from losslang.pipeline import load
from losslang.shipped import shipped_specs
from losslang.training import speed
from losslang.training.loop import step
from losslang.training.plan import resolve_run
from losslang.training.session import open_session
from tests.processes import mutations

STEPS, ROWS = 5, 36
SMALL = {
    "width": 12, "size": 6, "bottleneck": 6, "prototypes": 10, "queue": 80, "slices": 5, "count": 10, "rows": 12,
}  # fmt: skip


def small(name):
    """A method, shipped or by its path, with small networks, queues and groups."""
    path = shipped_specs().get(name, name)
    known = load(path).parameters
    return load(path, parameters={k: v for k, v in SMALL.items() if k in known})


def model_of(spec, *, norm=True):
    torch.manual_seed(0)
    middle = [nn.BatchNorm1d(8)] if norm else []
    backbone = nn.Sequential(nn.Linear(3, 8), *middle, nn.ReLU(), nn.Linear(8, 8))
    model = losslang.compile(spec, backbone=backbone, feature_size=8, steps=20, steps_per_epoch=2, images=2 * ROWS)
    return model.double()


def batches(spec):
    """The views [row, feature] of the whole batch, and the numbers of its images, for every step."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(STEPS):
        views = {view: torch.randn(ROWS, 3, generator=generator, dtype=torch.float64) for view in spec.views}
        yield views, torch.randperm(2 * ROWS, generator=generator)[:ROWS]


def mean_gradients(model):
    """As DistributedDataParallel: the mean over processes."""
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


def train(name, places=None, mutation="", exchange="auto"):
    """The terms of every step and the state after them: of the whole batch, or of the rows at `places` of many processes."""
    spec = small(name)
    model = model_of(spec)
    if places is not None and mutation != "local_norm":
        with_statistics_of_all(model)
    model.loss.exchange = exchange
    mutations.apply(mutation, sys.modules[type(model.loss).__module__])
    optimizer = torch.optim.SGD(list(model.parameters()), lr=0.05, momentum=0.9)
    own = torch.arange(ROWS) if places is None else torch.tensor(places, dtype=torch.int64)
    logged = []
    for views, images in batches(spec):
        extra = (images[own],) if model.takes_rows else ()
        out = model({view: x[own] for view, x in views.items()}, *extra, places=None if places is None else own)
        optimizer.zero_grad()
        out.total.backward()
        if places is not None:
            mean_gradients(model)
        optimizer.step()
        model.after_step()
        logged.append({name: float(value.detach()) for name, value in {**out.terms, **out.raw}.items()})
    sys.modules.pop(type(model.loss).__module__)
    return logged, {k: v.detach().numpy() for k, v in model.state_dict().items() if torch.is_tensor(v)}


def collectives(name, places, *, told=False):
    """How often the processes communicate in one step of the loss, forward and backward; it is `told` the places."""
    spec, counts, names = small(name), [], ("all_reduce", "all_gather", "reduce_scatter")
    model, own, real = model_of(spec, norm=False), torch.tensor(places), {each: getattr(dist, each) for each in names}
    views, images = next(batches(spec))
    for each in names:
        setattr(
            dist, each, lambda *given, each=each, **options: (counts.append(each), real[each](*given, **options))[1]
        )
    try:
        mine, extra = {view: x[own] for view, x in views.items()}, (images[own],) if model.takes_rows else ()
        total = model(mine, *extra, places=own if told else None).total
        forward = len(counts)
        total.backward()
    finally:
        for each in names:
            setattr(dist, each, real[each])
    return forward, len(counts) - forward


def told(name, places):
    """The same where the places of rows are told."""
    return collectives(name, places, told=True)


def train_images(method, recipe, data, sets):
    """Five steps of `losslang train`: the terms of each, of the whole batch, the state after them, and which are parameters."""
    session = open_session(resolve_run(shipped_specs()[method], recipe, data=data, sets=sets))
    session.model.train()
    said: list[str] = []
    speed.speed_up(session, said.append)
    assert not said, said
    logged = []
    for _ in range(STEPS):
        out, _, _ = step(session, None)
        logged.append({name: float(value.detach()) for name, value in out.terms.items()})
    state = {k: v.detach().numpy() for k, v in session.model.state_dict().items() if torch.is_tensor(v)}
    return logged, state, {name for name, _ in session.model.named_parameters()}


def image_exchanges(method, recipe, data, sets):
    """How often the processes exchange something in the second step of `losslang train`."""
    session, counts = open_session(resolve_run(shipped_specs()[method], recipe, data=data, sets=sets)), []
    session.model.train()
    step(session, None)
    real = {name: getattr(dist, name) for name in ("all_reduce", "all_gather", "reduce_scatter")}
    for name, function in real.items():
        setattr(dist, name, lambda *given, f=function, **more: (counts.append(1), f(*given, **more))[1])
    try:
        step(session, None)
    finally:
        for name, function in real.items():
            setattr(dist, name, function)
    return len(counts)


def normalized(images, target, places, options):
    """A batch norm of images [row, channel, row, column], on own rows: values, gradients, statistics and how often it is sent.

    `options` are those of torch's norm. The loss is that of all rows: the product with `target`. Gradients are those of the
    whole batch, for own rows.
    """
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(images.shape[1], **options).to(torch.promote_types(images.dtype, torch.float32))
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    world, counts, real = dist.get_world_size() if dist.is_initialized() else 1, [], dist.all_reduce
    if world > 1:
        norm = with_statistics_of_all(nn.Sequential(norm))[0]
    x = images[places].clone(memory_format=torch.preserve_format).requires_grad_()
    dist.all_reduce = lambda *given, **more: (counts.append(1), real(*given, **more))[1]
    try:
        out = norm(x)
        out.backward(world * target[places])
    finally:
        dist.all_reduce = real
    if world > 1:
        mean_gradients(norm)
    state = {name: value.numpy() for name, value in norm.state_dict().items()}
    grads = {name: parameter.grad.numpy() for name, parameter in norm.named_parameters()}
    return out.detach().double().numpy(), (x.grad / world).double().numpy(), grads, state, len(counts)


def train_in_ddp(name, start=0, stop=ROWS):
    """A stranger's loop: a network in DistributedDataParallel, and the loss of the method on what it gives."""
    torch.manual_seed(0)
    loss = compile_loss(small(name), sizes={"z": 6})
    network = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 6)).double()
    wrapped = DistributedDataParallel(network) if dist.is_initialized() else network
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    generator = torch.Generator().manual_seed(1)
    logged = []
    for _ in range(STEPS):
        whole = torch.randn(2, ROWS, 3, generator=generator, dtype=torch.float64)
        own = whole[:, start:stop]
        out = loss(wrapped(own.flatten(0, 1)).unflatten(0, own.shape[:2]))
        optimizer.zero_grad()
        out.total.backward()
        optimizer.step()
        logged.append({name: float(value.detach()) for name, value in out.terms.items()})
    return logged, {k: v.detach().numpy() for k, v in network.state_dict().items()}


def raise_on(rank):
    """One process fails between two steps; the others are told, and say so."""
    loss = compile_loss(small("simclr"), sizes={"z": 6})
    for turn in range(2):
        if turn == 1 and dist.get_rank() == rank:
            dist.destroy_process_group()
            raise ValueError("a broken image")
        loss(torch.randn(2, 8, 6, dtype=torch.float64))


def worst(one, many):
    """The largest relative difference of two runs: of terms, and of the state."""
    terms = max(abs(a[k] - b[k]) / max(1, abs(a[k])) for a, b in zip(one[0], many[0], strict=True) for k in a)
    state = 0.0
    for key, value in one[1].items():
        if np.size(value):
            assert np.array_equal(np.isnan(value), np.isnan(many[1][key])), key  # of a queue that is not full
            gap = np.nanmax(np.abs(value.astype(float) - many[1][key].astype(float)), initial=0)
            state = max(state, gap / max(1.0, np.nanmax(np.abs(value), initial=0)))
    return terms, state


def standalone(path, start=0, stop=ROWS):
    """An emitted file as a module of its own: the total and the gradient of own rows."""
    spec = importlib.util.spec_from_file_location("standalone", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["standalone"] = module
    spec.loader.exec_module(module)
    loss = module.VicregLoss().double()
    generator = torch.Generator().manual_seed(2)
    z = torch.randn(2, ROWS, 8, generator=generator, dtype=torch.float64)[:, start:stop].clone().requires_grad_()
    out = loss(z)
    out.total.backward()
    return float(out.total.detach()), z.grad.numpy()


def train_compiled(*run):
    """What `train_images` gives, and how many graphs torch.compile wrote, and how many breaks there were in them."""
    counters = torch._dynamo.utils.counters
    counters.clear()
    speed.photo_view = lambda *_: nn.Identity()  # views are in float32
    found = train_images(*run)
    return *found, (counters["stats"]["unique_graphs"], sum(counters["graph_break"].values()))
