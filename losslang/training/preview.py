"""`losslang train --dry-run`: everything that would happen, without data, device memory or a single step."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from losslang.algebra.cost import Sizes
from losslang.algebra.cost_of_many import cost_of_many
from losslang.backend.compile import Model, compile  # noqa: A004 - the language's word
from losslang.data.photo_sets import KNOWN
from losslang.data.policies import Photo, Policy
from losslang.data.sizes import bytes_in_words
from losslang.networks.backbones import make_backbone
from losslang.networks.statistics import counted_exchanges
from losslang.networks.targets import FreezeFor
from losslang.training.online import PROBE_EXCHANGES, wants_probe
from losslang.training.plan import RunPlan
from losslang.training.record import settings_record

__all__ = ["Cost", "cost_of_step", "preview"]

_SHARE = 1 / 3
"""Of a device's rate of matrix products, what training is expected to reach: ResNet-18 about 0.3 on recent GPUs."""

_H200 = 790e12
"""Operations per second of an H100 or H200 in products of bfloat16 matrices (measured on such cards)."""

_STATES = {"sgd": 1, "lars": 1, "adamw": 2}
"""Numbers that an optimiser keeps per parameter."""


@dataclass(frozen=True)
class Cost:
    """One step: floating point operations, and bytes of what the forward pass keeps for the backward pass.

    `exchanges` is how often norms of all processes would ask each other.
    """

    flops: int
    kept: int
    exchanges: int


def preview(plan: RunPlan, processes: int = 1) -> Iterator[str]:
    """Lines on data, views, networks, cost and settings of a run by so many processes."""
    model = _model(plan)
    yield f"{plan.name}, recipe {plan.recipe_name}, seed {plan.recipe.seed}, into {plan.folder}"
    yield from _section("length", _length(plan))
    yield from _section("data", _data(plan))
    yield from _section("views", _views(plan))
    yield from _section("networks", _networks(plan, model))
    cost = _counted(plan, model)
    yield from _section("cost", _cost(plan, model, cost))
    yield from _section("processes", _exchange(plan, model, cost, processes))
    yield from _section("parameters", _listed(settings_record(plan)["parameters"]))
    yield from _section("settings", _listed(settings_record(plan)["settings"]))


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield f"\n{title}"
    yield from (f"  {line}" for line in lines)


def _model(plan: RunPlan) -> Model:
    backbone = make_backbone(plan.recipe.backbone.name, plan.input_shape, **plan.recipe.backbone.options)
    return compile(
        plan.spec,
        backbone=backbone.module,
        feature_size=backbone.feature_size,
        steps=plan.steps,
        steps_per_epoch=plan.steps_per_epoch,
        images=plan.dataset.samples[0],
        estimate=plan.recipe.estimate.model_dump(),
    )


def _length(plan: RunPlan) -> Iterator[str]:
    images = plan.steps_per_epoch * plan.recipe.batch_size
    yield f"{plan.steps:,} steps of {plan.recipe.batch_size} images, {plan.steps / plan.steps_per_epoch:g} epochs"
    yield f"{images:,} images and {images * len(plan.policies):,} views an epoch, {plan.steps_per_epoch:,} steps"


def _data(plan: RunPlan) -> Iterator[str]:
    data = plan.dataset
    yield f"{data.name}: {data.description}"
    yield f"{data.samples[0]:,} samples for training, {data.samples[1]:,} held out, {data.classes} classes"
    if data is KNOWN.get(data.name):
        yield "not prepared here: training would stop with a message that says how"
    if data.kind == "photos":
        pixels = 3 * data.shape[1] ** 2 * sum(data.samples)
        yield f"{bytes_in_words(pixels)} of pixels, on a GPU where half of its memory holds them, else streamed"


def _views(plan: RunPlan) -> Iterator[str]:
    """One line per distinct augmentation."""
    seen: dict[Policy, list[str]] = {}
    for view, policy in plan.policies.items():
        seen.setdefault(policy, []).append(view)
    for policy, views in seen.items():
        options = ", ".join(f"{name} {_short(value)}" for name, value in policy.model_dump().items())
        yield f"{', '.join(views)}: {type(policy).__name__.lower()} {options}".rstrip()


def _networks(plan: RunPlan, model: Model) -> Iterator[str]:
    """Their sizes. What trains later trains from here on: costs are those of the steps in which all do."""
    networks = {name: found for name in model.spec.networks if (found := model.network(name)) is not None}
    later = {name: list(_late(network, plan)) for name, network in networks.items()}
    for module in model.modules():
        if isinstance(module, FreezeFor):
            module.thaw()
    for name, network in networks.items():
        still = _count(network, trained=False)
        yield (
            f"{name}: {_count(network, trained=True):,} parameters that train"
            + "".join(f", {size:,} of them after {steps:,} steps" for size, steps in later[name])
            + (f", {still:,} that do not" if still else "")
        )
    yield f"together {_count(model, trained=True):,} that train"
    if wants_probe(plan):
        yield "a linear classifier learns beside them, without gradient to them (evaluation.online: never does without)"


def _late(network: nn.Module, plan: RunPlan) -> Iterator[tuple[int, int]]:
    """How many parameters of a network begin to train after so many steps."""
    for module in network.modules():
        if isinstance(module, FreezeFor) and not module.forever:
            yield _count(module, trained=False), module.steps(plan.steps_per_epoch)


def _count(module: nn.Module, *, trained: bool) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad == trained)


