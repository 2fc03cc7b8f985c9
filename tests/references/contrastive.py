"""Losses with negatives: NT-Xent, InfoNCE with queues, decoupled forms, triplets, uniformity, KoLeo."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus

from .formulas import cosine, cross_entropy, eye, off_diagonal, pairs, unit
from .registry import State, reference, stateful


def _logits_of_others(rows: Tensor, temperature: float | Tensor) -> tuple[Tensor, Tensor]:
    """Similarities / temperature of 2N rows with -inf for the row itself, and those of the positives."""
    s = rows @ rows.T / temperature
    n = len(rows) // 2
    positive = torch.cat([s.diagonal(n), s.diagonal(-n)])
    return s.masked_fill(eye(s).bool(), -torch.inf), positive


@reference("simclr")
@reference("simclr_tf", scale=2.0)
def nt_xent(z: Tensor, temperature: float, *, normalize: bool = True, scale: float = 1.0) -> Tensor:
    """NT-Xent, mean over the 2N anchors (Chen et al. 2020, eq. 1); the authors' TensorFlow code is twice that."""
    rows = (unit(z) if normalize else z).flatten(0, 1)
    others, positive = _logits_of_others(rows, temperature)
    return scale * (others.logsumexp(1) - positive).mean()


@reference("supcon_unsupervised")
def supcon_unsupervised(z: Tensor, temperature: float, base_temperature: float) -> Tensor:
    """SupCon without labels: NT-Xent times temperature / base temperature (Khosla et al. 2020, eq. 2 and their code)."""
    return nt_xent(z, temperature) * temperature / base_temperature


@reference("supcon")
def supcon(z: Tensor, labels: Tensor, temperature: float, base_temperature: float | None = None) -> Tensor:
    """Mean over the anchors of the mean log-probability of their positives (Khosla et al. 2020, eq. 2)."""
    rows = unit(z).flatten(0, 1)
    others, _ = _logits_of_others(rows, temperature)
    label = labels.repeat(len(z))
    positives = off_diagonal((label[:, None] == label[None, :]).to(z.dtype))
    log_probability = (others - others.logsumexp(1, keepdim=True)).masked_fill(eye(others).bool(), 0)
    per_anchor = -(positives * log_probability).sum(1) / positives.sum(1)
    return per_anchor.mean() * (temperature / base_temperature if base_temperature else 1)


@reference("macl")
def macl(z: Tensor, temperature: float, alpha: float, threshold: float, eps: float = 1e-8) -> Tensor:
    """NT-Xent with a temperature from the mean positive cosine and anchors weighted by 1 / (1 - P) (Huang et al. 2023)."""
    rows = unit(z).flatten(0, 1)
    adapted = temperature * (1 + alpha * (cosine(z[0], z[1]).mean().detach() - threshold))
    others, positive = _logits_of_others(rows, adapted)
    entropy = others.logsumexp(1) - positive
    weight = 1 / (1 - torch.exp(-entropy) + eps)
    return (weight.detach() * entropy).mean()


@reference("co2")
def co2(z: Tensor, consistency: float, consistency_temperature: float) -> Tensor:
    """Symmetric KL of the two views' distributions over the other view's rows (Wei et al. 2021)."""
    s = unit(z[0]) @ unit(z[1]).T / consistency_temperature
    p, q = s.log_softmax(1), s.T.log_softmax(1)
    divergence = (p.exp() * (p - q)).sum(1) + (q.exp() * (q - p)).sum(1)
    return consistency / 2 * divergence.mean()


@reference("co2_with_contrast")
def co2_with_contrast(z: Tensor, temperature: float, consistency: float, consistency_temperature: float) -> Tensor:
    """The consistency beside NT-Xent."""
    return nt_xent(z, temperature) + co2(z, consistency, consistency_temperature)


