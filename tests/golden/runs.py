"""How every golden case is run: on which spec, with what parameters, inputs, state and small changes to the spec.

The first row whose pattern matches the name of a case describes it. The same inputs go to the hand-written reference
and to the compiled spec, so one row proves both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from tests.golden.cases import Case

__all__ = ["Run", "run_of"]

Leaves: TypeAlias = dict[str, Tensor]
Call: TypeAlias = dict[str, Tensor]
States: TypeAlias = dict[str, list[np.ndarray | None]]

TRIPLES = "needs a value for every three rows; an axis has two copies"


@dataclass(frozen=True)
class Run:
    """A golden case in the terms of a spec.

    Attributes:
        inputs: the arguments of every successive call, from the leaves of the case.
        reference: the row of `tests.references` that computes it.
        spec: the shipped method; empty where there is none.
        hyper: parameters of spec and reference alike; `reference_hyper` and `spec_hyper` are those of one of them.
        per_call: parameters of the reference that change from call to call.
        overlay: what a file extending the spec replaces (views, networks, definitions, terms).
        reference_inputs: the reference's own inputs where they are not those of the spec.
        weights: networks inside the loss -> the argument that holds their weights (an input of the reference).
        directions: the argument that replaces the random directions (an input of the reference).
        state: values before the first call, by their name in the spec.
        images: how many images a memory holds; the batch is all of them, in order.
        after: values after each call (None: not given).
        scale: the golden loss is `scale` times the sum of the calls.
        term: the golden loss is this term alone.
        detached: arguments that get a gradient from the source and none from the spec, with the reason.
        rtol: relative tolerance where the source itself computes with float32 numbers.
        file: a method of `tests/golden/methods` in place of `spec`: its labels or weights are inputs that no network gives.
        missing: why the language cannot say it, where it is neither.
    """

    inputs: Callable[[Leaves], list[Call]]
    reference: str
    spec: str = ""
    hyper: dict[str, Any] = field(default_factory=dict)
    reference_hyper: dict[str, Any] = field(default_factory=dict)
    spec_hyper: dict[str, Any] = field(default_factory=dict)
    per_call: dict[str, list[float]] = field(default_factory=dict)
    overlay: dict[str, Any] = field(default_factory=dict)
    reference_inputs: Callable[[Leaves], list[Call]] | None = None
    weights: dict[str, str] = field(default_factory=dict)
    directions: str = ""
    state: dict[str, np.ndarray] = field(default_factory=dict)
    images: int | None = None
    after: States = field(default_factory=dict)
    scale: float = 1.0
    term: str = ""
    detached: dict[str, str] = field(default_factory=dict)
    rtol: float | None = None
    file: str = ""
    missing: str = ""


ROWS: list[tuple[str, Callable[[Case], Run]]] = []


def row(*patterns: str) -> Callable[[Callable[[Case], Run]], Callable[[Case], Run]]:
    """Enter a description for the cases whose names match."""

    def enter(describe: Callable[[Case], Run]) -> Callable[[Case], Run]:
        ROWS.extend((pattern, describe) for pattern in patterns)
        return describe

    return enter


def run_of(case: Case) -> Run:
    """The description of a case."""
    return next(describe(case) for pattern, describe in ROWS if fnmatchcase(case.name, pattern))


def stacked(**inputs: str) -> Callable[[Leaves], list[Call]]:
    """One call whose inputs are arguments stacked as views: stacked(z="z1 z2")."""
    return lambda leaves: [
        {name: torch.stack([leaves[argument] for argument in views.split()]) for name, views in inputs.items()}
    ]


def single(**inputs: str) -> Callable[[Leaves], list[Call]]:
    """One call whose inputs are arguments as they are: single(q="q", k="k")."""
    return lambda leaves: [{name: leaves[argument] for name, argument in inputs.items()}]


def successive(calls: int, **inputs: str) -> Callable[[Leaves], list[Call]]:
    """Several calls: every argument has a leading axis of calls; several arguments are stacked as views."""

    def value(leaves: Leaves, c: int, views: str) -> Tensor:
        parts = [leaves[argument][c] for argument in views.split()]
        return torch.stack(parts) if len(parts) > 1 else parts[0]

    return lambda leaves: [{name: value(leaves, c, views) for name, views in inputs.items()} for c in range(calls)]


def one_hot(labels: Tensor) -> Tensor:
    """[batch, class]: 1 at the class of every row; classes are those that there are."""
    return torch.nn.functional.one_hot(labels.unique(return_inverse=True)[1]).double()


def views(**groups: int) -> dict[str, Any]:
    """An overlay with other views; groups of none are left out."""
    return {"views": {name: count for name, count in groups.items() if count}}


def renamed(hyper: dict[str, Any], **names: str) -> dict[str, Any]:
    """Some hyperparameters under the names of the spec: renamed(hyper, variance="std_coeff")."""
    return {ours: hyper[theirs] for ours, theirs in names.items()}


# ---------------------------------------------------------------- negatives from the batch


@row("ntxent.htdt.nonorm*")
def _(case: Case) -> Run:
    define = {"s": "dot(z, z, pairs=[view, batch]) / temperature", "others": "not (same(view) and same(batch))"}
    contrast = "mean(logsumexp(s, over=[view', batch'], where=others)) - mean(s, where=same(batch) and not same(view))"
    return Run(
        stacked(z="z1 z2"),
        "simclr",
        "simclr",
        renamed(case.hyper, temperature="temperature"),
        reference_hyper={"normalize": False},
        overlay={"define": define, "objective": {"contrast": contrast}},
    )


@row("ntxent.*")
def _(case: Case) -> Run:
    return Run(stacked(z="z1 z2"), "simclr", "simclr", case.hyper)


@row("supcon.supcon.unsup*")
def _(case: Case) -> Run:
    return Run(stacked(z="z1 z2"), "supcon_unsupervised", "supcon_unsupervised", case.hyper)


@row("supcon.*")
def _(case: Case) -> Run:
    both = lambda leaves: torch.stack([leaves["z1"], leaves["z2"]])  # noqa: E731
    return Run(
        lambda leaves: [{"z": both(leaves), "y": one_hot(leaves["labels"])}],
        "supcon",
        file="supcon",
        reference_inputs=lambda leaves: [{"z": both(leaves), "labels": leaves["labels"]}],
        reference_hyper=case.hyper,
        spec_hyper={"base_temperature": case.hyper["temperature"], **case.hyper},
    )


@row("infonce.pml*")
def _(case: Case) -> Run:
    hyper = renamed(case.hyper, temperature="temperature")
    return Run(stacked(z="z1 z2"), "infonce_oneway", "infonce_oneway", hyper)


@row("infonce.spt.clip*")
def _(case: Case) -> Run:
    return Run(stacked(z="z1 z2"), "infonce_symmetric", "infonce_symmetric", case.hyper)


@row("dcl.*", "dclw.*")
def _(case: Case) -> Run:
    return Run(stacked(z="z1 z2"), case.method, case.method, case.hyper)


@row("directclr.*")
def _(case: Case) -> Run:
    hyper = renamed(case.hyper, temperature="temperature", size="loss_dim")
    return Run(stacked(z="z1 z2"), "directclr_lightly", "directclr_lightly", hyper)


@row("macl.*")
def _(case: Case) -> Run:
    hyper = renamed(case.hyper, temperature="temperature", alpha="alpha", threshold="A_0")
    return Run(stacked(z="z1 z2"), "macl", "macl", hyper)


@row("co2.*")
def _(case: Case) -> Run:
    hyper = renamed(case.hyper, consistency="alpha", consistency_temperature="t_consistency")
    return Run(stacked(z="z1 z2"), "co2", "co2", hyper, term="consistency")


@row("triplet.torch.cosdist*")
def _(case: Case) -> Run:
    return Run(stacked(z="anchor positive negative"), "triplet", "triplet", renamed(case.hyper, margin="margin"))


@row("triplet.torch*")
def _(case: Case) -> Run:
    hyper = renamed(case.hyper, margin="margin", p="p", eps="eps")
    return Run(stacked(z="anchor positive negative"), "triplet_torch", "triplet_torch", hyper)


@row("triplet.pml.labels*")
def _(case: Case) -> Run:
    hyper = renamed(case.hyper, margin="margin")
    return Run(single(z="z1", labels="labels"), "triplet_labels", reference_hyper=hyper, missing=TRIPLES)


@row("triplet.pml*")
def _(case: Case) -> Run:
    euclidean, active = case.hyper["distance"] == "l2", case.hyper["reducer"] == "AvgNonZeroReducer"
    swap, smooth = case.hyper.get("swap", False), case.hyper.get("smooth_loss", False)
    define = {}
    if euclidean:
        rows = "sum(z^2, over=feature) + dot(0 * z + 1, z^2, pairs=[view, batch])"
        define["distance"] = f"sqrt(relu({rows} - 2 * dot(z, z, pairs=[view, batch])))"
    if swap:  # with two views, the distances of the positive are those of the anchor with the views exchanged
        define["hinge"] = "relu(near - minimum(distance, roll(distance, 1, over=view)) + margin)"
    if smooth:
        define["hinge"] = "softplus(near - distance + margin)"
    objective = {} if active else {"triplet": "mean(hinge, where=not same(batch))"}
    return Run(
        stacked(z="z1 z2"),
        "triplet_all",
        "triplet_all",
        renamed(case.hyper, margin="margin"),
        reference_hyper={"metric": case.hyper["distance"], "active": active, "swap": swap, "smooth": smooth},
        overlay={key: value for key, value in (("define", define), ("objective", objective)) if value},
    )


@row("align_uniform.*")
def _(case: Case) -> Run:
    hyper = renamed(case.hyper, t="t", alpha="alpha", uniformity="lam")
    return Run(stacked(z="z1 z2"), "align_uniform", "align_uniform", hyper)


@row("koleo.*")
def _(case: Case) -> Run:
    return Run(stacked(z="z1 z1"), "koleo", "koleo", {"spread": 1}, term="spread")


# ---------------------------------------------------------------- queues


@row("nnclr.*")
def _(case: Case) -> Run:
    neighbours = case.inputs["nn_"]
    support = neighbours / np.linalg.norm(neighbours, axis=1, keepdims=True)
    return Run(
        stacked(z="nn_ nn_", p="p p"),
        "infonce",
        "nnclr",
        case.hyper,
        reference_inputs=single(q="nn_", k="p"),
        spec_hyper={"queue": len(support)},
        state={"support": support},
        detached={"nn_": "neighbours are rows of the queue, which carry no gradient"},
    )


def _queue_after(case: Case, calls: int) -> States:
    """The queue after the last call, rows first, where the case stores it."""
    for name, rows_first in (("queue_after", False), ("bank_after", True)):
        if name in case.outputs:
            queue = case.outputs[name] if rows_first else case.outputs[name].T
            return {"negatives": [None] * (calls - 1) + [queue]}
    return {}


def _moco(case: Case, inputs: Callable[[Leaves], list[Call]], calls: int) -> Run:
    negatives = case.inputs["queue"].T
    return Run(
        inputs,
        "mocov2",
        "mocov2",
        {"temperature": case.hyper["T"] if "T" in case.hyper else case.hyper["temperature"]},
        spec_hyper={"queue": len(negatives)},
        state={"negatives": negatives},
        after=_queue_after(case, calls),
    )


@row("moco.*.seq3.*")
def _(case: Case) -> Run:
    return _moco(case, successive(3, q="z1", k="z2"), 3)


@row("moco.solo*")
def _(case: Case) -> Run:
    negatives = case.inputs["queue"].T
    define = {
        "k": "projector(encoder(x[key]))",
        "positive": "dot(q, k) / temperature",
        "others": "logsumexp(dot(q, negatives) / temperature, over=queue)",
    }
    return Run(
        single(q="q", k="k"),
        "mocov2_raw",
        "mocov2",
        case.hyper,
        spec_hyper={"queue": len(negatives)},
        overlay={"parameters": {"momentum": None}, "networks": {"target": None}, "define": define},
        state={"negatives": negatives},
    )


@row("moco.*")
def _(case: Case) -> Run:
    return _moco(case, single(q="q", k="k"), 1)


@row("ressl.*")
def _(case: Case) -> Run:
    anchors = case.inputs["queue"].T
    define = {
        "teacher": "softmax(dot(k, anchors) / teacher_temperature, over=queue)",
        "student": "log_softmax(dot(q, anchors) / student_temperature, over=queue)",
    }
    return Run(
        single(q="q", k="k"),
        "ressl_raw",
        "ressl",
        renamed(case.hyper, student_temperature="temperature_q", teacher_temperature="temperature_k"),
        spec_hyper={"queue": len(anchors)},
        overlay={"define": define},
        state={"anchors": anchors},
    )


@row("mocov3.*")
def _(case: Case) -> Run:
    name = "mocov3_spt" if ".spt." in case.name else "mocov3"
    overlay: dict[str, Any] = {}
    if name == "mocov3_spt":  # the function leaves the keys their gradient
        online = {"momentum": None}, {"target": None}, {"k": "projector(encoder(x))"}
        overlay = dict(zip(("parameters", "networks", "define"), online, strict=True))
    temperature = case.hyper["T"] if "T" in case.hyper else case.hyper["temperature"]
    return Run(stacked(q="q1 q2", k="k1 k2"), name, name, {"temperature": temperature}, overlay=overlay)


# ---------------------------------------------------------------- predictors and targets


@row("simsiam.lightly.6x4", "simsiam.lightly.coll8x16")
def _(case: Case) -> Run:
    return Run(stacked(p="p1 p2", z="z1 z2"), "simsiam_no_stopgrad", "simsiam_no_stopgrad")


@row("simsiam.*.oneway.*")
def _(case: Case) -> Run:
    return Run(stacked(p="p p", z="z z"), "simsiam", "simsiam")


@row("simsiam.*")
def _(case: Case) -> Run:
    return Run(stacked(p="p1 p2", z="z1 z2"), "simsiam", "simsiam")


@row("byol.spt.oneway*", "byol.htdt.oneway*")
def _(case: Case) -> Run:
    return Run(stacked(p="p p", z="z z"), "byol_attached", "byol_no_ema", overlay={"define": {"t": "z"}}, scale=0.5)


@row("byol.*.oneway*")
def _(case: Case) -> Run:
    return Run(stacked(p="p p", t="z z"), "byol", "byol", scale=0.5)


@row("byol.*")
def _(case: Case) -> Run:
    return Run(stacked(p="p1 p2", t="z1 z2"), "byol", "byol")


# ---------------------------------------------------------------- assignments


def _dino(case: Case, name: str, seen: int, after: States, **options: Any) -> Run:
    temperatures = case.hyper["teacher_temp_per_call"]
    overlay: dict[str, Any] = views(**{"global": 2, "local": seen - 2})
    hyper = renamed(case.hyper, student_temperature="student_temp")
    spec_hyper = {"teacher_temperature": temperatures[0]}
    if len(set(temperatures)) > 1:
        schedule = f"linear({temperatures[0]}, {temperatures[-1]}, steps={len(temperatures) - 1})"
        overlay["parameters"], spec_hyper = {"teacher_temperature": schedule}, {}
    return Run(
        lambda leaves: [{"s": leaves["student"][c, :seen], "t": leaves["teacher"][c]} for c in range(3)],
        name,
        name,
        {**hyper, **options.pop("hyper", {})},
        spec_hyper={**spec_hyper, **options.pop("spec_hyper", {})},
        per_call={"teacher_temperature": temperatures},
        overlay=overlay,
        after=after,
        **options,
    )


def _views_seen(case: Case) -> int:
    return next(case.hyper[name] for name in ("ncrops", "views", "num_large_crops") if name in case.hyper)


@row("dino.fb_dinov2*")
def _(case: Case) -> Run:
    hyper = {"iterations": case.hyper["sinkhorn_iterations"]}
    return _dino(case, "dinov2_sinkhorn", _views_seen(case), {}, hyper=hyper)


@row("dino.*")
def _(case: Case) -> Run:
    name = "dino_spt" if ".spt." in case.name else "dino"
    centers = case.outputs["center"] if name == "dino" else case.outputs["center_used_then_final"][1:]
    momentum = case.hyper["center_momentum"]
    return _dino(
        case,
        name,
        _views_seen(case),
        {"center": list(centers)},
        reference_hyper={"momentum": momentum},
        spec_hyper={"center_momentum": momentum},
        state={"center": np.zeros(centers.shape[1])} if name == "dino" else {},
    )


@row("ibot.*.full*", "ibot.*.pp*")
def _(case: Case) -> Run:
    """All tokens are given: those that are not masked weigh nothing, or less."""
    visible = case.hyper.get("visible_loss_weight", 0.0)
    masked = torch.tensor(case.inputs["mask"]).flatten(1)
    weight = _shares(masked) + visible * _shares(~masked)
    return Run(
        lambda leaves: [{n: leaves[n].flatten(0, -2) for n in "st"} | {"w": weight.flatten().unsqueeze(-1)}],
        "ibot_full",
        file="ibot",
        hyper=renamed(case.hyper, student_temperature="student_temp", teacher_temperature="teacher_temp"),
        reference_inputs=single(s="s", t="t", mask="mask"),
        reference_hyper={"visible": visible},
    )


def _shares(of: Tensor) -> Tensor:
    """[image, token]: what each of these tokens weighs in the mean over images of the mean over an image's."""
    return of.double() / of.sum(1, keepdim=True) / len(of)


