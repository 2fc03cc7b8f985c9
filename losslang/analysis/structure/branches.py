"""What the networks of a method are to its loss: predictors, heads, the one whose output is the embedding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from losslang.analysis.structure.subject import Subject
from losslang.objective.boundary import Input, is_embedding, networks_of
from losslang.objective.graph import walk
from losslang.objective.networks import Network
from losslang.objective.spec import Spec

__all__ = ["embedding_network", "ends_in_norm", "heads", "predictors", "predictors_of"]


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


def ends_in_norm(networks: Mapping[str, Network], name: str) -> bool:
    """Whether a network normalises what it gives by the batch."""

    def ends(network: Network) -> bool:
        if network.kind == "reference":
            return ends(networks[network.name])
        if network.parts:
            return ends(network.parts[-1])
        return network.last_norm.kind in {"batchnorm", "iternorm"}

    return ends(networks[name])
