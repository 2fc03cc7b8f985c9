"""The mechanisms that theory knows, found in the structure of an objective whatever its spelling.

One row per mechanism: how it is recognised, and what it does. De-centering keeps the center vector s = E[z] short,
de-correlation keeps every dimension in use (Jha et al. 2024; Zhang et al. 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from losslang.analysis.structure.branches import ends_in_norm, predictors
from losslang.analysis.structure.spelling import summands
from losslang.analysis.structure.subject import Subject, terms_of
from losslang.analysis.structure.values import (
    is_center_penalty,
    is_contrast,
    is_logdet,
    is_negative_row,
    is_row_hinge,
    is_second_order,
    is_sliced,
    is_spread,
    is_standardised,
    is_whitening,
    under,
)
from losslang.objective.axes import Axis
from losslang.objective.boundary import is_embedding, networks_of
from losslang.objective.graph import Node, walk
from losslang.objective.spec import Spec

__all__ = ["MECHANISMS", "Found", "Mechanism", "find_mechanisms"]


@dataclass(frozen=True)
class Found:
    """A mechanism at work: where, in words, and in which terms (none for those of the architecture)."""

    mechanism: Mechanism
    detail: str
    terms: tuple[str, ...] = ()


Detector = Callable[[Subject], Iterator[tuple[str, tuple[str, ...]]]]


@dataclass(frozen=True)
class Mechanism:
    """A row of the table.

    `decenters` and `decorrelates` say what it opposes; `by_construction` that a constant output is impossible with it;
    `dynamic` that it works through the order of updates rather than through a force that can be read off the objective.
    """

    name: str
    summary: str
    detect: Detector
    decenters: bool = False
    decorrelates: bool = False
    by_construction: bool = False
    dynamic: bool = False


def find_mechanisms(spec: Spec) -> tuple[Found, ...]:
    """Every mechanism of a method, in the order of the table."""
    subject = Subject.of(spec)
    return tuple(
        Found(mechanism, detail, terms)
        for mechanism in MECHANISMS.values()
        for detail, terms in mechanism.detect(subject)
    )


def _in_terms(test: Callable[[Node], bool], detail: str) -> Detector:
    def detect(subject: Subject) -> Iterator[tuple[str, tuple[str, ...]]]:
        terms = terms_of(subject, test)
        if terms:
            yield detail, terms

    return detect


def _predictor(subject: Subject) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name in predictors(subject):
        yield f"{name}, before the comparison with what has none", ()


def _stop_gradient(subject: Subject) -> Iterator[tuple[str, tuple[str, ...]]]:
    heads = predictors(subject)
    for term in subject.spec.graph.terms:
        stopped = [n.inputs[0] for n in walk([term.value]) if n.op == "stopgrad"]
        whole = [n for n in stopped if is_embedding(n)]
        if any(networks_of(n)[0] in heads for n in whole):
            yield "of the predictor's side", (term.name,)
        elif whole or any(under(n, lambda m: m.op == "apply") for n in stopped):
            yield "of the online network", (term.name,)


def _target(subject: Subject) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, network in subject.spec.networks.items():
        used = any(name in networks_of(node) for node in subject.nodes if node.op == "apply")
        if network.kind == "ema" and used:
            yield f"{name}, a moving average", ()


def _output_norm(subject: Subject) -> Iterator[tuple[str, tuple[str, ...]]]:
    names = {networks_of(i.node)[0] for i in subject.inputs}
    for name in sorted(names):
        if ends_in_norm(subject.spec.networks, name):
            yield f"at the output of {name}", ()


def _centering(subject: Subject) -> Iterator[tuple[str, tuple[str, ...]]]:
    sums = (summands(node) for node in subject.nodes if node.op in {"add", "subtract"})
    taken = (str(each["name"]) for parts in sums for each, sign in parts if sign < 0 and each.op == "running")
    for name in dict.fromkeys(taken):
        yield f"by the running center `{name}`", ()


def _sharpening(subject: Subject) -> Iterator[tuple[str, tuple[str, ...]]]:
    for node in subject.nodes:
        if node.op == "softmax" and not node.trains and Axis("prototype") in node.axes():
            yield "a target distribution at a low temperature", ()
            return


def _balanced(subject: Subject) -> Iterator[tuple[str, tuple[str, ...]]]:
    if any(node.op == "sinkhorn" for node in subject.nodes):
        yield "Sinkhorn: every prototype gets its share of the batch", ()


def _clustering(subject: Subject) -> Iterator[tuple[str, tuple[str, ...]]]:
    if any(node.op == "centroids" for node in subject.nodes):
        yield "clusters of the last epoch as labels", ()


def _fixed_prototypes(subject: Subject) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, network in subject.spec.networks.items():
        if network.kind == "frozen" and network.parts[0].kind == "prototypes":
            yield f"{name} never trains", ()


def _triplets(subject: Subject) -> Iterator[tuple[str, tuple[str, ...]]]:
    for test, words in (
        (is_negative_row, "another row as the negative"),
        (is_row_hinge, "every other row as a negative"),
    ):
        terms = tuple(term.name for term in subject.spec.graph.terms if under(term.value, test))
        if terms:
            yield words, terms


_ROWS = (
    Mechanism(
        "negatives", "repulsion from other rows", _in_terms(is_contrast, "over other rows"),
        decenters=True, decorrelates=True,
    ),
    Mechanism("triplet negatives", "repulsion from other rows one by one", _triplets, decenters=True),
    Mechanism(
        "log-det", "volume of the embeddings", _in_terms(is_logdet, "of a matrix of moments"),
        decenters=True, decorrelates=True,
    ),
    Mechanism(
        "second order", "off-diagonal or squared moments", _in_terms(is_second_order, "of a matrix of features"),
        decorrelates=True,
    ),
    Mechanism("center penalty", "length of the center vector", _in_terms(is_center_penalty, "s = E[z]"), decenters=True),
    Mechanism("variance", "deviation of every feature", _in_terms(is_spread, "over the batch"), decenters=True),
    Mechanism(
        "sliced distribution", "every direction towards the normal", _in_terms(is_sliced, "over random directions"),
        decenters=True, decorrelates=True,
    ),
    Mechanism(
        "whitening", "mean 0 and covariance I", _in_terms(is_whitening, "of every group of rows"),
        decenters=True, decorrelates=True, by_construction=True,
    ),
    Mechanism(
        "standardisation", "every feature with mean 0 and deviation 1", _in_terms(is_standardised, "in the loss"),
        decenters=True, by_construction=True,
    ),
    Mechanism("output norm", "batch norm at the output", _output_norm, decenters=True, by_construction=True),
    Mechanism("balanced assignment", "equal shares", _balanced, decenters=True, decorrelates=True, by_construction=True),
    Mechanism("clustering", "labels by k-means", _clustering, decenters=True, decorrelates=True, dynamic=True),
    Mechanism("centering", "a running mean subtracted from the target", _centering, decenters=True, dynamic=True),
    Mechanism("sharpening", "a low temperature of the target", _sharpening, decorrelates=True, dynamic=True),
    Mechanism("predictor", "a network on one side only", _predictor, decenters=True, decorrelates=True, dynamic=True),
    Mechanism("stop-gradient", "one branch does not move", _stop_gradient, dynamic=True),
    Mechanism("EMA target", "a branch that lags", _target, dynamic=True),
    Mechanism("fixed prototypes", "prototypes that never train", _fixed_prototypes, dynamic=True),
)  # fmt: skip

MECHANISMS: dict[str, Mechanism] = {row.name: row for row in _ROWS}