@row("ibot.*")
def _(case: Case) -> Run:
    masked = torch.tensor(case.inputs["mask"]).flatten(1)
    weight = _shares(masked)[masked].unsqueeze(-1)
    given = lambda leaves, **more: [{n: leaves[n][c] for n in "st"} | more for c in range(2)]  # noqa: E731
    return Run(
        lambda leaves: given(leaves, w=weight),
        "ibot",
        file="ibot",
        hyper=renamed(case.hyper, student_temperature="student_temp", teacher_temperature="teacher_temp"),
        reference_inputs=lambda leaves: given(leaves, mask=leaves["mask"]),
        reference_hyper={"momentum": case.hyper["center_momentum"]},
        spec_hyper={"center_momentum": case.hyper["center_momentum"]},
        state={"center": np.zeros(case.inputs["s"].shape[-1])},
        after={"center": list(case.outputs["center"])},
    )


@row("swav.spt*")
def _(case: Case) -> Run:
    weight = case.inputs["weight"]
    return Run(
        stacked(z="z1 z2"),
        "swav_joint",
        "swav_joint",
        renamed(case.hyper, temperature="temperature", epsilon="epsilon", iterations="sinkhorn_iterations"),
        spec_hyper={"prototypes": len(weight)},
        reference_inputs=lambda leaves: [{**stacked(z="z1 z2")(leaves)[0], "codebook": leaves["weight"]}],
        state={"codebook": weight / np.linalg.norm(weight, axis=1, keepdims=True)},
    )


