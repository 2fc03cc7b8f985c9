"""Warnings about the two branches of an objective: which one learns, and whether they differ.

A predictor keeps an objective from collapsing if it stands before one branch only and learns (Chen & He 2021, section 4;
Zhang et al. 2022, section 3: on both sides, or with the stop-gradient on its own side, the objective collapses).
"""

from __future__ import annotations

from collections.abc import Iterable

from losslang.diagnostics import Report, Span
from losslang.objective.boundary import is_embedding, networks_of
from losslang.objective.graph import Node, walk
from losslang.objective.lints_subject import Subject, trained
from losslang.objective.networks import Network

__all__ = ["never_learns", "predictor_on_both_sides"]

_LEARNERS = {"backbone", "mlp", "linear", "bias_layer", "prototypes", "chain", "freeze_for"}
"""Networks that are meant to learn by gradient."""
_HEADS = _LEARNERS - {"backbone", "prototypes"}


def never_learns(subject: Subject, report: Report) -> None:
    """W109: every use of a network is behind a stop-gradient; the place is the first term that uses it."""
    learning = trained(subject.graph)
    places: dict[str, Span] = {}
    for term in subject.graph.terms:
        for node in walk([term.value]):
            if node.op == "apply":
                places.setdefault(str(node["network"]), term.span)
    for name, span in places.items():
        network = subject.context.networks[name]
        if network is not None and network.kind in _LEARNERS and learning and name not in learning:
            report.add(
                "W109",
                f"`{name}` never learns: every use of it is behind a stop-gradient",
                span,
                help="stop the gradient of the other side, or write frozen(…) where this is meant",
            )


def predictor_on_both_sides(subject: Subject, report: Report) -> None:
    """W110: a head on a head, before the live and the stopped branch alike, in a method that declares no repulsion."""
    repelling = {"decentering", "decorrelation"}
    if any(repelling & {*application.roles} for application in subject.graph.applications):
        return
    for term in subject.graph.terms:
        live, stopped = (set(chains) for chains in _branches(term.value, subject.context.networks))
        (chain, *more) = live | stopped or {()}
        if live == stopped and not more and _ends_in_two_heads(chain, subject.context.networks):
            report.add(
                "W110",
                f"`{chain[0]}` stands before both branches of `{term.name}`, so neither has to predict the other",
                term.span,
                help=f"compare with what `{chain[1]}` gives, without `{chain[0]}`",
            )


Chain = tuple[str, ...]


def _branches(root: Node, networks: dict[str, Network | None]) -> tuple[list[Chain], list[Chain]]:
    """The networks that embeddings pass on their way into a term: of those that train, and of stopped or lagging ones."""
    live: list[Chain] = []
    stopped: list[Chain] = []
    waiting: list[tuple[Node, Chain, bool]] = [(root, (), True)]
    seen = set()
    while waiting:
        node, passed, free = waiting.pop()
        if (node.number, passed, free) in seen:
            continue
        seen.add((node.number, passed, free))
        if is_embedding(node):
            chain = networks_of(node)
            followed = _followed(networks[chain[0]]) if chain else ()
            (live if free and node.trains else stopped).append((*passed, *(followed or chain)))
            continue
        inner = (*passed, str(node["network"])) if node.op == "apply" else passed
        waiting += [(child, inner, free and node.op != "stopgrad") for child in node.inputs]
    return live, stopped


def _followed(network: Network | None) -> Chain:
    """The networks that a moving average follows, outermost first."""
    if network is None or network.kind != "ema":
        return ()
    inner = network.parts[0]
    parts: Iterable[Network] = inner.parts if inner.kind == "chain" else (inner,)
    return tuple(part.name for part in reversed([*parts]))


def _ends_in_two_heads(chain: Chain, networks: dict[str, Network | None]) -> bool:
    outer = [networks.get(name) for name in chain[:2]]
    return len(outer) > 1 and all(network is not None and network.kind in _HEADS for network in outer)
