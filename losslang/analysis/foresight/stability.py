"""The verdict: does an objective collapse, and what holds it up.

Two kinds of collapse are asked for. Constant: all embeddings become the center vector (Jha et al. 2024). Dimensional: they
stay apart, in few dimensions (Zhang et al. 2022). Mechanisms come from the structure of the graph, forces from its meaning,
and where the two lead from a short flow of the scales of a cloud (`flow.py`). How often this is true of trainings is in
docs/results/foresight.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from losslang.analysis.foresight.cloud import Cloud, Force, forces
from losslang.analysis.foresight.flow import End, flow, start_of
from losslang.analysis.structure.branches import embedding_network, ends_in_norm, predictors
from losslang.analysis.structure.learning import why_untrained
from losslang.analysis.structure.mechanisms import Found, find_mechanisms
from losslang.analysis.structure.subject import Subject
from losslang.objective.spec import Spec

__all__ = ["Finding", "Verdict", "verdict"]

AT_START = 0.7
"""Length of the residual of a cloud of length 1, on which forces are shown."""

LONG, SHRUNK = 0.5, 0.8
"""Collapse is a center norm above the first, with a residual that kept less than the second of its length against the center."""
UNSURE = 0.2
"""Within this of the border, in logarithms of the residual's length against the center, nobody knows."""
FIRM = 1.0
"""The same for methods that hold by dynamics, of which a flow of three scales knows less."""
APART = 0.1
"""Share of the push on the residual, from terms that push rows from each other, above which directions are lost only where
the flow loses them."""
FALLS, EVEN = 0.92, 0.98
"""Effective rank at the end of the flow in units of that at its start: what is pushed apart keeps its directions above the
first, everything else above the second,"""
HELD_UP, HELD_UP_IN_NORM = 0.91, 0.9
"""if the residual keeps as much of its length against the center, behind batch norm in any case."""


