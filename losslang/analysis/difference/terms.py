"""The terms of two methods beside each other: which is which, and how they are related."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from losslang.algebra.canonical import CanonicalTerm, summed
from losslang.analysis.difference.constants import differ_in_constant
from losslang.analysis.difference.pairing import Pair, Side, loose_form, pair_inputs
from losslang.analysis.difference.readings import Keys, read_terms
from losslang.analysis.difference.relation import NUMBERS, Readings, Relation, relate_forms, relate_readings
from losslang.objective.graph import walk
from losslang.objective.spec import Spec

__all__ = ["Matched", "Terms"]


@dataclass(frozen=True)
class Matched:
    """Terms that stand for each other: one on each side, or several whose sums are equal; `relation` None if another function."""

    left: tuple[str, ...]
    right: tuple[str, ...]
    relation: Relation | None = None


class Terms:
    """The terms of two methods.

    Forms and numbers are those of the methods with small sizes, so that a mean over more features is the same mean; where
    all networks are `alike`, the full sizes must agree too. `networks` pairs the networks by name.
    """

    def __init__(self, left: Side, right: Side, networks: Sequence[Pair], *, alike: bool) -> None:
        self.left, self.right, self.networks, self.alike = left, right, networks, alike
        self._relations: dict[tuple[str, str], Relation | None] = {}

    @property
    def names(self) -> list[list[str]]:
        """The names of the terms on both sides."""
        return [[term.name for term in side.spec.graph.terms] for side in (self.left, self.right)]

    @cached_property
    def forms(self) -> list[dict[str, CanonicalTerm]]:
        """The terms in normal form, with small sizes."""
        return [{term.name: term for term in side.small_form.terms} for side in (self.left, self.right)]

    @cached_property
    def full(self) -> list[dict[str, CanonicalTerm]]:
        """The terms in normal form, with their own sizes."""
        return [{term.name: term for term in side.form.terms} for side in (self.left, self.right)]

    def matched(self) -> Iterator[Matched]:
        """Every term once: equal ones by name, renamed ones, changed ones by name, scaled ones; then sums; then those alone."""
        rest = [list(names) for names in self.names]
        found: dict[str, Matched] = {}
        for same_name, wanted in ((True, _equal), (False, _equal), (True, _anything), (False, _proportional)):
            for one in [name for name in rest[0] if name not in found]:
                for two in rest[1]:
                    if (one == two) == same_name and wanted(self.relation(one, two)):
                        found[one] = Matched((one,), (two,), self.relation(one, two))
                        rest[1].remove(two)
                        break
        yield from found.values()
        alone = tuple(name for name in rest[0] if name not in found), tuple(rest[1])
        together = self._together(*alone) if all(alone) else None
        if together is not None:
            yield Matched(*alone, together)
            return
        yield from (Matched((one,), ()) for one in alone[0])
        yield from (Matched((), (two,)) for two in alone[1])

    def relation(self, one: str, two: str) -> Relation | None:
        """How a term of the left is related to one of the right."""
        key = (one, two)
        if key not in self._relations:
            self._relations[key] = self._found(one, two)
        return self._relations[key]

    def _found(self, one: str, two: str) -> Relation | None:
        forms = self.full if self.alike else self.forms
        found = relate_forms(forms[0][one], forms[1][two])
        if found is None and not self.inputs_alike:
            found = self._loosely(one, two)
        found = found or self._read(one, two)
        if found is None or not found.identity:
            return found
        if found.by != NUMBERS:
            return found
        if _counts(self.left.spec, [one]) != _counts(self.right.spec, [two]):
            return None
        labels = [(side.form if self.alike else side.small_form).labels for side in (self.left, self.right)]
        return replace(found, constant=differ_in_constant(forms[0][one], forms[1][two], *labels))

    def _loosely(self, one: str, two: str) -> Relation | None:
        """The same form of other networks' outputs, such as a target in place of a stopped branch."""
        loose = [replace(self.forms[at][name], scales=self.loose[at][name]) for at, name in enumerate((one, two))]
        found = relate_forms(*loose)
        return None if found is None else replace(found, loose=True)

    def _read(self, one: str, two: str) -> Relation | None:
        keys = _keys(self.inputs)
        used = [{keys[at][i] for i in side.inputs_of(name)} for at, side, name in self._at(one, two)]
        if not used[0] & used[1]:
            return None
        found = relate_readings(self.readings[0][one], self.readings[1][two])
        return None if found is None else replace(found, loose=not self.inputs_alike)

    def _at(self, one: str, two: str) -> list[tuple[int, Side, str]]:
        return [(0, self.left, one), (1, self.right, two)]

    @cached_property
    def loose(self) -> list[dict[str, dict[str, float]]]:
        """The terms by their loose forms."""
        return [loose_form(side.small_form) for side in (self.left, self.right)]

    @cached_property
    def readings(self) -> list[dict[str, Readings]]:
        """The terms as numbers."""
        inputs, networks = _keys(self.inputs), _keys(self.networks)
        return [
            read_terms(side.small, self.names[at], inputs[at], networks[at])
            for at, side in enumerate((self.left, self.right))
        ]

    @cached_property
    def inputs(self) -> list[Pair]:
        """The inputs of the loss on both sides."""
        return pair_inputs(self.left, self.right)

    @cached_property
    def inputs_alike(self) -> bool:
        """Whether every input is the output of the same networks on both sides."""
        texts = [side.input_texts for side in (self.left, self.right)]
        return all(one and two and texts[0][one] == texts[1][two] for one, two in self.inputs)

    def _together(self, left: tuple[str, ...], right: tuple[str, ...]) -> Relation | None:
        """Terms that are split otherwise: their sums are equal."""
        forms = self.full if self.alike else self.forms
        sums = [summed([forms[at][name] for name in names]) for at, names in enumerate((left, right))]
        found = relate_forms(*sums)
        return found if found is not None and found.identity else None


def _equal(relation: Relation | None) -> bool:
    return relation is not None and relation.identity


def _proportional(relation: Relation | None) -> bool:
    return relation is not None and relation.gradients_agree


def _anything(_relation: Relation | None) -> bool:
    return True


def _keys(pairs: Sequence[Pair]) -> tuple[Keys, Keys]:
    """What both sides of a pair are drawn by."""
    left: dict[str, str] = {}
    right: dict[str, str] = {}
    for number, (one, two) in enumerate(pairs):
        if one is not None:
            left[one] = f"pair {number}"
        if two is not None:
            right[two] = f"pair {number}"
    return left, right


_SIZES = {"count", "size", "rows", "iterations", "order"}


def _counts(spec: Spec, terms: Sequence[str]) -> Counter[object]:
    """The counts in some terms (of directions, of rows of a queue), which small sizes hide."""
    values = [term.value for term in spec.graph.terms if term.name in terms]
    return Counter((n.op, key, value) for n in walk(values) for key, value in n.attributes if key in _SIZES)
