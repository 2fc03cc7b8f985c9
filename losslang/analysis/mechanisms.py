"""The mechanisms that theory knows, found in the structure of an objective whatever its spelling.

One row per mechanism: how it is recognised, and what it does. De-centering keeps the center vector s = E[z] short,
de-correlation keeps every dimension in use (Jha et al. 2024; Zhang et al. 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from losslang.objective.axes import Axis
from losslang.objective.boundary import Input, find_inputs, is_embedding, networks_of
from losslang.objective.context import static_value
from losslang.objective.graph import Node, walk
from losslang.objective.networks import Network
from losslang.objective.spec import Spec

__all__ = [
    "MECHANISMS",
    "Found",
    "Mechanism",
    "Subject",
    "embedding_network",
    "ends_in_norm",
    "find_mechanisms",
    "heads",
    "predictors",
    "predictors_of",
    "terms_of",
]


@dataclass(frozen=True)
class Subject:
    """A method with what detectors ask for again and again."""

    spec: Spec
    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]

    @classmethod
    def of(cls, spec: Spec) -> Subject:
        """The subject of a method."""
        return cls(spec, find_inputs(spec), tuple(spec.graph.nodes()))


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


def terms_of(subject: Subject, test: Callable[[Node], bool]) -> tuple[str, ...]:
    """The terms in which some value that trains passes a test; terms of weight 0 do nothing."""
    spec = subject.spec
    at_work = [t for t in spec.graph.terms if t.weight is None or static_value(t.weight, spec.parameters) != 0]
    return tuple(t.name for t in at_work if any(n.trains and test(n) for n in walk([t.value])))


def _in_terms(test: Callable[[Node], bool], detail: str) -> Detector:
    def detect(subject: Subject) -> Iterator[tuple[str, tuple[str, ...]]]:
        terms = terms_of(subject, test)
        if terms:
            yield detail, terms

    return detect


# ---------------------------------------------------------------- what nodes are


def _under(node: Node, test: Callable[[Node], bool]) -> bool:
    return any(test(child) for child in walk([node]))


def _pairs_rows(node: Node) -> bool:
    """[batch, batch'] or [batch, queue]: rows against all rows."""
    return node.type.has(Axis("batch", 1)) or node.type.has(Axis("queue"))


def _other_rows(node: Node) -> bool:
    return any(axis in {Axis("batch", 1), Axis("queue"), Axis("batch")} for axis in node.axes())


def _is_contrast(node: Node) -> bool:
    """A log-sum-exp, softmax or potential over other rows."""
    if node.op in {"logsumexp", "log_softmax", "softmax"}:
        return _pairs_rows(node.inputs[0]) and _other_rows(node)
    if node.op == "log" or (node.op in {"mean", "sum"} and node.inputs[0].op == "exp"):
        inner = node.inputs[0]
        return inner.op in {"mean", "sum", "exp"} and _under(inner, lambda n: n.op == "exp" and _pairs_rows(n))
    return False


def _is_matrix(node: Node) -> bool:
    return node.type.has(Axis("feature", 1)) and node.type.has(Axis("feature"))


def _is_gram(node: Node) -> bool:
    """The products of rows with rows, whose squares are those of the features' matrix (Garrido et al. 2022)."""
    return node.op == "dot" and node.type.has(Axis("batch", 1))


def _is_logdet(node: Node) -> bool:
    return node.op in {"logdet", "matrix_log", "eigenvalues", "nuclear_norm"}


def _is_second_order(node: Node) -> bool:
    """A square of a matrix of features, such as off-diagonal covariances."""
    if node.op == "power":
        return _is_matrix(node) or _is_gram(node.inputs[0])
    squares = node.op == "norm" and (_is_matrix(node.inputs[0]) or _is_gram(node.inputs[0]))
    product = node.op == "multiply" and _is_matrix(node) and all(_is_matrix(child) for child in node.inputs)
    return squares or (product and all(child.type.kind != "mask" and not _is_mask(child) for child in node.inputs))


def _is_mask(node: Node) -> bool:
    return node.type.kind == "mask" or (node.op == "multiply" and any(_is_mask(child) for child in node.inputs))


def _is_center(node: Node) -> bool:
    """The mean over the batch of something that trains."""
    reduced = node.op == "mean" and Axis("batch") in node.axes() and Axis("feature") not in node.axes()
    return reduced and node.type.has(Axis("feature")) and not node.type.has(Axis("feature", 1))


def _is_center_penalty(node: Node) -> bool:
    """The length of the center, or its square."""
    if node.op == "norm":
        return _centered_source(node.inputs[0])
    if node.op == "power":
        return _centered_source(node.inputs[0])
    return node.op == "dot" and node.inputs[0] is node.inputs[1] and _centered_source(node.inputs[0])


def _centered_source(node: Node) -> bool:
    return _is_center(node) or (node.op in {"select", "take", "stack", "total"} and _is_center(node.inputs[0]))


def _is_spread(node: Node) -> bool:
    """A hinge or a square that pushes deviations up."""
    if node.op not in {"relu", "power"}:
        return False
    added = [node.inputs[0]]
    while added:
        value = added.pop()
        if value.op in {"std", "var"} and Axis("batch") in value.axes():
            return True
        if value.op in _LINEAR:
            added += value.inputs[:1] if value.op == "divide" else value.inputs
    return False


_LINEAR = {"add", "subtract", "negative", "multiply", "divide", "select", "take", "sqrt", "log"}
"""Operations under which a deviation is still what is pushed up; as a divisor, it standardises."""


def _is_sliced(node: Node) -> bool:
    return node.op in {"cos", "sin", "sort"} and _under(node, lambda n: n.op == "random_directions")


def _is_whitening(node: Node) -> bool:
    return node.op == "inverse_root"


def _is_standardised(node: Node) -> bool:
    if node.op != "divide" or not node.type.has(Axis("batch")):
        return False
    deviation = node.inputs[1]
    if deviation.op == "add":  # (x - mean) / (std + eps)
        deviation = deviation.inputs[0]
    return deviation.op == "std" and Axis("batch") in deviation.axes() and node.inputs[0].op == "subtract"


def _is_negative_row(node: Node) -> bool:
    """Another row as a negative: a rolled one."""
    return node.op == "roll" or (node.op == "select" and node.inputs[0].op == "roll")


# ---------------------------------------------------------------- what networks are


def predictors(subject: Subject) -> tuple[str, ...]:
    """Networks on one side only: behind an embedding that the other side compares with as it is."""
    chains = {i.name: networks_of(i.node) for i in subject.inputs}
    found = []
    for i in subject.inputs:
        outermost, rest = chains[i.name][0], chains[i.name][1:]
        bare = any(other == rest for name, other in chains.items() if name != i.name)
        followed = any(j.detached and _follows(subject.spec.networks, j, rest) for j in subject.inputs)
        if not i.detached and (bare or followed) and _kind(subject.spec.networks[outermost]) not in _NO_PREDICTORS:
            found.append(outermost)
    return tuple(dict.fromkeys([*found, *_inner_predictors(subject)]))


def predictors_of(spec: Spec) -> tuple[str, ...]:
    """The networks of a method that stand on one side only."""
    return predictors(Subject.of(spec))


def heads(subject: Subject) -> tuple[str, ...]:
    """Networks behind the embedding: predictors, on one side or on both."""
    stacked = []
    for i in subject.inputs:
        outermost, *rest = networks_of(i.node)
        if len(rest) > 1 and not i.detached and _kind(subject.spec.networks[outermost]) not in _NO_PREDICTORS:
            stacked.append(outermost)
    return tuple(dict.fromkeys([*predictors(subject), *stacked]))


def embedding_network(subject: Subject) -> str:
    """The network whose output is the embedding: the last one before predictors."""
    behind = heads(subject)
    return next(name for name in networks_of(subject.inputs[0].node) if name not in behind)


_NO_PREDICTORS = {"identity", "backbone", "prototypes", "ema", "frozen"}


def _inner_predictors(subject: Subject) -> Iterator[str]:
    """Networks in the loss, applied to an embedding that is also stopped and compared as it is."""
    stopped = {n.number for node in subject.nodes if node.op == "stopgrad" for n in walk([node]) if n.op == "apply"}
    for node in subject.nodes:
        if node.op != "apply" or is_embedding(node) or not node.trains:
            continue
        kind = _kind(subject.spec.networks[str(node["network"])])
        if kind not in _NO_PREDICTORS and node.number not in stopped:
            yield str(node["network"])


def _kind(network: Network) -> str:
    """The kind of a network behind what only delays its training."""
    return _kind(network.parts[0]) if network.kind == "freeze_for" else network.kind


def _follows(networks: dict[str, Network], target: Input, chain: tuple[str, ...]) -> bool:
    """Whether a target is the moving average of the networks of a chain."""
    network = networks[networks_of(target.node)[0]]
    if network.kind != "ema":
        return False
    parts = network.parts[0].parts if network.parts[0].kind == "chain" else network.parts
    return tuple(part.name for part in reversed(parts)) == chain


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
        elif whole or any(_under(n, lambda m: m.op == "apply") for n in stopped):
            yield "of the online network", (term.name,)


def _target(subject: Subject) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, network in subject.spec.networks.items():
        used = any(name in networks_of(node) for node in subject.nodes if node.op == "apply")
        if network.kind == "ema" and used:
            yield f"{name}, a moving average", ()


def ends_in_norm(networks: Mapping[str, Network], name: str) -> bool:
    """Whether a network normalises what it gives by the batch."""

    def ends(network: Network) -> bool:
        if network.kind == "reference":
            return ends(networks[network.name])
        if network.parts:
            return ends(network.parts[-1])
        return network.last_norm.kind in {"batchnorm", "iternorm"}

    return ends(networks[name])


def _output_norm(subject: Subject) -> Iterator[tuple[str, tuple[str, ...]]]:
    names = {networks_of(i.node)[0] for i in subject.inputs}
    for name in sorted(names):
        if ends_in_norm(subject.spec.networks, name):
            yield f"at the output of {name}", ()


def _centering(subject: Subject) -> Iterator[tuple[str, tuple[str, ...]]]:
    for node in subject.nodes:
        if node.op == "subtract" and any(child.op == "running" for child in node.inputs[1:]):
            yield f"by the running center `{node.inputs[1]['name']}`", ()


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
    terms = tuple(
        term.name for term in subject.spec.graph.terms if any(_is_negative_row(node) for node in walk([term.value]))
    )
    if terms:
        yield "another row as the negative", terms


_ROWS = (
    Mechanism(
        "negatives", "repulsion from other rows", _in_terms(_is_contrast, "over other rows"),
        decenters=True, decorrelates=True,
    ),
    Mechanism("triplet negatives", "repulsion from one other row", _triplets, decenters=True),
    Mechanism(
        "log-det", "volume of the embeddings", _in_terms(_is_logdet, "of a matrix of moments"),
        decenters=True, decorrelates=True,
    ),
    Mechanism(
        "second order", "off-diagonal or squared moments", _in_terms(_is_second_order, "of a matrix of features"),
        decorrelates=True,
    ),
    Mechanism("center penalty", "length of the center vector", _in_terms(_is_center_penalty, "s = E[z]"), decenters=True),
    Mechanism("variance", "deviation of every feature", _in_terms(_is_spread, "over the batch"), decenters=True),
    Mechanism(
        "sliced distribution", "every direction towards the normal", _in_terms(_is_sliced, "over random directions"),
        decenters=True, decorrelates=True,
    ),
    Mechanism(
        "whitening", "mean 0 and covariance I", _in_terms(_is_whitening, "of every group of rows"),
        decenters=True, decorrelates=True, by_construction=True,
    ),
    Mechanism(
        "standardisation", "every feature with mean 0 and deviation 1", _in_terms(_is_standardised, "in the loss"),
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
