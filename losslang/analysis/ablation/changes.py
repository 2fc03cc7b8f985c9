"""Ablations: a method without one of its terms or mechanisms, or with another weight, as edited trees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from losslang.analysis.structure.branches import predictors_of
from losslang.objective.resolve import Resolved
from losslang.objective.spec import Spec
from losslang.syntax.tree import Binary, Call, Entry, Expression, Name, Number
from losslang.syntax.walk import rewritten

__all__ = ["Ablated", "ablations"]


WEAKER, STRONGER = 0.1, 10


@dataclass(frozen=True)
class Ablated:
    """A method with one change: in words, as the end of a name, and the method that is left."""

    change: str
    short: str
    resolved: Resolved


def ablations(spec: Spec, resolved: Resolved) -> Iterator[Ablated]:
    """Every method that is left when one term or mechanism goes, and with every term ten times weaker and stronger."""
    for make in (_terms, _scaled, _predictors, _targets, _stops, _centers, _output_norms):
        yield from make(spec, resolved)


def _terms(spec: Spec, resolved: Resolved) -> Iterator[Ablated]:
    if len(spec.graph.terms) > 1:
        for term in spec.graph.terms:
            rest = {name: entry for name, entry in resolved.objective.items() if name != term.name}
            yield Ablated(f"without the term {term.name}", f"without_{term.name}", replace(resolved, objective=rest))


def _scaled(spec: Spec, resolved: Resolved) -> Iterator[Ablated]:
    """A single term has nothing to be weak or strong against."""
    for term in spec.graph.terms if len(spec.graph.terms) > 1 else ():
        for factor, word in ((WEAKER, "tenth"), (STRONGER, "tenfold")):
            entry = resolved.objective[term.name]
            assert entry.value is not None
            value = Binary("*", Number(factor, f"{factor:g}"), entry.value)
            objective = {**resolved.objective, term.name: replace(entry, value=value)}
            change = f"the term {term.name} times {factor:g}"
            yield Ablated(change, f"{term.name}_{word}", replace(resolved, objective=objective))


def _predictors(spec: Spec, resolved: Resolved) -> Iterator[Ablated]:
    for name in predictors_of(spec):
        what = "the predictor" if name == "predictor" else f"the predictor {name}"
        yield Ablated(f"without {what}", f"without_{name}", _with_network(resolved, name, Name("identity")))


def _targets(spec: Spec, resolved: Resolved) -> Iterator[Ablated]:
    for name, network in spec.networks.items():
        value = resolved.networks[name].value
        if network.kind == "ema" and isinstance(value, Call):
            yield Ablated(
                f"without the moving average of {name}",
                f"{name}_not_averaged",
                _with_network(resolved, name, value.arguments[0]),
            )


def _stops(_spec: Spec, resolved: Resolved) -> Iterator[Ablated]:
    def free(expression: Expression) -> Expression:
        stopped = isinstance(expression, Call) and expression.function == "stopgrad"
        return expression.arguments[0] if stopped else expression  # type: ignore[union-attr]

    edited = replace(resolved, define=_edited(resolved.define, free), objective=_edited(resolved.objective, free))
    if edited.define != resolved.define or edited.objective != resolved.objective:
        yield Ablated("without stop-gradients", "without_stopgrad", edited)


def _centers(spec: Spec, resolved: Resolved) -> Iterator[Ablated]:
    for state in spec.graph.states:
        if state.node.op == "running" and state.node["read"] == "before":
            entry = replace(resolved.define[state.name], value=Number(0, "0"))
            yield Ablated(
                f"without the running {state.name}",
                f"without_{state.name}",
                replace(resolved, define={**resolved.define, state.name: entry}),
            )


def _output_norms(spec: Spec, resolved: Resolved) -> Iterator[Ablated]:
    for name, network in spec.networks.items():
        value = resolved.networks[name].value
        if network.last_norm.kind != "none" and isinstance(value, Call):
            rest = tuple(keyword for keyword in value.keywords if keyword.name != "last_norm")
            yield Ablated(
                f"without the output norm of {name}",
                f"{name}_without_last_norm",
                _with_network(resolved, name, replace(value, keywords=rest)),
            )


def _with_network(resolved: Resolved, name: str, value: Expression) -> Resolved:
    entry = replace(resolved.networks[name], value=value)
    return replace(resolved, networks={**resolved.networks, name: entry})


def _edited(entries: dict[str, Entry], change: Callable[[Expression], Expression]) -> dict[str, Entry]:
    return {
        name: entry if entry.value is None else replace(entry, value=rewritten(entry.value, change))
        for name, entry in entries.items()
    }