@row("swav.*")
def _(case: Case) -> Run:
    seen, prototypes = case.hyper["views"], case.inputs["scores"].shape[-1]
    hyper = renamed(case.hyper, temperature="temperature", epsilon="epsilon", iterations="sinkhorn_iterations")
    overlay = views(**{"global": 2, "local": seen - 2})
    overlay["define"] = {
        "e": "z"
    }  # scores come in; those of queued rows are the rows, by prototypes of an identity matrix
    spec_hyper, state = {"prototypes": prototypes}, {"codebook": np.eye(prototypes)}
    reference_inputs = lambda leaves: [{"scores": leaves["scores"][:seen]}]  # noqa: E731
    if "queue_scores" in case.inputs:
        earlier = case.inputs["queue_scores"]
        spec_hyper |= {"queue": earlier.shape[1], "start": 0}
        state["earlier"] = earlier
        reference_inputs = lambda leaves: [{"scores": leaves["scores"][:seen], "earlier": leaves["queue_scores"]}]  # noqa: E731
    return Run(
        lambda leaves: [dict.fromkeys(("z", "scores"), leaves["scores"][:seen])],
        "swav",
        "swav",
        hyper,
        spec_hyper=spec_hyper,
        overlay=overlay,
        reference_inputs=reference_inputs,
        state=state,
    )


