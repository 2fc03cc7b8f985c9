"""Cross-entropies between a teacher's and a student's assignments: DINO, iBOT, SwAV, DeepCluster-v2, MSN."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .formulas import cross_entropy, pairs, unit
from .registry import State, reference, stateful


def _after(center: Tensor, rows: Tensor, momentum: float) -> Tensor:
    """The center after a batch of teacher rows [..., prototype]."""
    return momentum * center + (1 - momentum) * rows.detach().flatten(0, -2).mean(0)


@stateful("dino")
def dino(
    state: State, s: Tensor, t: Tensor, student_temperature: float, teacher_temperature: float, momentum: float
) -> tuple[Tensor, State]:
    """Mean over the pairs of different views of H(softmax((t - c) / tau_t), softmax(s / tau_s)); c moves after the loss
    (Caron et al. 2021, eq. 3-4)."""
    q = ((t.detach() - state["center"]) / teacher_temperature).softmax(-1)
    every = pairs(len(t), len(s))
    loss = sum(cross_entropy(q[u], s[v] / student_temperature) for u, v in every) / len(every)
    return loss, {"center": _after(state["center"], t, momentum)}


@stateful("dino_spt")
def dino_spt(
    state: State, s: Tensor, t: Tensor, student_temperature: float, teacher_temperature: float, momentum: float
) -> tuple[Tensor, State]:
    """stable-pretraining: no center in the first call, then the first batch mean instead of (1 - m) of it."""
    loss, after = dino(state, s, t, student_temperature, teacher_temperature, momentum)
    if not state["center"].any():
        after = {"center": _after(state["center"], t, 0.0)}
    return loss, after


def sinkhorn(scores: Tensor, epsilon: float, iterations: int) -> Tensor:
    """Codes [sample, prototype]: equal mass per prototype, then per sample, repeated (Caron et al. 2020, eq. 3-5)."""
    q = torch.exp(scores.detach() / epsilon)
    q = q / q.sum()
    for _ in range(iterations):
        q = q / q.sum(0, keepdim=True) / q.shape[1]
        q = q / q.sum(1, keepdim=True) / q.shape[0]
    return q / q.sum(1, keepdim=True)


@reference("dinov2_sinkhorn")
def dinov2_sinkhorn(
    s: Tensor, t: Tensor, student_temperature: float, teacher_temperature: float, iterations: int
) -> Tensor:
    """DINOv2: codes by Sinkhorn over the rows of both views, cross-entropies summed over all pairs, equal views too."""
    q = sinkhorn(t.flatten(0, 1), teacher_temperature, iterations).unflatten(0, t.shape[:2])
    return sum(cross_entropy(u, v / student_temperature) for u in q for v in s)


@stateful("ibot")
def ibot(
    state: State,
    s: Tensor,
    t: Tensor,
    mask: Tensor,
    student_temperature: float,
    teacher_temperature: float,
    momentum: float,
) -> tuple[Tensor, State]:
    """Masked tokens in mask order: token cross-entropy averaged per image, then over images (Zhou et al. 2022)."""
    counts = mask.flatten(1).sum(1)
    weight = (1 / counts.to(s.dtype)).repeat_interleave(counts)
    q = ((t.detach() - state["center"]) / teacher_temperature).softmax(-1)
    tokens = -(q * (s / student_temperature).log_softmax(-1)).sum(-1)
    return (weight * tokens).sum() / len(mask), {"center": _after(state["center"], t, momentum)}


@reference("ibot_full")
def ibot_full(
    s: Tensor, t: Tensor, mask: Tensor, student_temperature: float, teacher_temperature: float, visible: float = 0.0
) -> Tensor:
    """All tokens given: mean over images of the masked tokens' mean plus `visible` times the visible tokens' mean."""
    masked = mask.flatten(1).to(s.dtype)
    q = (t.detach() / teacher_temperature).softmax(-1)
    tokens = -(q * (s / student_temperature).log_softmax(-1)).sum(-1)
    mean = lambda m: ((tokens * m).sum(1) / m.sum(1)).mean()  # noqa: E731
    return mean(masked) + visible * mean(1 - masked)


@reference("swav")
def swav(
    scores: Tensor, temperature: float, epsilon: float, iterations: int = 3, earlier: Tensor | None = None
) -> Tensor:
    """Codes of each of the two global views against the scores of every other view (Caron et al. 2020, eq. 1-2);
    `earlier` are the scores of queued embeddings, which share the codes' balance."""
    n, others = scores.shape[1], len(scores) - 1
    loss = torch.zeros((), dtype=scores.dtype)
    for u, v in pairs(2, len(scores)):
        rows = scores[u] if earlier is None else torch.cat([earlier[u], scores[u]])
        codes = sinkhorn(rows, epsilon, iterations)[-n:]
        loss = loss + cross_entropy(codes, scores[v] / temperature) / (2 * others)
    return loss