def _cost(plan: RunPlan, model: Model, cost: Cost | str) -> Iterator[str]:
    """Memory and time, as far as they can be counted."""
    trained, still = (_count(model, trained=which) for which in (True, False))
    state = sum(b.numel() * b.element_size() for b in model.buffers())
    fixed = 4 * ((2 + _STATES[plan.recipe.optimizer.name]) * trained + still) + state
    if not model.estimate.is_exact:
        yield f"by random probes: {model.estimate.words()}"
    yield f"{bytes_in_words(fixed)} for weights, gradients, optimiser and state"
    if isinstance(cost, str):
        yield cost
        return
    yield f"about {bytes_in_words(cost.kept)} kept between forward and backward pass of a step, from its views on"
    yield f"{cost.flops / 1e12:,.2f} TFLOP a step"
    yield from _time(plan, cost.flops)


def _time(plan: RunPlan, flops: int) -> Iterator[str]:
    """How long all steps take, here and on a large GPU."""
    device, rate = _rate(plan)
    seconds = flops * plan.steps / _SHARE
    yield (
        f"roughly {_duration(seconds / rate)} on this {device}: a third of {rate / 1e12:,.2f} TFLOP/s, measured on matrix"
        " products just now; augmentation and evaluation come on top"
    )
    if device != "GPU" and plan.recipe.precision == "bfloat16":
        yield f"roughly {_duration(seconds / _H200)} on an H100 or H200, by the same third: an estimate, not measured"


def _exchange(plan: RunPlan, model: Model, cost: Cost | str, processes: int) -> Iterator[str]:
    """What the processes send each other in a step; of one process, what those of a machine with eight GPUs would."""
    world = processes if processes > 1 else 8
    gradients = 4 * 2 * (world - 1) / world * _count(model, trained=True)
    found = cost_of_many(model.spec, Sizes(plan.recipe.batch_size, world))
    of_all = plan.recipe.batchnorm == "global"
    if processes == 1:
        yield "one process exchanges nothing"
    yield f"of {world} processes each sends {bytes_in_words(gradients)} of gradients in one exchange after every step"
    often, sent = f"{found.exchanges} times forward and {found.back} back", bytes_in_words(found.sent)
    yield f"the loss exchanges values {often}, {sent} sent by each"
    if isinstance(cost, str):
        return
    norms, probe = cost.exchanges if of_all else 0, PROBE_EXCHANGES[of_all] if wants_probe(plan) else 0
    if norms:
        yield f"norms exchange statistics of the batch {norms} times (batchnorm: process does without)"
    if probe:
        yield f"the linear classifier exchanges {probe} times"
    yield f"together {1 + found.exchanges + found.back + norms + probe} exchanges a step"


def _counted(plan: RunPlan, model: Model) -> Cost | str:
    """The cost of a step, or why there is none."""
    try:
        return cost_of_step(plan, model)
    except Exception as error:  # noqa: BLE001 - operations that torch cannot count without numbers
        return f"the cost of a step cannot be counted: {str(error).splitlines()[0]}"


def cost_of_step(plan: RunPlan, model: Model) -> Cost:
    """Counted by running forward and backward pass without numbers. Raises whatever torch cannot do without them."""
    batch, half = plan.recipe.batch_size, plan.recipe.precision == "bfloat16"
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage()._cdata] = tensor  # noqa: SLF001 - views of one storage count once
        return tensor

    model.train()
    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    with fake, FlopCounterMode(display=False) as counter, hooks, counted_exchanges(model) as exchanges:
        views = {name: torch.empty(batch, *_shape(policy, plan)) for name, policy in plan.policies.items()}
        rows = (torch.empty(batch, dtype=torch.int64),) if model.takes_rows else ()
        model.front(views, *rows).total.backward()
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    size = max(sum(tensor.numel() * tensor.element_size() for tensor in kept.values()) - weights, 0)
    return Cost(counter.get_total_flops(), size // 2 if half else size, sum(exchanges))


def _shape(policy: Policy, plan: RunPlan) -> tuple[int, ...]:
    return (3, policy.size, policy.size) if isinstance(policy, Photo) else plan.dataset.shape


def _rate(plan: RunPlan) -> tuple[str, float]:
    """The device, and its floating point operations per second in matrix products of the recipe's precision."""
    cuda = torch.cuda.is_available() and plan.recipe.device != "cpu"
    dtype = torch.bfloat16 if plan.recipe.precision == "bfloat16" else torch.float32
    size, repeats = (8192, 20) if cuda else (512, 8)
    a = torch.ones(size, size, dtype=dtype, device="cuda" if cuda else "cpu")
    a @ a
    _wait(cuda=cuda)
    started = time.perf_counter()
    for _ in range(repeats):
        a @ a
    _wait(cuda=cuda)
    return "GPU" if cuda else "CPU", 2 * size**3 * repeats / (time.perf_counter() - started)


def _wait(*, cuda: bool) -> None:
    if cuda:
        torch.cuda.synchronize()


# ---------------------------------------------------------------- words


def _listed(rows: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    width = max((len(name) for name in rows), default=0)
    values = {name: _short(row["value"]) for name, row in rows.items()}
    wide = min(max((len(value) for value in values.values()), default=0), 24)
    for name, row in rows.items():
        yield f"{name:{width}}  {values[name]:{wide}}  {row['set by']}".rstrip()


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return " ".join(map(_short, value)) if isinstance(value, tuple | list) else str(value)


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:,.0f} seconds"
