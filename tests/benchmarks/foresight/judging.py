"""What is said of an objective before training: by the verdict, and by the plain rule that it has to beat."""

from __future__ import annotations

from dataclasses import dataclass

from losslang.diagnostics import Source
from losslang.pipeline import load
from losslang.questions import stability
from tests.benchmarks.foresight.labels import CONSTANT, DIMENSIONAL, OK
from tests.benchmarks.foresight.objectives import Objective

__all__ = ["Said", "ask", "rule"]

SAVING = {"center", "center_squared", "variance", "coding_rate", "info_nce", "uniformity", "triplet"}
"""Terms that the plain rule takes to oppose constant collapse, where their weight is at least ENOUGH."""
ENOUGH = 0.01
SPREADING = {"coding_rate", "info_nce", "uniformity", "barlow", "covariance"}
"""Terms that the plain rule takes to oppose dimensional collapse, with any weight."""
HOLDING = {"output norm", "centering", "predictor, stopped", "predictor, EMA"}
"""Kinds that the plain rule takes to be held without a term."""


@dataclass(frozen=True)
class Said:
    """The verdict: its answers, its `outcome` (`undecided` for one), the class it `leans` to, and the growth by term."""

    answer: str
    rank: str
    outcome: str
    leans: str
    reason: str
    forces: dict[str, float]


def ask(objective: Objective) -> Said:
    """What the verdict says."""
    found = stability(load(Source("random.loss", objective.text)))
    kept = OK if found.rank.answer == "full" else DIMENSIONAL
    leans = CONSTANT if found.leaning > 0 else kept
    return Said(
        found.constant.answer,
        found.rank.answer,
        found.outcome,
        leans if found.outcome == "undecided" else found.outcome,
        found.constant.reason,
        {pull.term: float(f"{pull.growth:.3g}") for pull in found.forces},
    )


def rule(objective: Objective) -> str:
    """What the plain rule says: a mechanism that theory names, with enough weight, saves an objective."""
    saved = any(name in SAVING and weight >= ENOUGH for name, weight in objective.terms.items())
    if objective.kind not in HOLDING and not saved:
        return CONSTANT
    return OK if SPREADING & set(objective.terms) else DIMENSIONAL
