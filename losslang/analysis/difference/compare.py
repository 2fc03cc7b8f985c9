"""What two methods differ in, by role: terms, mechanisms, networks, constants, views, state, names, recipes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from losslang.analysis.difference.difference import Difference, Row
from losslang.analysis.difference.networks import describe, scalar, what_differs
from losslang.analysis.difference.pairing import Pair, Side, pair_names
from losslang.analysis.difference.relation import NORMAL_FORM, Relation
from losslang.analysis.difference.side_by_side import Comparison
from losslang.analysis.difference.terms import Matched
from losslang.analysis.structure.branches import predictors_of
from losslang.analysis.structure.mechanisms import Found
from losslang.objective.graph import Node, walk
from losslang.objective.schedules import Schedule
from losslang.objective.spec import Spec

__all__ = ["SECTIONS", "compare", "difference", "tidy", "used_parameters"]


def compare(left: Spec, right: Spec, small_left: Spec, small_right: Spec) -> Difference:
    """The difference of two methods; the small ones are the same methods with small sizes, for numbers."""
    return difference(Comparison(Side(left, small_left), Side(right, small_right)))


def difference(both: Comparison) -> Difference:
    """What two methods differ in."""
    rows = tuple(row for section in SECTIONS for row in section(both))
    left, right = both.specs
    return Difference(left.method_name, right.method_name, rows, both.shared)


# ---------------------------------------------------------------- terms


def _terms(both: Comparison) -> Iterator[Row]:
    for matched in both.matched:
        yield _term(both, matched)


def _term(both: Comparison, matched: Matched) -> Row:
    texts = [_formula(spec, names) for spec, names in zip(both.specs, (matched.left, matched.right), strict=True)]
    role = ", ".join(matched.left or matched.right)
    if not matched.right:
        return Row(role, texts[0], "", "removed")
    if not matched.left:
        return Row(role, "", texts[1], "added")
    renamed = f"renamed to {matched.right[0]}" if matched.left != matched.right else ""
    if len(matched.left) + len(matched.right) > 2:
        return Row(role, texts[0], texts[1], "the same sum", "name", by=NORMAL_FORM)
    found = matched.relation
    if found is None:
        return Row(
            role, texts[0], texts[1], "; ".join(filter(None, [renamed, "another function"])), by="values and gradients"
        )
    if found.identity and not (found.loose and both.terms.alike):
        return Row(
            role, texts[0], texts[1], renamed, "name" if renamed else "mathematics", equal=not renamed, by=found.by
        )
    kind = "stability" if found.scale < 0 else "mathematics"  # what it opposed it now rewards
    return Row(role, texts[0], texts[1], "; ".join(filter(None, [renamed, _related(found)])), kind, by=found.by)


def _formula(spec: Spec, names: tuple[str, ...]) -> str:
    return " + ".join(tidy(term.span.text) for term in spec.graph.terms if term.name in names)


def _related(relation: Relation) -> str:
    if relation.constant:
        return "differ in a constant, below what values show"
    parts = [f"scale x{relation.scale:.6g}"] if relation.scale != 1 else []
    parts += [f"offset {relation.offset:+.6g}"] if relation.offset else []
    parts += [] if relation.gradients_agree else ["gradients differ"]
    return ", ".join(parts) or "of other embeddings"


# ---------------------------------------------------------------- mechanisms and networks

_ROWS_OF_THEIR_OWN = {"stop-gradient", "EMA target", "predictor", "output norm"}
"""Mechanisms that other rows show: the target, the network on one side, the layers of a network."""


def _mechanisms(both: Comparison) -> Iterator[Row]:
    """What keeps the center short and the dimensions in use, in each."""
    yield from _target(both)
    left, right = both.mechanisms
    for name in dict.fromkeys([*left, *right]):
        if name not in _ROWS_OF_THEIR_OWN:
            texts = [_details(side[name]) if name in side else "" for side in (left, right)]
            yield Row(name, texts[0], texts[1], "", "stability", equal=both.same or (name in left and name in right))


def _target(both: Comparison) -> Iterator[Row]:
    """The branch that the other is compared with: free, stopped, or an average that follows."""
    texts = [_branch(spec, side) for spec, side in zip(both.specs, both.mechanisms, strict=True)]
    if any(texts):
        kind = "stability" if len({text.partition(",")[0] for text in texts}) > 1 else "architecture"
        shown = [text or "gradient flows into both" for text in texts]
        yield Row("target", shown[0], shown[1], "", kind, equal=both.same or texts[0] == texts[1])


def _details(found: Sequence[Found]) -> str:
    return "; ".join(dict.fromkeys(one.detail for one in found))


def _branch(spec: Spec, side: Mapping[str, Sequence[Found]]) -> str:
    if "EMA target" in side:
        momenta = [n.momentum for n in spec.networks.values() if n.kind == "ema" and n.momentum is not None]
        return f"EMA of the online network, momentum {', '.join(scalar(m) for m in momenta)}"
    if "stop-gradient" in side:
        return f"stop-gradient {_details(side['stop-gradient'])}"
    assigned = any(node.op in {"sinkhorn", "argmax", "centroids"} for node in spec.graph.nodes())
    return "assignments of the online network, without gradient" if assigned else ""


def _networks(both: Comparison) -> Iterator[Row]:
    heads = [set(predictors_of(spec)) for spec in both.specs]
    for pair in both.networks:
        ours, theirs = (spec.networks.get(name or "") for spec, name in zip(both.specs, pair, strict=True))
        texts = [describe(network) if network else "" for network in (ours, theirs)]
        changed = pair in both.changed_networks
        if _shown_as_target(both, pair):
            continue
        note = "" if ours and theirs else "removed" if ours else "added"
        if ours and theirs and ours.kind == theirs.kind == "mlp":
            note = what_differs(ours, theirs)
        role = pair[0] or pair[1] or ""
        lost = (pair[0] in heads[0]) != (pair[1] in heads[1])
        yield Row(
            role, texts[0], texts[1], note, "stability" if lost else "architecture", equal=not changed and not lost
        )
        if None not in pair and pair[0] != pair[1]:
            yield Row("network", pair[0] or "", pair[1] or "", "renamed", "name")


def _shown_as_target(both: Comparison, pair: Pair) -> bool:
    """Moving averages that differ in nothing but their momentum, or that one has, are in the row of the target."""
    networks = [spec.networks.get(name or "") for spec, name in zip(both.specs, pair, strict=True)]
    kinds = {network.kind for network in networks if network is not None}
    averaged = {describe(network.parts[0]) for network in networks if network is not None and network.parts}
    alone = None in networks
    return kinds == {"ema"} and pair in both.changed_networks and (alone or len(averaged) == 1)


# ---------------------------------------------------------------- constants, views, state


def _constants(both: Comparison) -> Iterator[Row]:
    """Parameters of the loss that have one name and two values, or two names, one value and one place."""
    left, right = (used_parameters(spec) for spec in both.specs)
    roles = [{name: match.left for match in both.matched for name in names(match)} for names in (_lefts, _rights)]
    places = [_parameter_places(spec, role) for spec, role in zip(both.specs, roles, strict=True)]
    texts = [{n: f"{side[n]} in {place[n]}" for n in side} for side, place in zip((left, right), places, strict=True)]
    for one, two in pair_names(*texts):
        if one is None or two is None:
            continue  # written as a number there: the terms say whether it is the same one
        if one != two:
            yield Row("parameter", one, two, "renamed", "name")
        elif left[one] != right[two]:
            yield Row(f"parameter {one}", left[one], right[two], "", "detail")


def _lefts(match: Matched) -> tuple[str, ...]:
    return match.left


def _rights(match: Matched) -> tuple[str, ...]:
    return match.right


def _parameter_places(spec: Spec, roles: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """The terms that a parameter stands in, by their names on the left."""
    found: dict[str, set[str]] = defaultdict(set)
    for term in spec.graph.terms:
        for node in walk([term.value]):
            if node.op in {"parameter", "schedule"}:
                found[str(node["name"])] |= set(roles.get(term.name, (f"added {term.name}",)))
    return defaultdict(str, {name: ", ".join(sorted(terms)) for name, terms in found.items()})


def used_parameters(spec: Spec) -> dict[str, str]:
    """The values of the parameters that stand in the loss."""
    names = {str(node["name"]) for node in spec.graph.nodes() if node.op in {"parameter", "schedule"}}
    return {name: _value(spec.parameters[name].value) for name in spec.parameters if name in names}


def _value(value: float | Schedule | None) -> str:
    return "changes" if value is None else scalar(value)


def _views(both: Comparison) -> Iterator[Row]:
    sides = [{name: len(group) for name, group in spec.view_groups.items()} for spec in both.specs]
    texts = [", ".join(f"{name} x{count}" if count > 1 else name for name, count in side.items()) for side in sides]
    yield Row("views", texts[0], texts[1], "", "mathematics", equal=both.views_alike)
    words = [", ".join(f"{n} {m}" for n, m in s.forward.items() if m == "joint") or "separate" for s in both.specs]
    yield Row("batch norm sees", words[0], words[1], "", "architecture", equal=both.forward_alike)


def _states(both: Comparison) -> Iterator[Row]:
    sides = [{state.name: state.node for state in spec.graph.states} for spec in both.specs]
    texts = [{name: _state(node) for name, node in side.items()} for side in sides]
    for one, two in pair_names(*texts):
        shown = [texts[0].get(one or "", ""), texts[1].get(two or "", "")]
        yield Row(one or two or "", shown[0], shown[1], "", "mathematics", equal=shown[0] == shown[1])


def _state(node: Node) -> str:
    options = [f"{key} {value}" for key, value in node.attributes if key in {"read", "init", "start"} and value]
    return " ".join([f"{node.op} {node.type}", *options])


# ---------------------------------------------------------------- names and recipes


def _definitions(both: Comparison) -> Iterator[Row]:
    """Values that have another name in the other method, or another formula."""
    left, right = (spec.graph.definitions for spec in both.specs)
    for one, two in pair_names(both.sides[0].texts, both.sides[1].texts):
        if one is None or two is None:
            continue
        if one != two:
            yield Row("definition", one, two, "renamed", "name")
            continue
        texts = [tidy(side[one].span.text) for side in (left, right)]
        if texts[0] != texts[1] and not both.same:
            yield Row(f"definition {one}", texts[0], texts[1], "", "detail")


def tidy(text: str) -> str:
    """A formula on one line."""
    return re.sub(r"(?<=[(\[]) | (?=[)\]])", "", " ".join(text.split()))


def _recipes(both: Comparison) -> Iterator[Row]:
    left, right = (spec.recipes for spec in both.specs)
    for recipe in dict.fromkeys([*left, *right]):
        sides = [side.get(recipe, {}) for side in (left, right)]
        differing = [key for key in dict.fromkeys([*sides[0], *sides[1]]) if sides[0].get(key) != sides[1].get(key)]
        texts = [", ".join(f"{key} {side[key]}" for key in differing or side if key in side) for side in sides]
        yield Row(f"recipe {recipe}", texts[0], texts[1], "", "recipe", equal=not differing)


SECTIONS: tuple[Callable[[Comparison], Iterator[Row]], ...] = (
    _terms,
    _constants,
    _mechanisms,
    _networks,
    _views,
    _states,
    _definitions,
    _recipes,
)
"""The parts of a difference in the order in which they are shown; each gives its rows."""