@row("deepclusterv2.*")
def _(case: Case) -> Run:
    """Both heads' logits side by side are the embedding; centroids and memory make scores and assignments of them."""
    _, views, images, clusters = case.inputs["outputs"].shape
    eye, zero = np.eye(clusters), np.zeros((clusters, clusters))
    one_hot = np.concatenate([eye[assigned] for assigned in case.inputs["assignments"]], axis=1)
    distill = "mean(cross_entropy({q}, log_softmax(dot(e[v], {c}) / temperature, over=prototype)) for v in views) / 2"
    overlay = {
        "views": dict.fromkeys("abc"[:views], 1),
        "define": {
            "e": "z",
            "c1": "centroids(stored[a], count=prototypes, iterations=10)",
            "c2": "centroids(stored[b], count=prototypes, iterations=10)",
            "c3": None,
            "q1": "argmax(dot(stored[a], c1), over=prototype)",
            "q2": "argmax(dot(stored[b], c2), over=prototype)",
            "q3": None,
        },
        "objective": {
            "head1": distill.format(q="q1", c="c1"),
            "head2": distill.format(q="q2", c="c2"),
            "head3": None,
        },
    }
    return Run(
        lambda leaves: [{"z": leaves["outputs"].permute(1, 2, 0, 3).flatten(2)}],
        "deepcluster_heads",
        "deepcluster2",
        case.hyper,
        spec_hyper={"prototypes": clusters},
        overlay=overlay,
        reference_inputs=single(scores="outputs", assignments="assignments"),
        state={
            "stored": np.stack([one_hot] * views, axis=1),
            "c1": np.concatenate([eye, zero], axis=1),
            "c2": np.concatenate([zero, eye], axis=1),
        },
        images=images,
    )


