"""The collapse alarm: when a run collapses, in which way, and what the theory says is missing. Torch-free.

What is believed before a run decides how much must be seen in it. A method that the theory says collapses is reported at
the center norm that `verdict` calls constant; one that it says is held up or stable only where next to nothing is left of
the residual, as much of the length of some embeddings (DINO, KoLeo, ReSSL) is common to all rows and means nothing.

The center is looked at in every logged batch as well as in every evaluation, and so are cross-entropies at ln K. Lost dimensions
are seen in evaluations alone: the correlation of a batch, which is all that is logged of them, is as high where one of two
dimensions is left that were to keep.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from losslang.analysis.foresight.stability import Verdict
from losslang.analysis.structure.mechanisms import MECHANISMS
from losslang.evaluation.verdict import CONSTANT
from losslang.objective.axes import Axis
from losslang.objective.graph import walk
from losslang.objective.spec import Spec

__all__ = ["Alarm", "Alert", "uniform_values"]

NOTHING_LEFT = 0.998
"""Center norm above which a method that should not collapse has: a residual of 6 % of the length."""

FEW_DIMENSIONS = 0.15
"""Share of the dimensions beyond the first that there were to keep, below which they count as lost."""

UNIFORM = 0.002
"""Distance of a cross-entropy from ln K, as a share of it, within which the assignment counts as uniform."""

PATIENCE = 5
"""Logged steps in a row at ln K; every cross-entropy starts near it."""


@dataclass(frozen=True)
class Alert:
    """`kind` is `constant`, `dimensional` or `uniform`; `seen` is what was measured, `missing` what the theory says of it."""

    step: int
    kind: str
    seen: str
    missing: str

    def __str__(self) -> str:
        return f"step {self.step}: {_KINDS[self.kind]}: {self.seen}; {self.missing}"

    def record(self) -> dict[str, str]:
        """What goes into the metrics."""
        return {"kind": self.kind, "seen": self.seen, "missing": self.missing}


_KINDS = {
    "constant": "collapse to a constant",
    "dimensional": "collapse in dimension",
    "uniform": "the assignment is uniform",
}


@dataclass
class Alarm:
    """Looks at every line of the metrics of one run; rings once for each kind of collapse.

    `theory` gives the verdict on the method and is asked only when something was seen. `input_rank` is the effective rank of
    the inputs, `uniform` the value ln K by term (`uniform_values`).
    """

    theory: Callable[[], Verdict]
    input_rank: float
    uniform: Mapping[str, float] = field(default_factory=dict)
    first_rank: float = math.inf
    rung: set[str] = field(default_factory=set)
    stuck: dict[str, int] = field(default_factory=dict)

    def see(self, record: Mapping[str, Any]) -> Alert | None:
        """The alert that a line of the metrics sets off, if it does; `record` is as in metrics.jsonl."""
        if record["step"] == 0:
            self.first_rank = float(record.get("effective_rank", math.inf))
            return None
        for look in (self._constant, self._dimensional, self._uniform):
            alert = look(record)
            if alert is not None and alert.kind not in self.rung:
                self.rung.add(alert.kind)
                return alert
        return None

    def _constant(self, record: Mapping[str, Any]) -> Alert | None:
        batch = record.get("batch", {}).get("center_norm", 0.0)
        center, of = max((record.get("center_norm", 0.0), ""), (batch, " of the batch"))
        if center <= CONSTANT:
            return None
        verdict = self.theory()
        if center <= NOTHING_LEFT and verdict.constant.answer != "collapses":
            return None
        return Alert(record["step"], "constant", f"center norm {center:.4f}{of}", _why_constant(verdict))

    def _dimensional(self, record: Mapping[str, Any]) -> Alert | None:
        if "effective_rank" not in record or "constant" in self.rung:
            return None
        rank, kept = record["effective_rank"], min(self.first_rank, self.input_rank)
        if not math.isfinite(kept) or rank - 1 >= FEW_DIMENSIONS * (kept - 1):
            return None
        seen = f"effective rank {rank:.2f} of {kept:.1f}"
        return Alert(record["step"], "dimensional", seen, _why_dimensional(self.theory()))

    def _uniform(self, record: Mapping[str, Any]) -> Alert | None:
        for term, level in self.uniform.items():
            value = record.get("terms", {}).get(term, math.inf)
            self.stuck[term] = self.stuck.get(term, 0) + 1 if abs(value - level) < UNIFORM * level else 0
            if self.stuck[term] >= PATIENCE:
                seen = f"`{term}` stays at ln K = {level:.4f}, what equal shares for all prototypes give"
                return Alert(record["step"], "uniform", seen, _why_uniform(self.theory()))
        return None


def uniform_values(spec: Spec) -> dict[str, float]:
    """ln K for every term that is a cross-entropy over K prototypes, by the name under which the term is logged."""
    found = {}
    for term in spec.graph.terms:
        value = term.value if term.raw is None else term.raw
        sizes = [_prototypes(node) for node in walk([value]) if node.op in {"log_softmax", "softmax"}]
        counts = {size for size in sizes if size}
        if len(counts) == 1:
            found[term.name if term.raw is None else f"{term.name}/raw"] = math.log(counts.pop())
    return found


def _prototypes(node: Any) -> int | None:
    """The number of prototypes that a distribution is over; None where it is over something else."""
    if Axis("prototype") not in node.axes():
        return None
    return next((dim.known for dim in node.inputs[0].type.dims if dim.axis == Axis("prototype")), None)


# ---------------------------------------------------------------- what the theory says


def _why_constant(verdict: Verdict) -> str:
    if verdict.constant.answer == "collapses":
        return f"the theory says so: {verdict.constant.reason}"
    if verdict.constant.answer == "untrained":
        return f"nothing trains the embeddings: {verdict.constant.reason}"
    said = f"{verdict.constant.answer}: {verdict.constant.reason}"
    return f"against the theory ({said}); look at learning rate, temperature and networks"


def _why_dimensional(verdict: Verdict) -> str:
    if verdict.rank.answer == "full":
        return f"against the theory (full rank by {verdict.rank.reason}); look at weights, learning rate and networks"
    names = ", ".join(name for name, row in MECHANISMS.items() if row.decorrelates and not row.dynamic)
    return f"{verdict.rank.reason}; missing is one of {names}"


def _why_uniform(verdict: Verdict) -> str:
    names = {found.mechanism.name for found in verdict.mechanisms}
    if "sharpening" not in names:
        return (
            "nothing sharpens the target; missing is a target temperature below the student's, or balanced assignment"
        )
    return "the target is sharpened too little against its centering; look at temperatures, momentum and learning rate"
