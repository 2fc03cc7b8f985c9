"""What an explanation says about collapse: the verdict, the mechanisms, and the force of every term."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from losslang.analysis.embeddings.sphere import Sphere
from losslang.analysis.embeddings.stage import FEATURES, features_of
from losslang.analysis.foresight.stability import Verdict
from losslang.analysis.probe.field import Field, Force
from losslang.analysis.probe.parts import in_parts
from losslang.analysis.probe.probe import MANY_VIEWS, named_rows, shown
from losslang.analysis.structure.mechanisms import Found
from losslang.analysis.structure.subject import Subject
from losslang.objective.spec import Spec

__all__ = ["MechanismRow", "Stability", "force_rows", "stability_of"]

CENTER = 0.7
HEAD = ("term", "on the center", "on the residual", "on the center at length 1", "on weak directions")


@dataclass(frozen=True)
class MechanismRow:
    """A mechanism at work: what it is, where, in which terms, what it opposes and by what means."""

    name: str
    summary: str
    where: str
    terms: tuple[str, ...]
    opposes: tuple[str, ...]
    by: str

    @property
    def words(self) -> str:
        """The row as a sentence, without its name."""
        terms = f" (`{'`, `'.join(self.terms)}`)" if self.terms else ""
        verbs = " and ".join(_VERBS[each] for each in self.opposes)
        return f"{self.summary}, {self.where}{terms}{f'; {verbs} {self.by}' if verbs else ''}"


_VERBS = {"center": "de-centers", "residual": "keeps the residual up", "correlation": "de-correlates"}


@dataclass(frozen=True)
class Stability:
    """The verdict in words, the mechanisms, and the forces of the terms on `rows` of one cloud."""

    verdict: tuple[str, ...]
    mechanisms: tuple[MechanismRow, ...]
    rows: str
    unit: bool
    forces: tuple[Force, ...]

    @property
    def cloud(self) -> str:
        """What the forces are on, in words."""
        return f"on {self.rows} with center norm {CENTER}, half of the directions weak; + lengthens, - shortens"

    def plain(self) -> dict[str, object]:
        """For JSON."""
        return {
            "stability": list(self.verdict),
            "mechanisms": [asdict(row) for row in self.mechanisms],
            "forces": {"rows": self.rows, "center_norm": CENTER, "terms": [asdict(force) for force in self.forces]},
        }


def stability_of(verdict: Verdict, small: Spec) -> Stability:
    """What is said of a method, whose forces are those with small networks."""
    spec = in_parts(small).spec
    features = min(map(features_of, Subject.of(spec).inputs), default=FEATURES)
    field = Field(spec, Sphere(CENTER, rank=max(features // 2, 1), rows=64 if len(small.views) <= MANY_VIEWS else 32))
    forces = field.forces()
    unit = all(rows.unit for rows in field.live)
    mechanisms = tuple(_row(found, forces) for found in verdict.mechanisms)
    return Stability(tuple(verdict.lines()), mechanisms, named_rows(field), unit, forces)


def _row(found: Found, forces: Sequence[Force]) -> MechanismRow:
    mechanism = found.mechanism
    by = "by construction" if mechanism.by_construction else "through dynamics" if mechanism.dynamic else "by force"
    center = "center" if by != "by force" or _shortens(found.terms, forces) else "residual"
    opposed = ((center, mechanism.decenters), ("correlation", mechanism.decorrelates))
    opposes = tuple(name for name, does in opposed if does)
    return MechanismRow(mechanism.name, mechanism.summary, found.detail, found.terms, opposes, by)


def _shortens(terms: Sequence[str], forces: Sequence[Force]) -> bool:
    """Whether a part of one of the terms acts on the center."""
    return any(force.center < -SMALL or force.sphere < -SMALL for force in forces if force.term.split(" (")[0] in terms)


SMALL = 1e-6


def force_rows(stability: Stability) -> Iterator[tuple[str, ...]]:
    """The forces as cells under their heads; rows that need not have length 1 have no force on such ones."""
    kept = [at for at in range(len(HEAD)) if at != HEAD.index("on the center at length 1") or stability.unit]
    rows: list[tuple[str, ...]] = [HEAD]
    for force in stability.forces:
        numbers = (force.center, force.residual, force.sphere, force.spread)
        rows.append((force.term, *(shown(number, digits=2) for number in numbers)))
    yield from (tuple(row[at] for at in kept) for row in rows)