def _msn(case: Case) -> dict[str, Any]:
    weight = next(case.hyper[name] for name in ("regularization_weight", "me_max_weight") if name in case.hyper)
    sharpen = case.hyper["T"] if "T" in case.hyper else case.hyper["target_sharpen_temperature"]
    return {"temperature": case.hyper["temperature"], "sharpen": sharpen, "entropy": weight}


def _anchors(leaves: Leaves) -> list[Call]:
    return [{"z": leaves["anchors"].unflatten(0, (2, -1)), "t": leaves["targets"]}]


@row("msn.*")
def _(case: Case) -> Run:
    iterations = case.hyper["sinkhorn_iterations"]
    hyper = _msn(case) | ({"iterations": iterations} if iterations else {})
    return Run(
        _anchors,
        "msn",
        "msn_sinkhorn" if iterations else "msn",
        hyper,
        spec_hyper={"prototypes": len(case.inputs["prototypes"])},
        overlay=views(target=1, masked=1, focal=1),
        weights={"codebook": "prototypes"},
    )


@row("pmsn.*")
def _(case: Case) -> Run:
    return Run(
        _anchors,
        "pmsn",
        "pmsn",
        _msn(case) | renamed(case.hyper, iterations="sinkhorn_iterations", exponent="power_law_exponent"),
        spec_hyper={"prototypes": len(case.inputs["prototypes"])},
        overlay=views(target=1, masked=1, focal=1),
        weights={"codebook": "prototypes"},
    )


