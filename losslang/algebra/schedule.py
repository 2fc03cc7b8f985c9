"""The order of the work of many processes: what is exchanged begins early, and what does not wait for it is done meanwhile.

What is ready together and of one kind is one exchange. What is ready early joins a later exchange of its kind where nothing that
is exchanged before that waits for it: there are fewer of them then, one after the other as many as before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from losslang.objective.graph import Node

__all__ = ["BEGUN", "TOGETHER", "Batch", "Stage", "kinds_of", "stages"]

BEGUN = {
    "across": "sum",
    "log_sum_across": "each",
    "largest_across": "largest",
    "gathered": "rows",
    "columns": "rows",
}
"""Nodes that are exchanged, and the collective of each: those of a kind go together, and work goes on meanwhile."""

TOGETHER = {
    "squared_products_across": 2,
    "logdet_of_products_across": 1,
    "trace_of_log_across": 2,
    "sinkhorn_across": 1,
    "argmax_across": 1,
}
"""Functions that communicate themselves: begun once for all values to which they are applied alike.

The number is that of the operands in which such calls may differ.
"""


class Batch(NamedTuple):
    """What is exchanged together, and what must be known for that and was not before."""

    before: list[Node]
    exchanged: list[Node]


class Stage(NamedTuple):
    """What waits for equally many exchanges: those that come next, and what can be done meanwhile."""

    batches: list[Batch]
    beside: list[Node]


def kinds_of(nodes: Iterable[Node]) -> dict[int, str]:
    """What every node that is exchanged has in common with those that go together with it, by number."""
    return {node.number: _kind(node) for node in nodes if node.op in BEGUN or node.op in TOGETHER}


def _kind(node: Node) -> str:
    if node.op in BEGUN:
        return f"{BEGUN[node.op]} {node.type.kind}"  # numbers of another kind do not travel together
    values, others = node.inputs[: TOGETHER[node.op]], node.inputs[TOGETHER[node.op] :]
    types, same = [str(value.type) for value in values], [other.number for other in others]
    return str((node.op, node.attributes, types, values[0] is values[-1], same))


def stages(nodes: Sequence[Node], kinds: Mapping[int, str]) -> list[Stage]:
    """Nodes, operands first, by the number of exchanges that they wait for; `kinds` has those that are one, by number."""
    places = _joined(nodes, kinds, _waits(nodes, kinds, {}))
    waits = _waits(nodes, kinds, places)
    last = max(waits.values(), default=0)
    found = [_stage([n for n in nodes if waits[n.number] == wait], kinds) for wait in range(last + 1)]
    under_way = [[], *(stage.batches for stage in found)]
    return [stage._replace(beside=_by_arrival(stage.beside, under_way[i])) for i, stage in enumerate(found)]


def _by_arrival(nodes: Sequence[Node], under_way: Sequence[Batch]) -> list[Node]:
    """Nodes, operands first: what waits for none of what is under way, then what waits for what was sent first, and so on."""
    places = {node.number: place for place, batch in enumerate(under_way, 1) for node in batch.exchanged}
    for node in nodes:
        places[node.number] = max((places.get(child.number, 0) for child in node.inputs), default=0)
    return sorted(nodes, key=lambda node: places[node.number])


def _waits(nodes: Sequence[Node], kinds: Mapping[int, str], places: Mapping[int, int]) -> dict[int, int]:
    """For how many exchanges a node waits, of which those in `places` come later than they must."""
    waits = dict[int, int]()
    for node in nodes:
        here = ((child.number, waits.get(child.number, 0)) for child in node.inputs)
        first = max((wait + (number in kinds) for number, wait in here), default=0)
        waits[node.number] = max(first, places.get(node.number, 0))
    return waits


def _joined(nodes: Sequence[Node], kinds: Mapping[int, str], waits: Mapping[int, int]) -> dict[int, int]:
    """Where every exchange takes place, when those that a later one of the kind can take along have joined it."""
    places = {number: waits[number] for number in kinds}
    last = max(places.values(), default=0)
    for place in range(last - 1, -1, -1):
        limits = _limits(nodes, places, last)
        for kind in sorted(set(kinds.values())):
            batch = [number for number, here in places.items() if here == place and kinds[number] == kind]
            later = [here for number, here in places.items() if here > place and kinds[number] == kind]
            if batch and later and min(later) <= min(limits[number] for number in batch):
                places.update(dict.fromkeys(batch, min(later)))
    return places


def _limits(nodes: Sequence[Node], places: Mapping[int, int], last: int) -> dict[int, int]:
    """The last place at which a node can be had: before all exchanges that wait for it."""
    limits = dict[int, int]()
    for node in reversed(nodes):
        here = limits.setdefault(node.number, last)
        wanted = places[node.number] - 1 if node.number in places else here
        for child in node.inputs:
            limits[child.number] = min(limits.get(child.number, last), wanted)
    return limits


def _stage(nodes: Sequence[Node], kinds: Mapping[int, str]) -> Stage:
    others, batches, known = [node for node in nodes if node.number not in kinds], list[Batch](), set[int]()
    for sent in sorted(_batches(nodes, kinds), key=lambda sent: sent[0].op in TOGETHER):
        wanted = _needed(nodes, sent) - known
        batches.append(Batch([node for node in others if node.number in wanted], sent))
        known |= wanted
    return Stage(batches, [node for node in others if node.number not in known])


def _batches(nodes: Sequence[Node], kinds: Mapping[int, str]) -> Iterator[list[Node]]:
    """What is exchanged by kind, what needs least first."""
    found = dict[str, list[Node]]()
    for node in nodes:
        if node.number in kinds:
            found.setdefault(kinds[node.number], []).append(node)
    yield from sorted(found.values(), key=lambda sent: len(_needed(nodes, sent)))


def _needed(nodes: Sequence[Node], sent: Sequence[Node]) -> set[int]:
    """The numbers of what must be known before."""
    wanted = {child.number for node in sent for child in node.inputs}
    for node in reversed(nodes):
        if node.number in wanted:
            wanted.update(child.number for child in node.inputs)
    return wanted
