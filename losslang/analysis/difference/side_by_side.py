"""Two methods, and which entry of one is which of the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property

from losslang.analysis.difference.networks import describe
from losslang.analysis.difference.pairing import Pair, Side, pair_names, renamed_network
from losslang.analysis.difference.terms import Matched, Terms
from losslang.analysis.structure.mechanisms import Found, find_mechanisms

__all__ = ["Comparison"]


class Comparison:
    """Two methods, and which entry of one is which of the other."""

    def __init__(self, left: Side, right: Side) -> None:
        self.sides = (left, right)
        self.specs = (left.spec, right.spec)

    @cached_property
    def networks(self) -> list[Pair]:
        """The networks of both: paired by what they are, where they stand and their names; then by what they are alone."""
        pairs = pair_names(self.sides[0].labels, self.sides[1].labels)
        alone = [
            {pair[at] or "": describe(spec.networks[pair[at] or ""]) for pair in pairs if pair[1 - at] is None}
            for at, spec in enumerate(self.specs)
        ]
        return [*(pair for pair in pairs if None not in pair), *pair_names(*alone)]

    @cached_property
    def changed_networks(self) -> set[Pair]:
        """Networks that only one has, or that are built otherwise."""
        names = {one: two for one, two in self.networks if one is not None and two is not None}
        return {pair for pair in self.networks if self._changed(pair, names)}

    def _changed(self, pair: Pair, names: Mapping[str, str]) -> bool:
        one, two = pair
        if one is None or two is None:
            return True
        left, right = self.specs
        return renamed_network(left.networks[one], names) != right.networks[two]

    @property
    def views_alike(self) -> bool:
        """Whether both have as many views in as many groups."""
        counts = [[len(group) for group in spec.view_groups.values()] for spec in self.specs]
        return counts[0] == counts[1]

    @property
    def forward_alike(self) -> bool:
        """Whether the networks of both see the views in the same way."""
        left, right = self.specs
        both = [(one, two) for one, two in self.networks if one is not None and two is not None]
        return all(left.forward.get(one) == right.forward.get(two) for one, two in both)

    @cached_property
    def terms(self) -> Terms:
        """The terms of both."""
        alike = not self.changed_networks and self.views_alike and self.forward_alike
        return Terms(*self.sides, self.networks, alike=alike)

    @cached_property
    def matched(self) -> tuple[Matched, ...]:
        """The terms of both, paired."""
        return tuple(self.terms.matched())

    @cached_property
    def same(self) -> bool:
        """Whether loss, networks and views are the same: then so is every mechanism, however it is spelled."""
        found = [matched.relation for matched in self.matched]
        return self.terms.alike and all(r is not None and r.identity and not r.loose for r in found)

    @cached_property
    def mechanisms(self) -> list[dict[str, list[Found]]]:
        """The stability mechanisms of each, by name."""
        found: list[dict[str, list[Found]]] = [defaultdict(list), defaultdict(list)]
        for rows, spec in zip(found, self.specs, strict=True):
            for one in find_mechanisms(spec):
                rows[one.mechanism.name].append(one)
        return [dict(rows) for rows in found]

    @property
    def shared(self) -> tuple[str, ...]:
        """What opposes collapse in both."""
        left, right = self.mechanisms
        works = [
            name for name, found in left.items() if found[0].mechanism.decenters or found[0].mechanism.decorrelates
        ]
        return tuple(name for name in works if name in right)