# ---------------------------------------------------------------- second moments


@row("barlow.*")
def _(case: Case) -> Run:
    name = {"solo": "barlow_solo", "spt": "barlow_spt"}.get(case.name.split(".")[1], "barlow")
    hyper = renamed(case.hyper, redundancy="lambd")
    if name == "barlow_solo":
        hyper["scale"] = case.hyper["scale_loss"]
    return Run(stacked(z="z1 z2"), name, name, hyper)


@row("vicreg.*")
def _(case: Case) -> Run:
    source = case.name.split(".")[1]
    name = {"solo": "vicreg_solo", "fb_vicregl": "vicregl_global"}.get(source, "vicreg")
    hyper = renamed(case.hyper, invariance="sim_coeff", variance="std_coeff", covariance="cov_coeff")
    overlay = views(**{"global": 2}) if name == "vicregl_global" else {}
    return Run(stacked(z="z1 z2"), name, name, hyper, overlay=overlay)


@row("vibcreg.*")
def _(case: Case) -> Run:
    hyper = renamed(case.hyper, invariance="sim", variance="var", covariance="cov")
    return Run(stacked(z="z1 z2"), "vibcreg", "vibcreg", hyper)


@row("tico.*")
def _(case: Case) -> Run:
    name = {"lightly": "tico_lightly", "spt": "tico_spt"}.get(case.name.split(".")[1], "tico")
    calls = case.hyper["calls"]
    size = case.inputs["z1"].shape[-1]
    return Run(
        successive(calls, z="z1 z2") if name == "tico_spt" else successive(calls, z="z1", t="z2"),
        name,
        name,
        renamed(case.hyper, redundancy="rho", beta="beta"),
        state={"c": np.zeros((size, size))},
        after={"c": list(case.outputs["C"])},
    )


def _permuted(leaves: Leaves) -> list[Call]:
    """One call per given permutation of the rows, or one on the rows as they are."""
    both = torch.stack([leaves["z1"], leaves["z2"]])
    orders = [leaves[name] for name in ("perm", "perm2") if name in leaves]
    return [{"z": both[:, order]} for order in orders] or [{"z": both}]


@row("wmse.spt*")
def _(case: Case) -> Run:
    return Run(stacked(z="z1 z2"), "wmse_spt", "wmse_spt", renamed(case.hyper, floor="eps"))


@row("wmse.*")
def _(case: Case) -> Run:
    name = "wmse_solo" if ".solo." in case.name else "wmse"
    second = "stopgrad(whiten(z[b], shrink))" if name == "wmse_solo" else "whiten(z[b], shrink)"
    align = f"local(2 + 2 * alignment(whiten(z[a], shrink), {second}), rows=rows)"
    return Run(
        _permuted,
        name,
        name,
        renamed(case.hyper, rows="w_size", shrink="eps"),
        overlay={"objective": {"align": align}},  # the permutation is given: no shuffling
        scale=1 / case.hyper["w_iter"],
    )