@reference("infonce")
def info_nce(q: Tensor, k: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of row i of q against all rows of k with class i (van den Oord et al. 2018)."""
    s = unit(q) @ unit(k).T / temperature
    return (s.logsumexp(1) - s.diagonal()).mean()


@reference("infonce_oneway")
def info_nce_oneway(z: Tensor, temperature: float) -> Tensor:
    """InfoNCE with the first view as anchors and the second as candidates."""
    return info_nce(z[0], z[1], temperature)


@reference("infonce_symmetric")
def info_nce_both_ways(z: Tensor, temperature: float) -> Tensor:
    """Half the sum of both directions of InfoNCE (Radford et al. 2021, figure 3)."""
    return (info_nce(z[0], z[1], temperature) + info_nce(z[1], z[0], temperature)) / 2


def _push(queue: Tensor, pointer: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """First in, first out: overwrite from the pointer on, around the end."""
    slots = (pointer + torch.arange(len(rows))) % len(queue)
    queue = queue.clone()
    queue[slots] = rows.detach()
    return queue, (pointer + len(rows)) % len(queue)


@stateful("mocov2")
@stateful("mocov2_raw", raw=True)
def moco(state: State, q: Tensor, k: Tensor, temperature: float, *, raw: bool = False) -> tuple[Tensor, State]:
    """(1+K)-way softmax of the positive key against the queue of earlier keys (He et al. 2020, eq. 1); `raw` takes
    unit rows as they are and leaves the key its gradient, as solo-learn's function."""
    q, k = (q, k) if raw else (unit(q), unit(k.detach()))
    positive = (q * k).sum(1, keepdim=True) / temperature
    logits = torch.cat([positive, q @ state["negatives"].T / temperature], dim=1)
    loss = (logits.logsumexp(1) - logits[:, 0]).mean()
    negatives, pointer = _push(state["negatives"], state["pointer"], k)
    return loss, {"negatives": negatives, "pointer": pointer}


@stateful("mocov2plus")
def mocov2plus(state: State, q: Tensor, k: Tensor, temperature: float) -> tuple[Tensor, State]:
    """solo-learn's MoCo v2+: both directions, the queue of a direction holds the keys of its positives' view."""
    loss, queues = torch.zeros((), dtype=q.dtype), [None, None]
    for u, v in pairs(2, 2):
        part, after = moco({**state, "negatives": state["negatives"][v]}, q[u], k[v], temperature)
        loss, queues[v], pointer = loss + part / 2, after["negatives"], after["pointer"]
    return loss, {"negatives": torch.stack(queues), "pointer": pointer}


@reference("mocov3")
def mocov3(q: Tensor, k: Tensor, temperature: float) -> Tensor:
    """2 tau InfoNCE in both directions, summed; keys without gradient (Chen et al. 2021, eq. 1, algorithm 1)."""
    k = k.detach()
    return 2 * temperature * sum(info_nce(q[u], k[v], temperature) for u, v in pairs(2, 2))


@reference("mocov3_spt")
@reference("mocov3_spt_target", detach=True)
def mocov3_spt(q: Tensor, k: Tensor, temperature: float, *, detach: bool = False) -> Tensor:
    """stable-pretraining: mean of both directions without 2 tau; the function itself does not detach the keys."""
    k = k.detach() if detach else k
    return sum(info_nce(q[u], k[v], temperature) for u, v in pairs(2, 2)) / 2


@stateful("nnclr")
def nnclr(state: State, z: Tensor, p: Tensor, temperature: float) -> tuple[Tensor, State]:
    """InfoNCE between the nearest neighbour in the queue and the other view's prediction (Dwibedi et al. 2021)."""
    support, rows = state["support"], unit(z).detach()
    neighbour = support[(rows @ support.T).argmax(-1)]
    loss = sum(info_nce(neighbour[u], p[v], temperature) for u, v in pairs(2, 2)) / 2
    support, pointer = _push(support, state["pointer"], rows[0])
    return loss, {"support": support, "pointer": pointer}


@stateful("ressl")
@stateful("ressl_raw", raw=True)
def ressl(
    state: State,
    q: Tensor,
    k: Tensor,
    student_temperature: float,
    teacher_temperature: float,
    *,
    raw: bool = False,
) -> tuple[Tensor, State]:
    """Cross-entropy of the relations to the queue, teacher to student (Zheng et al. 2021); `raw` takes unit rows as given."""
    q, k = (q, k.detach()) if raw else (unit(q), unit(k.detach()))
    anchors = state["anchors"]
    teacher = (k @ anchors.T / teacher_temperature).softmax(1)
    loss = cross_entropy(teacher, q @ anchors.T / student_temperature)
    anchors, pointer = _push(anchors, state["pointer"], k)
    return loss, {"anchors": anchors, "pointer": pointer}


def _decoupled_partition(z: Tensor, temperature: float) -> Tensor:
    """log of the sum over the 2(N-1) rows of other images, [2N]."""
    rows = unit(z).flatten(0, 1)
    image = torch.arange(len(rows)) % z.shape[1]
    same_image = image[:, None] == image[None, :]
    return (rows @ rows.T / temperature).masked_fill(same_image, -torch.inf).logsumexp(1)


@reference("dcl")
def dcl(z: Tensor, temperature: float) -> Tensor:
    """NT-Xent without the positive in the denominator (Yeh et al. 2022)."""
    return (_decoupled_partition(z, temperature) - cosine(z[0], z[1]).repeat(2) / temperature).mean()


@reference("dclw")
def dclw(z: Tensor, temperature: float, sigma: float) -> Tensor:
    """DCL whose positive is weighted by 2 - N softmax(<a_i, b_i> / sigma), without gradient (Yeh et al. 2022)."""
    positive = cosine(z[0], z[1])
    weight = 2 - len(positive) * (positive / sigma).softmax(0).detach()
    return (_decoupled_partition(z, temperature) - (weight * positive).repeat(2) / temperature).mean()


@reference("directclr")
def directclr(z: Tensor, temperature: float, size: int) -> Tensor:
    """InfoNCE in both directions on the first coordinates of the representation (Jing et al. 2022, and their code)."""
    return info_nce_both_ways(z[..., :size], temperature)


@reference("directclr_lightly")
def directclr_lightly(z: Tensor, temperature: float, size: int) -> Tensor:
    """lightly: NT-Xent on the first coordinates."""
    return nt_xent(z[..., :size], temperature)


@reference("triplet")
def triplet(z: Tensor, margin: float) -> Tensor:
    """Hinge on cosines, one negative per anchor: the next image's third view; mean over all anchors."""
    a, b, n = z[0], z[1], z[2].roll(1, dims=0)
    return (margin + cosine(a, n) - cosine(a, b)).relu().mean()


@reference("triplet_torch")
def triplet_torch(z: Tensor, margin: float, p: float = 2.0, eps: float = 1e-6) -> Tensor:
    """torch's triplet_margin_loss: distances ||x - y + eps||_p of the raw rows."""
    a, b, n = z[0], z[1], z[2].roll(1, dims=0)
    near, far = (a - b + eps).norm(p=p, dim=-1), (a - n + eps).norm(p=p, dim=-1)
    return (margin + near - far).relu().mean()


def _distances(rows: Tensor, metric: str) -> Tensor:
    """[row, row'] distances: 1 - cosine, or Euclidean of the raw rows."""
    if metric == "cosine":
        return 1 - unit(rows) @ unit(rows).T
    squared = (rows[:, None, :] - rows[None, :, :]).square().sum(-1)
    return (squared + eye(squared)).sqrt() * (1 - eye(squared))


def _reduce_hinge(violation: Tensor, counted: Tensor, *, smooth: bool, active: bool) -> Tensor:
    """Mean of relu or softplus over the counted triplets, or over those of them that are not zero."""
    loss = (softplus(violation) if smooth else violation.relu())[counted]
    return loss.sum() / ((loss > 0).sum().clamp(min=1) if active else loss.numel())


@reference("triplet_all")
def triplet_all(
    z: Tensor, margin: float, *, metric: str = "cosine", active: bool = True, swap: bool = False, smooth: bool = False
) -> Tensor:
    """All triplets of the 2N rows (pytorch-metric-learning): the positive is the other view, the negatives are other images."""
    rows = z.flatten(0, 1)
    d = _distances(rows, metric)
    n = z.shape[1]
    partner = (torch.arange(2 * n) + n) % (2 * n)
    to_negative = torch.minimum(d, d[partner]) if swap else d
    violation = d[torch.arange(2 * n), partner][:, None] - to_negative + margin
    image = torch.arange(2 * n) % n
    return _reduce_hinge(violation, image[:, None] != image[None, :], smooth=smooth, active=active)


@reference("triplet_labels")
def triplet_labels(z: Tensor, labels: Tensor, margin: float) -> Tensor:
    """All triplets (a, p, n) with label a = label p != label n and a != p; mean over those that are not zero."""
    d = _distances(z, "cosine")
    equal = labels[:, None] == labels[None, :]
    counted = (equal & ~eye(d).bool())[:, :, None] & ~equal[:, None, :]
    return _reduce_hinge(d[:, :, None] - d[:, None, :] + margin, counted, smooth=False, active=True)


@reference("align_uniform")
def align_uniform(z: Tensor, t: float, uniformity: float, alpha: float = 2.0) -> Tensor:
    """Mean ||x - y||^alpha plus the log of the mean Gaussian potential of all pairs (Wang & Isola 2020)."""
    u = unit(z)
    align = (u[0] - u[1]).square().sum(-1).pow(alpha / 2).mean()
    potentials = [torch.pdist(view).square().mul(-t).exp().mean().log() for view in u]
    return align + uniformity * sum(potentials) / len(potentials)


@reference("koleo")
def koleo(z: Tensor, spread: float = 1.0, eps: float = 1e-8) -> Tensor:
    """-mean log of the distance to the nearest other row, unit rows (Sablayrolles et al. 2019; DINOv2's eps)."""
    per_view = []
    for u in unit(z):
        nearest = (u @ u.T).detach().fill_diagonal_(-2).argmax(1)
        per_view.append(-((u - u[nearest] + eps).norm(dim=-1) + eps).log().mean())
    return spread * sum(per_view) / len(per_view)


@reference("koleo_with_alignment")
def koleo_with_alignment(z: Tensor, spread: float) -> Tensor:
    """The term beside the cosine of the two views."""
    return -cosine(z[0], z[1]).mean() + koleo(z, spread)