@dataclass(frozen=True)
class Finding:
    """One answer and why: `stable`, `held`, `undecided`, `collapses`, `untrained`; of rank `full`, `possible`, `lost`, `moot`."""

    answer: str
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What is known about a method before it is trained.

    `constant` says `collapses` of either kind: where `rank` is `lost`, it is in dimension that it does. `leaning` is above 0
    where constant collapse is more likely than not, also of an objective that is undecided.
    """

    constant: Finding
    rank: Finding
    mechanisms: tuple[Found, ...]
    forces: tuple[Force, ...]
    leaning: float = -math.inf

    @property
    def outcome(self) -> str:
        """`constant`, `dimensional` (as far as it is known) or `ok`; `undecided` of constant collapse, or without training."""
        if self.constant.answer in {"undecided", "untrained"}:
            return "undecided"
        if self.constant.answer == "collapses" and self.rank.answer != "lost":
            return "constant"
        return "ok" if self.rank.answer == "full" else "dimensional"

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
    "untrained": "nothing trains the embeddings:",
}
_RANKS = {
    "full": "full rank by",
    "possible": "dimensional collapse possible:",
    "lost": "dimensional collapse:",
    "moot": "rank:",
}


def verdict(spec: Spec, small: Spec) -> Verdict:
    """The verdict on a method; `small` is the same method with small sizes, on which forces are cheap to compute."""
    untrained = why_untrained(spec)
    if untrained:
        rank = Finding("moot", "the embeddings stay what untrained networks make of the images")
        return Verdict(Finding("untrained", untrained), rank, (), ())
    case = _Case(spec, find_mechanisms(spec), forces(small, Cloud(AT_START)), flow(small, start_of(spec)))
    constant = case.constant()
    return Verdict(constant, case.rank(constant), case.found, case.pulls, case.leaning)


@dataclass(frozen=True)
class _Case:
    """A method with what was found out about it."""

    spec: Spec
    found: tuple[Found, ...]
    pulls: tuple[Force, ...]
    end: End

    @property
    def names(self) -> frozenset[str]:
        return frozenset(f.mechanism.name for f in self.found)

    @property
    def beyond(self) -> float:
        """How far beyond the border of constant collapse the flow ends, in logarithms; it knows nothing of clusters."""
        if "clustering" in self.names:
            return -math.inf
        against = math.sqrt(max(1 - self.end.center**2, 1e-12)) / max(self.end.center, 1e-12)
        return min(math.log(SHRUNK / max(self.end.kept, 1e-12)), math.log(math.sqrt(1 / LONG**2 - 1) / against))

    @property
    def leaning(self) -> float:
        """The same, where what is lost would not be directions."""
        return -math.inf if self.built_in or self.normed else self.beyond

    @property
    def normed(self) -> bool:
        """Whether embeddings leave their network with mean 0 over the batch: collapse takes directions first."""
        return ends_in_norm(self.spec.networks, embedding_network(Subject.of(self.spec)))

    @property
    def apart(self) -> float:
        """The share of the push on the residual that comes from terms which push rows from each other."""
        pushing = {term for f in self.found if f.mechanism.name in REPELLING for term in f.terms}
        push = {pull.term: pull.growth for pull in self.pulls if pull.growth > 0}
        return sum(growth for term, growth in push.items() if term in pushing) / max(sum(push.values()), 1e-12)

    @property
    def built_in(self) -> list[Found]:
        """Mechanisms through which every term passes, and that leave no constant."""
        found = [f for f in self.found if f.mechanism.by_construction and f.mechanism.name != "output norm"]
        covered = {name for f in found for name in f.terms}
        everywhere = any(not f.terms for f in found) or covered >= {pull.term for pull in self.pulls}
        return found if everywhere else []

    @property
    def dynamic(self) -> str:
        """What holds an objective up without a force that can be read off it; empty where nothing does."""
        stopped = self.names & {"stop-gradient", "EMA target"}
        if "predictor" in self.names and stopped and _predictor_trains(self.spec):
            other = "an EMA target" if "EMA target" in stopped else "a stopped branch"
            return f"a predictor on one side only, against {other}"
        if "centering" in self.names and "sharpening" in self.names:
            return "centering against sharpening; either alone collapses"
        if "clustering" in self.names:
            return "clusters of the last epoch as labels"
        return ""

    @property
    def opposed(self) -> bool:
        """Whether a term has a mechanism against collapse."""
        return any(f.terms and (f.mechanism.decenters or f.mechanism.decorrelates) for f in self.found)

    # ---- the answers

    def constant(self) -> Finding:
        """The answer on constant collapse, and on collapse as a whole."""
        if self.built_in:
            return Finding("stable", f"{_named(self.built_in)}, by construction")
        if self.beyond > (FIRM if self.dynamic else UNSURE) or (self.normed and not self.opposed and not self.dynamic):
            return Finding("collapses", self._why())
        if self.dynamic and not (self.opposed and sum(pull.growth for pull in self.pulls) > 0):
            return Finding("held", self.dynamic)
        if self.beyond > -UNSURE and not self.normed:
            pushed = max(pull.growth for pull in self.pulls) > 0
            return (
                Finding("undecided", self._between()) if pushed else Finding("collapses", f"{self._why()}; it is slow")
            )
        return Finding("stable", self._strongest())

    def rank(self, constant: Finding) -> Finding:
        """The answer on dimensional collapse."""
        if constant.answer == "collapses":
            return self._lost() if self.normed else Finding("moot", "one direction is left")
        spreading = [f for f in self.found if f.mechanism.decorrelates and not f.mechanism.dynamic]
        pinned = [f for f in spreading if f.mechanism.name in PINNED]
        repelling = [f for f in self.found if f.mechanism.name in REPELLING and f.terms]
        if pinned:
            return Finding("full", _named(pinned))
        if self.apart > APART and self._keeps(FALLS, 0):
            return Finding("full", _named([*repelling, *spreading]))
        if self.apart <= APART and (spreading or not self.normed) and self._keeps(EVEN, HELD_UP):
            return Finding(
                "full", _named(spreading) if spreading else "the pull of all terms together: no direction falls behind"
            )
        if spreading:
            return Finding("possible", f"{_named(spreading)} too weak: the weak directions fall behind the strong")
        slow = [f for f in self.found if f.mechanism.decorrelates]
        tail = f"; {_named(slow)} may in the long run" if slow else ""
        return Finding("possible", f"no term opposes correlated features{tail}")

    def _keeps(self, rank: float, residual: float) -> bool:
        """Whether the flow keeps as much of the effective rank and of the residual."""
        residual = max(residual, HELD_UP_IN_NORM) if self.normed else residual
        return self.end.rank > rank and self.end.kept >= residual

    # ---- why

    def _lost(self) -> Finding:
        why = "batch norm keeps the center out of the batch; a few directions are left, or one point and outliers"
        return Finding("lost", why)

    def _strongest(self) -> str:
        """The term that pushes the residual up most, with the mechanism in it."""
        best = max(self.pulls, key=lambda pull: pull.growth)
        if best.growth <= 0:
            return "the balance of its forces in a short training, though no term pushes the residual out"
        inside = [f.mechanism.name for f in self.found if best.term in f.terms and f.mechanism.decenters]
        named = f"{inside[0]} (term `{best.term}`)" if inside else f"the force of the term `{best.term}`"
        return f"{named}, behind batch norm at the output" if self.normed else named

    def _between(self) -> str:
        worst = min(self.pulls, key=lambda pull: pull.growth)
        best = max(self.pulls, key=lambda pull: pull.growth)
        return f"`{best.term}` pushes the residual out about as fast as `{worst.term}` pulls it in"

    def _why(self) -> str:
        worst = min(self.pulls, key=lambda pull: pull.growth)
        opposing = [pull.term for pull in self.pulls if pull.growth > 0]
        if "predictor" in self.names and not _predictor_trains(self.spec):
            return "the stop-gradient is on the predictor's side: the predictor never learns"
        if "predictor" in self.names and not self.dynamic:
            return "the gradient flows into both branches, and a predictor alone opposes nothing"
        if opposing:
            return f"`{worst.term}` pulls the residual in faster than `{'`, `'.join(opposing)}` pushes it out"
        alone = sorted(self.names & {"stop-gradient", "EMA target", "output norm", "centering", "sharpening"})
        tail = f"; {' and '.join(alone)} alone {'do' if len(alone) > 1 else 'does'} not hold it" if alone else ""
        return f"nothing opposes the pull of `{worst.term}` towards the center{tail}"


REPELLING = {"negatives", "triplet negatives", "log-det"}
"""Mechanisms that push rows from each other, whatever the directions they lie in."""

PINNED = {"sliced distribution", "whitening", "balanced assignment"}
"""Mechanisms that fix every direction, whatever the others pull."""


def _named(found: Iterable[Found]) -> str:
    return " and ".join(dict.fromkeys(f.mechanism.name for f in found))


def _predictor_trains(spec: Spec) -> bool:
    trained = frozenset[str]().union(*(term.value.trains for term in spec.graph.terms))
    return any(name in trained for name in predictors(Subject.of(spec)))