def _augmented(*names: str) -> Callable[[Leaves], list[Call]]:
    """MMCR's arrays [image, view, feature] as [view, image, feature]."""
    return lambda leaves: [
        {name: leaves[argument].transpose(0, 1) for name, argument in zip(("z", "t"), names, strict=False)}
    ]


TRAINED_TARGET = {
    "parameters": {"momentum": None},
    "networks": {"target": "mlp(size)"},
    "define": {"t": "target(encoder(x))"},
}


@row("mmcr.mmcr.momentum*", "mmcr.lightly*")
def _(case: Case) -> Run:
    name = "mmcr_lightly" if ".lightly." in case.name else "mmcr_momentum"
    count = case.inputs["z"].shape[1]
    return Run(
        _augmented("z", "zm"),
        name,
        name,
        {"compress": case.hyper["lmda"] if name == "mmcr_lightly" else case.hyper["lmbda"]},
        overlay={**views(crop=count), **TRAINED_TARGET},  # the functions leave the target its gradient
    )


@row("mmcr.*")
def _(case: Case) -> Run:
    hyper = renamed(case.hyper, compress="lmbda")
    return Run(_augmented("z"), "mmcr", "mmcr", hyper, overlay=views(crop=case.hyper["n_aug"]))


@row("corinfomax.*")
def _(case: Case) -> Run:
    joint, calls = ".joint." in case.name, case.hyper["calls"]
    name, size = ("corinfomax_imagenet" if joint else "corinfomax"), case.inputs["z1"].shape[-1]
    shape = () if joint else (2,)
    start = case.hyper["R_ini"] * np.eye(size)
    last = lambda *keys: np.stack([case.outputs[key] for key in keys]) if len(keys) > 1 else case.outputs[keys[0]]  # noqa: E731
    mu, r = (last("mu"), last("R")) if joint else (last("mu1", "mu2"), last("R1", "R2"))
    return Run(
        successive(calls, z="z1 z2"),
        name,
        name,
        renamed(case.hyper, attract="sim_loss_weight", forget="la_R", forget_mean="la_mu", jitter="R_eps_weight"),
        state={"mu": np.zeros((*shape, size)), "r": np.broadcast_to(start, (*shape, size, size)).copy()},
        after={"mu": [None] * (calls - 1) + [mu], "r": [None] * (calls - 1) + [r]},
    )


@row("frossl.frossl.twoview*")
def _(case: Case) -> Run:
    hyper = renamed(case.hyper, invariance="invariance_weight")
    return Run(stacked(z="z1 z2"), "frossl_twoview", "frossl_twoview", hyper)


@row("frossl.*")
def _(case: Case) -> Run:
    hyper = renamed(case.hyper, invariance="invariance_weight")
    return Run(single(z="views"), "frossl", "frossl", hyper, overlay=views(crop=len(case.inputs["views"])))


# ---------------------------------------------------------------- coding rates


@row("simdino.*")
def _(case: Case) -> Run:
    seen, coefficient = case.hyper["ncrops"], case.hyper["coeff"]
    raw, student = case.hyper.get("input") == "as given", case.hyper["expa_type"] == 0
    overlay = views(**{"global": 2, "local": seen - 2})
    if raw:
        overlay["define"] = {"y": "(s[global] + t) / 2"}
    name = "simdino_student" if student else "simdino"
    return Run(
        lambda leaves: [{"s": leaves["student"][:seen], "t": leaves["teacher"]}],
        "simdino_raw" if raw else name,
        name,
        {"distortion": case.hyper["eps"], "expansion": 1 / coefficient},
        overlay=overlay,
        scale=coefficient,
    )


@row("mcr2.*")
def _(case: Case) -> Run:
    weight = {"compression": "gamma"} if ".empssl." in case.name else {"expansion": "gam2"}
    return Run(
        lambda leaves: [{"z": leaves["z"], "y": one_hot(leaves["labels"])}],
        "mcr2_labels",
        file="mcr2_labels",
        hyper=renamed(case.hyper, distortion="eps", **weight),
        reference_inputs=single(z="z", labels="labels"),
    )


