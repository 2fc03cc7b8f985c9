"""The force of an objective on controlled clouds of embeddings: on the center, on the residual, on weak directions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from losslang.analysis.embeddings.sphere import Sphere
from losslang.analysis.probe.field import Field, Force
from losslang.analysis.probe.parts import in_parts
from losslang.objective.spec import Spec

__all__ = ["CENTERS", "MANY_VIEWS", "RANKS", "Probe", "named_rows", "probe", "shown", "start"]

CENTERS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999)
"""Lengths of the center vector of a cloud of length 1; 1 is collapse."""
RANKS = (1, 2, 4, 8, 12)
"""Numbers of strong directions of the residual, the others being a tenth as long; at the end stands all but one."""
MANY_VIEWS = 4
FORCES = ("center", "residual", "sphere", "spread")


@dataclass(frozen=True)
class Probe:
    """Forces by term: `centers[c]` at center norm c and full rank, `ranks[r]` where the residual has r strong directions.

    `rows` says what the forces are on; `unit` whether those are of length 1.
    """

    method: str
    rows: str
    unit: bool
    centers: dict[float, tuple[Force, ...]]
    ranks: dict[float, tuple[Force, ...]]

    def text(self) -> str:
        """Three tables for a terminal."""
        lines = [f"{self.method}: forces on {self.rows}, by term, under gradient descent"]
        lines += _table("along the center (+ lengthens it, - shortens it)", "center norm", self.centers, _center)
        lines += _table("along the residual (+ lengthens it, - shortens it)", "center norm", self.centers, _residual)
        if self.unit:
            head = "along the center, rows kept at length 1 (+ lengthens it, - shortens it)"
            lines += _table(head, "center norm", self.centers, _sphere)
        head = "weak directions of the residual against strong ones (+ evens out, - collapses in dimension)"
        return "\n".join([*lines, *_table(head, "rank", self.ranks, _spread)])

    def json(self) -> str:
        """The same for tools."""
        import json

        centers = [{"center_norm": at, "forces": [_plain(f) for f in forces]} for at, forces in self.centers.items()]
        ranks = [{"rank": at, "forces": [_plain(f) for f in forces]} for at, forces in self.ranks.items()]
        content = {"method": self.method, "rows": self.rows, "centers": centers, "ranks": ranks}
        return json.dumps(content, indent=2, ensure_ascii=False)

    def csv(self) -> str:
        """One line for every term and cloud; `varied` is what `at` counts."""
        import csv
        import io

        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["method", "term", "varied", "at", *FORCES])
        for varied, rows in (("center_norm", self.centers), ("rank", self.ranks)):
            for at, forces in rows.items():
                for force in forces:
                    writer.writerow([self.method, force.term, varied, at, *(getattr(force, f) for f in FORCES)])
        return text.getvalue()


def probe(small: Spec) -> Probe:
    """The forces of a method with small sizes."""
    spec = in_parts(small).spec
    field = Field(spec, start(spec))
    features = min((field.embeddings(rows).shape[-1] for rows in field.live), default=2)
    most = max(features - 2, 1)  # besides the center's, one direction is weak
    ranks = (*(rank for rank in RANKS if rank < most), most)
    return Probe(
        small.method_name,
        named_rows(field),
        all(rows.unit for rows in field.live),
        {at: _forces(spec, start(spec, center=at)) for at in CENTERS},
        {rank: _forces(spec, start(spec, rank=rank)) for rank in ranks},
    )


def start(spec: Spec, *, center: float = 0.7, rank: int | None = None) -> Sphere:
    """A cloud of the size that suits the number of views."""
    return Sphere(center, rank, rows=128 if len(spec.views) <= MANY_VIEWS else 64)


def named_rows(field: Field) -> str:
    """The rows that forces are on, in words."""
    kinds = {rows.networks[0]: "unit rows" if rows.unit else "rows" for rows in field.live}
    return " and ".join(f"{kind} of {network}" for network, kind in kinds.items()) or "nothing"


def _forces(spec: Spec, cloud: Sphere) -> tuple[Force, ...]:
    with np.errstate(all="ignore"):  # on some clouds a loss may be infinite; the table says so
        return Field(spec, cloud).forces()


# ---------------------------------------------------------------- tables


def _center(force: Force) -> float:
    return force.center


def _residual(force: Force) -> float:
    return force.residual


def _sphere(force: Force) -> float:
    return force.sphere


def _spread(force: Force) -> float:
    return force.spread


def _table(
    title: str, head: str, clouds: Mapping[float, tuple[Force, ...]], value: Callable[[Force], float]
) -> Iterator[str]:
    """A line for every term, a column for every cloud, and the sum of the terms."""
    terms = [force.term for force in next(iter(clouds.values()))]
    rows = {term: [value(forces[at]) for forces in clouds.values()] for at, term in enumerate(terms)}
    if len(terms) > 1:
        rows["all"] = [sum(column) for column in zip(*rows.values(), strict=True)]
    width = max(len(head), *map(len, rows)) + 2
    yield ""
    yield title
    yield head.ljust(width) + "".join(f"{at:>10g}" for at in clouds)
    for term, numbers in rows.items():
        yield term.ljust(width) + "".join(f"{shown(number):>10}" for number in numbers)


def shown(value: float, digits: int = 3) -> str:
    """A force as people read it: with its sign, small ones with one digit."""
    if not math.isfinite(value):
        return "-"
    return "0" if abs(value) < 1e-6 else f"{value:+.{digits if abs(value) >= 0.01 else 1}g}"


def _plain(force: Force) -> dict[str, object]:
    """Numbers as JSON has them: none where they are not finite."""
    return {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in asdict(force).items()}
