"""A method that has been read, resolved and typed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

from losslang.diagnostics import Diagnostic, Source
from losslang.objective.graph import Graph, Node
from losslang.objective.networks import Network
from losslang.objective.parameters import Override, ParameterValue
from losslang.objective.views import Views

__all__ = ["Spec"]


@dataclass(frozen=True)
class Spec:
    """A checked method: what `losslang.load` gives and every later stage takes."""

    method_name: str
    title: str
    paper: str
    notes: str
    source: Source = field(repr=False)
    bases: tuple[str, ...]
    parameters: dict[str, ParameterValue]
    view_set: Views = field(repr=False)
    forward: dict[str, str]
    networks: dict[str, Network]
    network_inputs: dict[str, int | str]
    graph: Graph = field(repr=False)
    recipes: dict[str, dict[str, object]]
    recipe_places: dict[str, dict[str, str]]
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def views(self) -> tuple[str, ...]:
        """Every view, in order of declaration."""
        return self.view_set.all.names

    @property
    def view_groups(self) -> dict[str, tuple[str, ...]]:
        """The views of every group."""
        return {name: group.names for name, group in self.view_set.groups.items()}

    @property
    def overrides(self) -> dict[str, Override]:
        """The parameters that were set from outside."""
        return {
            name: Override(value.value, value.source)
            for name, value in self.parameters.items()
            if value.overridden and isinstance(value.value, int | float)
        }

    @property
    def source_text(self) -> str:
        """The method file as read."""
        return self.source.text

    @cached_property
    def hash(self) -> str:
        """A short hash of the graph, networks and parameters: equal for equal methods, whatever their layout."""
        lines = sorted(f"{name}={value.value}" for name, value in self.parameters.items())
        lines += sorted(f"{name} sees {mode}" for name, mode in self.forward.items())
        lines += [f"{name}={network}" for name, network in sorted(self.networks.items())]
        lines += [_spell(node) for node in self.graph.nodes()]
        lines += [f"{term.name}={_spell(term.value)}" for term in self.graph.terms]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _spell(node: Node) -> str:
    inputs = ", ".join(str(child.number) for child in node.inputs)
    return f"{node.number} = {node.op}({inputs}) {node.attributes} {node.type}"