@row("tcr.*")
def _(case: Case) -> Run:
    return Run(stacked(z="z z"), "total_coding_rate", "total_coding_rate", renamed(case.hyper, distortion="eps"))


@row("empssl.*")
def _(case: Case) -> Run:
    name = "empssl_lightly" if ".lightly." in case.name else "empssl"
    weight = case.hyper["inv_coef"] if name == "empssl_lightly" else case.hyper["patch_sim"]
    return Run(
        single(z="views"),
        name,
        name,
        {"distortion": case.hyper["tcr_eps"], "align": weight},
        reference_hyper={"raw": True},
        overlay={**views(patch=len(case.inputs["views"])), "define": {"e": "z"}},
    )


@row("matrixssl.*.total.*")
def _(case: Case) -> Run:
    hyper = {"lambda": case.hyper["mce_lambd"], "mu": case.hyper["mce_mu"], "gamma": case.hyper["gamma"]}
    return Run(stacked(z="z1 z2", t="p1 p2"), "matrixssl", "matrixssl", hyper)


@row("matrixssl.*")
def _(case: Case) -> Run:
    order, correlation = case.hyper["order"], case.hyper["correlation"]
    term = "align" if correlation else "uniform"
    define = {"t": "target(encoder(x))", "log_cov": f"matrix_log(cov(e, ddof=0) + shift, order={order})"}
    return Run(
        stacked(z="z z", t="p p"),
        "matrix_cross_entropy",
        "matrixssl",
        reference_inputs=single(p="p", z="z"),
        reference_hyper={
            "shrink": case.hyper["mu"],
            "weight": case.hyper["lamda"],
            "order": order,
            "correlation": correlation,
        },
        spec_hyper={"mu": case.hyper["mu"], "lambda": case.hyper["lamda"], "gamma": 1},
        overlay={"networks": {"target": "mlp(width)"}, "define": define},  # the function leaves both their gradient
        term=term,
    )


@row("mec.*")
def _(case: Case) -> Run:
    scale = 1 / case.hyper["lamda_inv"]
    return Run(
        stacked(z="z1 z2", t="p1 p2"),
        "mec",
        "mec",
        {"order": case.hyper["order"]},
        reference_hyper={"scale": scale},
        overlay={
            "parameters": {"distortion": None, "widen": None, "given": scale},
            "define": {"scale": "given"},
        },
        scale=-scale,  # the case is the coding length itself, which the method maximises
    )


# ---------------------------------------------------------------- projections


@row("sigreg.lejepa.f32buffers*")
def _(case: Case) -> Run:
    return _sigreg(case, rtol=1e-6)


@row("sigreg.*")
def _(case: Case) -> Run:
    return _sigreg(case)


def _sigreg(case: Case, rtol: float | None = None) -> Run:
    given = case.inputs["z"].ndim == 3
    slices = case.inputs["projections"].shape[1]
    overlay = views(crop=len(case.inputs["z"]) if given else 2)
    return Run(
        single(z="z") if given else stacked(z="z z"),
        "sigreg",
        "lejepa",
        renamed(case.hyper, knots="knots", end="t_max"),
        spec_hyper={"lambda": 1, "slices": slices},
        overlay=overlay,
        directions="projections",
        term="sigreg",
        rtol=rtol,
    )


@row("lejepa.*")
def _(case: Case) -> Run:
    name = {"lightly": "lejepa_lightly", "spt": "lejepa_spt"}.get(case.name.split(".")[1], "lejepa")
    weight = case.hyper["lambda_param"] if name == "lejepa_lightly" else case.hyper["lamb"]
    return Run(
        single(z="views"),
        name,
        name,
        {"lambda": weight, **renamed(case.hyper, knots="knots", end="t_max")},
        spec_hyper={"slices": case.inputs["projections"].shape[1]},
        overlay=views(**{"global": 2, "local": len(case.inputs["views"]) - 2}),
        directions="projections",
    )


@row("visreg.*")
def _(case: Case) -> Run:
    name = "visreg_spt" if ".spt." in case.name else "visreg"
    hyper = renamed(case.hyper, scale="lambda_scale", shape="lambda_shape", center="lambda_center")
    return Run(
        single(z="views"),
        name,
        name,
        {"lambda": case.hyper["lambda_param"], **hyper},
        spec_hyper={"slices": case.inputs["projections"].shape[1]},
        overlay=views(**{"global": 2, "local": len(case.inputs["views"]) - 2}),
        directions="projections",
    )
