"""The verdict: does an objective collapse, and what holds it up.

Two kinds of collapse are asked for. Constant: all embeddings become the center vector (Jha et al. 2024). Dimensional: they
stay apart, in few dimensions (Zhang et al. 2022). Mechanisms come from the structure of the graph, forces from its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass

from losslang.analysis.cloud import Cloud, Force, forces
from losslang.analysis.mechanisms import Found, Subject, find_mechanisms, predictors
from losslang.objective.spec import Spec

__all__ = ["Finding", "Verdict", "verdict"]

COLLAPSES_BELOW, STABLE_ABOVE = -0.005, 0.01
"""Growth of the residual against the center, in units of the force on a cloud of length 1: between the two nobody knows."""


AT_START, NEAR_COLLAPSE = 0.7, 0.05
"""Lengths of the residual of a cloud of length 1."""


@dataclass(frozen=True)
class Finding:
    """One answer. `answer` is a word (`stable`, `held`, `undecided`, `collapses`; of rank: `full`, `possible`), `reason` why."""

    answer: str
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What is known about a method before it is trained."""

    constant: Finding
    rank: Finding
    mechanisms: tuple[Found, ...]
    forces: tuple[Force, ...]

    def lines(self) -> list[str]:
        """Two sentences for people."""
        return [
            f"{_HEADS[self.constant.answer]} {self.constant.reason}",
            f"{_RANKS[self.rank.answer]} {self.rank.reason}",
        ]


_HEADS = {
    "stable": "stable by",
    "held": "held up by dynamics:",
    "undecided": "undecided:",
    "collapses": "collapses because",
}
_RANKS = {
    "full": "full rank by",
    "possible": "dimensional collapse possible:",
    "moot": "rank:",
}


def verdict(spec: Spec, small: Spec) -> Verdict:
    """The verdict on a method; `small` is the same method with small sizes, on which forces are cheap to compute."""
    found = find_mechanisms(spec)
    pulls = forces(small, Cloud(AT_START))
    constant = _constant(spec, small, found, pulls)
    return Verdict(constant, _rank(spec, constant, found), found, pulls)


def _constant(spec: Spec, small: Spec, found: tuple[Found, ...], pulls: tuple[Force, ...]) -> Finding:
    built_in = [f for f in found if f.mechanism.by_construction and f.mechanism.name != "output norm"]
    if built_in:
        return Finding("stable", f"{_named(built_in)}, by construction")
    growth = sum(pull.growth for pull in pulls)
    dynamic = _dynamic(spec, found)
    explicit = any(f.terms and f.mechanism.decenters for f in found)
    if growth > STABLE_ABOVE and (explicit or not dynamic):
        return Finding("stable", _strongest(pulls, found))
    if dynamic:
        return Finding("held", dynamic)
    near = forces(small, Cloud(NEAR_COLLAPSE))
    if sum(pull.growth for pull in near) > STABLE_ABOVE:
        return Finding("stable", f"{_strongest(near, found)}, which grows near collapse; before, the center may grow")
    if growth < COLLAPSES_BELOW:
        return Finding("collapses", _why(spec, found, pulls))
    return Finding("undecided", "the forces on center and residual cancel, and no known mechanism decides")


def _named(found: list[Found]) -> str:
    return " and ".join(dict.fromkeys(f.mechanism.name for f in found))


def _strongest(pulls: tuple[Force, ...], found: tuple[Found, ...]) -> str:
    """The term that pushes the residual up most, with the mechanism in it."""
    best = max(pulls, key=lambda pull: pull.growth)
    inside = [f.mechanism.name for f in found if best.term in f.terms and f.mechanism.decenters]
    return f"{inside[0]} (term `{best.term}`)" if inside else f"the force of the term `{best.term}`"


def _dynamic(spec: Spec, found: tuple[Found, ...]) -> str:
    """What holds an objective up without a force that can be read off it; empty where nothing does."""
    names = {f.mechanism.name for f in found}
    stopped = names & {"stop-gradient", "EMA target"}
    if "predictor" in names and stopped and _predictor_trains(spec):
        other = "an EMA target" if "EMA target" in stopped else "a stopped branch"
        return f"a predictor on one side only, against {other}"
    if "centering" in names and "sharpening" in names:
        return "centering against sharpening; either alone collapses"
    if "clustering" in names:
        return "clusters of the last epoch as labels"
    return ""


def _predictor_trains(spec: Spec) -> bool:
    trained = frozenset[str]().union(*(term.value.trains for term in spec.graph.terms))
    return any(name in trained for name in predictors(Subject.of(spec)))


def _why(spec: Spec, found: tuple[Found, ...], pulls: tuple[Force, ...]) -> str:
    names = {f.mechanism.name for f in found}
    worst = min(pulls, key=lambda pull: pull.growth)
    opposing = [pull.term for pull in pulls if pull.growth > 0]
    if "predictor" in names and not _predictor_trains(spec):
        return "the stop-gradient is on the predictor's side: the predictor never learns"
    if "predictor" in names:
        return "the gradient flows into both branches, and a predictor alone opposes nothing"
    if opposing:
        return f"`{worst.term}` pulls the residual in faster than `{'`, `'.join(opposing)}` pushes it out"
    alone = sorted(names & {"stop-gradient", "EMA target", "output norm", "centering", "sharpening"})
    tail = f"; {' and '.join(alone)} alone {'do' if len(alone) > 1 else 'does'} not hold it" if alone else ""
    return f"nothing opposes the pull of `{worst.term}` towards the center{tail}"


def _rank(spec: Spec, constant: Finding, found: tuple[Found, ...]) -> Finding:
    if constant.answer == "collapses":
        return Finding("moot", "one direction is left")
    learns = _predictor_trains(spec)
    spreading = [f for f in found if f.mechanism.decorrelates and (learns or f.mechanism.name != "predictor")]
    if spreading:
        return Finding("full", _named(spreading))
    return Finding("possible", "no term opposes correlated features")
