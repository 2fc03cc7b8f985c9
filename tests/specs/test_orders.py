"""The order of updates, by whole models beside loops written by hand: networks, targets, prototypes and queues over some steps.

Which value a loss reads, and when its state moves on, is as much of a method as its formula (BYOL, algorithm 1; SwAV,
algorithm 1; DINO, algorithm 1; MoCo, algorithm 1). All in float64.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, normalize

import losslang
from tests.references.distillation import sinkhorn
from tests.references.formulas import cross_entropy, pairs

PIXELS, FEATURES, ROWS, RATE = 5, 8, 4, 0.3


def _model(method: str, steps: int, **parameters: float) -> nn.Module:
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Linear(PIXELS, FEATURES), nn.BatchNorm1d(FEATURES), nn.ReLU())
    clock = {"steps": steps, "steps_per_epoch": 2}
    return losslang.compile(method, backbone=backbone, feature_size=FEATURES, parameters=parameters, **clock).double()


def _images(views: int, seed: int) -> list[Tensor]:
    random = torch.Generator().manual_seed(seed)
    return list(torch.randn(views, ROWS, PIXELS, generator=random, dtype=torch.float64))


def _networks(model: nn.Module, *names: str) -> nn.Sequential:
    """A copy of networks, one after another."""
    return nn.Sequential(*(copy.deepcopy(model.networks[name]) for name in names))


def _descend(loss: Tensor, parameters: Iterable[Tensor]) -> None:
    parameters = list(parameters)
    grads = torch.autograd.grad(loss, parameters, allow_unused=True)
    with torch.no_grad():
        for parameter, grad in zip(parameters, grads, strict=True):
            if grad is not None:
                parameter.sub_(RATE * grad)


def _step(model: nn.Module, images: list[Tensor]) -> float:
    """The loss before the step."""
    out = model(images)
    _descend(out.total, [p for p in model.parameters() if p.requires_grad])
    model.after_step()
    return out.total.item()


@torch.no_grad()
def _follow(target: nn.Module, source: nn.Module, momentum: float) -> None:
    for mine, theirs in zip(target.parameters(), source.parameters(), strict=True):
        mine.mul_(momentum).add_((1 - momentum) * theirs)


def _momentum(first: float, step: int, steps: int) -> float:
    """BYOL, section 3.2: 1 - (1 - first)(cos(pi k / K) + 1) / 2."""
    return 1 - (1 - first) * (math.cos(math.pi * step / steps) + 1) / 2


def test_byol_predicts_a_target_that_follows_after_the_step():
    steps, first = 4, 0.6
    model = _model("byol", steps, width=7, size=4, bottleneck=6, momentum=first)
    online, predictor = _networks(model, "encoder", "projector"), _networks(model, "predictor")
    target = copy.deepcopy(online)
    for step in range(steps):
        images = _images(2, step)
        p, t = [predictor(online(x)) for x in images], [target(x).detach() for x in images]
        loss = sum(2 - 2 * cosine_similarity(p[u], t[v]).mean() for u, v in pairs(2, 2))
        assert _step(model, images) == pytest.approx(loss.item(), rel=1e-12)
        _descend(loss, [*online.parameters(), *predictor.parameters()])
        _follow(target, online, _momentum(first, step, steps))


def test_moco_does_not_see_its_own_keys():
    steps, temperature = 4, 0.2
    model = _model("mocov2", steps, width=7, size=6, queue=10, temperature=temperature, momentum=0.9)
    online = _networks(model, "encoder", "projector")
    keys, negatives = copy.deepcopy(online), model.loss.negatives.clone()
    for step in range(steps):
        images = _images(2, step)
        q, k = normalize(online(images[0]), dim=1), normalize(keys(images[1]), dim=1).detach()
        logits = torch.cat([(q * k).sum(1, keepdim=True), q @ negatives.T], dim=1) / temperature
        loss = (logits.logsumexp(1) - logits[:, 0]).mean()
        assert _step(model, images) == pytest.approx(loss.item(), rel=1e-12)
        _descend(loss, online.parameters())
        _follow(keys, online, 0.9)
        negatives = torch.cat([negatives, k])[-10:]


def _codebook(model: nn.Module) -> Tensor:
    """The prototypes, at unit length in float64 as in the copy."""
    (weight,) = (p for name, p in model.named_parameters() if "codebook" in name and "target" not in name)
    weight.data = normalize(weight.data, dim=1)
    return weight.detach().clone().requires_grad_()


def _swav(scores: list[Tensor], earlier: Tensor | None, codebook: Tensor) -> Tensor:
    loss = torch.zeros((), dtype=torch.float64)
    for u, v in pairs(2, len(scores)):
        rows = scores[u] if earlier is None else torch.cat([earlier[u] @ codebook.T, scores[u]])
        codes = sinkhorn(rows.detach(), 0.05, 3)[-ROWS:]
        loss = loss + cross_entropy(codes, scores[v] / 0.1) / (2 * (len(scores) - 1))
    return loss


def test_swav_frees_its_prototypes_then_fills_its_queue_and_uses_it_when_full():
    model = _model("swav", 8, width=7, size=4, prototypes=6, queue=10, start=1)
    projector, codebook = _networks(model, "encoder", "projector"), _codebook(model)
    queue = torch.zeros(2, 0, 4, dtype=torch.float64)
    for step in range(8):
        images = _images(8, step)
        codebook.data = normalize(codebook.data, dim=1)  # before every forward pass
        e = normalize(projector(torch.cat(images)), dim=1).chunk(8)  # views of one size are one batch
        loss = _swav([z @ codebook.T for z in e], queue if queue.shape[1] == 10 else None, codebook.detach())
        assert _step(model, images) == pytest.approx(loss.item(), rel=1e-12)
        trained = [*projector.parameters(), *([codebook] if step >= 2 else [])]  # an epoch is two steps
        _descend(loss, trained)
        if step >= 2:
            queue = torch.cat([queue, torch.stack(e[:2]).detach()], dim=1)[:, -10:]


def test_dino_centers_by_earlier_batches_and_warms_by_epochs():
    steps, first = 6, 0.9
    model = _model("dino", steps, width=7, size=6, prototypes=9, center_momentum=0.5, momentum=first)
    online = _networks(model, "encoder", "head")
    teacher, center = copy.deepcopy(online), torch.zeros(9, dtype=torch.float64)
    temperatures = torch.linspace(0.04, 0.07, 30, dtype=torch.float64)  # one an epoch
    for step in range(steps):
        images = _images(10, step)
        online.get_submodule("1.2").requires_grad_(step >= 2)  # the prototypes' first epoch is two steps
        s, t = online(torch.cat(images)).chunk(10), teacher(torch.cat(images[:2])).detach().chunk(2)
        q = [((view - center) / temperatures[step // 2]).softmax(1) for view in t]
        loss = sum(cross_entropy(q[u], s[v] / 0.1) for u, v in pairs(2, 10)) / 18
        assert _step(model, images) == pytest.approx(loss.item(), rel=1e-12)
        _descend(loss, [p for p in online.parameters() if p.requires_grad])
        _follow(teacher, online, _momentum(first, step, steps))
        center = 0.5 * center + 0.5 * torch.cat(t).mean(0)
