"""The force of an objective on controlled clouds of embeddings: on the center, on the residual, on weak directions."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np

from losslang.analysis.cloud import Cloud, Force, forces, spreading
from losslang.objective.spec import Spec

__all__ = ["CENTERS", "WEAK", "Probe", "probe"]

CENTERS = (0.1, 0.3, 0.5, 0.7, 0.9, 0.99)
"""Lengths of the center vector of a cloud of length 1; 1 is collapse."""
WEAK = (1.0, 0.5, 0.2, 0.05)
"""Lengths of the weak half of the directions against the strong half; 0 is a lost half."""


@dataclass(frozen=True)
class Probe:
    """Forces by term: `scales[c]` at center norm c, `spreads[w]` where half of the directions are w times as long."""

    method: str
    scales: dict[float, tuple[Force, ...]]
    spreads: dict[float, dict[str, float]]

    def text(self) -> str:
        """Two tables for a terminal."""
        terms = [pull.term for pull in next(iter(self.scales.values()))]
        lines = [f"{self.method}: forces by term (+ grows, - shrinks, under gradient descent)", ""]
        lines += _table(
            "center norm",
            [*(f"{term}: center" for term in terms), *(f"{term}: residual" for term in terms)],
            {c: [p.center for p in pulls] + [p.residual for p in pulls] for c, pulls in self.scales.items()},
        )
        lines += ["", "weak directions against strong ones (+ evens out, - collapses in dimension)", ""]
        lines += _table("weak/strong", terms, {w: list(row.values()) for w, row in self.spreads.items()})
        return "\n".join(lines)

    def json(self) -> str:
        """The same for tools."""
        scales = [{"center_norm": c, "forces": [asdict(pull) for pull in pulls]} for c, pulls in self.scales.items()]
        spreads = [{"weak": w, "growth": row} for w, row in self.spreads.items()]
        return json.dumps({"method": self.method, "scales": scales, "spreads": spreads}, indent=2)


def probe(small: Spec) -> Probe:
    """The forces of a method with small sizes."""
    return Probe(
        small.method_name,
        {c: forces(small, Cloud(float(np.sqrt(1 - c**2)))) for c in CENTERS},
        {w: spreading(small, Cloud(weak=w)) for w in WEAK},
    )


def _table(head: str, names: list[str], rows: dict[float, list[float]]) -> list[str]:
    width = max(10, *(len(name) for name in names))
    lines = ["  ".join([head.ljust(12), *(name.rjust(width) for name in names)])]
    for key, values in rows.items():
        lines.append("  ".join([f"{key:<12g}", *(_number(value).rjust(width) for value in values)]))
    return lines


def _number(value: float) -> str:
    return "0" if abs(value) < 1e-6 else f"{value:+.3g}"