@reference("swav_joint")
def swav_joint(z: Tensor, codebook: Tensor, temperature: float, epsilon: float, iterations: int = 3) -> Tensor:
    """stable-pretraining: one Sinkhorn over the rows of both views, unit prototypes."""
    scores = unit(z) @ unit(codebook.detach()).T
    codes = sinkhorn(scores.flatten(0, 1), epsilon, iterations).unflatten(0, scores.shape[:2])
    return sum(cross_entropy(codes[u], scores[v] / temperature) for u, v in pairs(2, 2)) / 2


@reference("deepcluster_heads")
def deepcluster_heads(scores: Tensor, assignments: Tensor, temperature: float) -> Tensor:
    """Mean over heads of the cross-entropy of [head, view, batch, prototype] with the cluster of the image, -1 ignored
    (Caron et al. 2020)."""
    heads = []
    for head, cluster in zip(scores, assignments, strict=True):
        log_probability = (head / temperature).log_softmax(-1)
        known = cluster >= 0
        chosen = log_probability[:, known].gather(-1, cluster[known].expand(len(head), -1)[..., None])
        heads.append(-chosen.mean())
    return sum(heads) / len(heads)


def _clusters(rows: Tensor, count: int, iterations: int) -> Tensor:
    """Spherical k-means from rows spread evenly over the images: sums of the unit rows of largest cosine, at unit length."""
    rows = unit(rows)
    centers = torch.stack([rows[k * len(rows) // count % len(rows)] for k in range(count)])
    for _ in range(iterations):
        chosen = (rows @ centers.T).argmax(1)
        for k in range(count):
            if (chosen == k).any():
                centers[k] = unit(rows[chosen == k].sum(0))
    return centers


@stateful("deepcluster2")
def deepcluster2(
    state: State, z: Tensor, rows: Tensor, temperature: float, per_epoch: int, iterations: int = 10
) -> tuple[Tensor, State]:
    """Three heads of centroids, of view a, b and a: the cross-entropy of every view with the cluster of the image's embedding
    of its last visit; clusters are found anew after every epoch (Caron et al. 2020)."""
    e, stored, step = unit(z), state["stored"].clone(), state["step"] + 1
    centers = [state[f"c{head}"] for head in (1, 2, 3)]
    known = [stored[rows, view] for view in (0, 1, 0)]
    assigned = torch.stack([(old @ c.T).argmax(1) for old, c in zip(known, centers, strict=True)])
    loss = deepcluster_heads(torch.stack([e @ c.T for c in centers]), assigned, temperature)
    stored[rows] = e.detach().transpose(0, 1)
    if step % per_epoch == 0:
        centers = [_clusters(stored[:, view], len(centers[0]), iterations) for view in (0, 1, 0)]
    return loss, {"stored": stored, "step": step, **{f"c{i}": c for i, c in enumerate(centers, start=1)}}


def _msn(
    z: Tensor, t: Tensor, codebook: Tensor, temperature: float, sharpen: float, iterations: int
) -> tuple[Tensor, Tensor]:
    """(mean cross-entropy, mean anchor probability) of MSN."""
    anchors = unit(codebook)
    logits = unit(z) @ anchors.T / temperature
    target = (unit(t) @ anchors.T / temperature).detach().softmax(-1) ** (1 / sharpen)
    target = target / target.sum(-1, keepdim=True)
    if iterations:
        target = sinkhorn(target.log(), 1.0, iterations)
    match = sum(cross_entropy(target, view) for view in logits) / len(logits)
    return match, logits.softmax(-1).mean((0, 1))


@reference("msn")
def msn(
    z: Tensor, t: Tensor, codebook: Tensor, temperature: float, sharpen: float, entropy: float, iterations: int = 0
) -> Tensor:
    """Sharpened targets against the anchors' assignments, minus the entropy of their mean (Assran et al. 2022)."""
    match, average = _msn(z, t, codebook, temperature, sharpen, iterations)
    return match + entropy * (math.log(len(average)) + (average * average.log()).sum())


@reference("pmsn")
def pmsn(
    z: Tensor,
    t: Tensor,
    codebook: Tensor,
    temperature: float,
    sharpen: float,
    entropy: float,
    exponent: float,
    iterations: int = 0,
) -> Tensor:
    """MSN whose mean assignment follows a power law (Assran et al. 2023)."""
    match, average = _msn(z, t, codebook, temperature, sharpen, iterations)
    prior = torch.arange(1, len(average) + 1, dtype=z.dtype) ** -exponent
    prior = prior / prior.sum()
    return match + entropy * (prior * (prior.log() - average.log())).sum()
