"""The typed graph as text: one line a value, with its type, its operation and its place."""

from __future__ import annotations

from collections.abc import Mapping

from losslang.objective.axes import Axis
from losslang.objective.graph import Attribute, Node
from losslang.objective.schedules import Schedule
from losslang.objective.spec import Spec

__all__ = ["show_graph"]


def show_graph(spec: Spec, made_by: Mapping[int, str] | None = None) -> str:
    """The values of a method in order of computation, then its terms. `made_by`: the row that made a node, by its number."""
    names = {node.number: name for name, node in reversed(spec.graph.definitions.items())}
    lines = [f"method {spec.method_name}"]
    labels: dict[int, str] = {}
    for count, node in enumerate(spec.graph.nodes()):
        labels[node.number] = names.get(node.number, f"v{count}")
        row = (made_by or {}).get(node.number)
        lines.append(_line(node, labels, f"  by {row}" if row else ""))
    lines += [f"minimise {term.name}: {labels[term.value.number]}" for term in spec.graph.terms]
    return "\n".join(lines)


def _line(node: Node, labels: dict[int, str], row: str) -> str:
    inputs = [labels[child.number] for child in node.inputs]
    options = [f"{key}={_spell(value)}" for key, value in node.attributes if value is not None]
    kind = "" if node.type.kind == "real" else f" {node.type.kind}"
    trains = f"  trains {', '.join(sorted(node.trains))}" if node.trains else ""
    via = f"  in {' > '.join(node.via)}" if node.via else ""
    call = f"{node.op}({', '.join([*inputs, *options])})"
    return f"  {labels[node.number]}: {node.type}{kind} = {call}{trains}{via}{row}  # {node.span}"


def _spell(value: Attribute) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_spell(item) for item in value) + "]"
    if isinstance(value, Schedule):
        return f"{value.kind}({value.start:g}, {value.end:g})"
    if isinstance(value, Axis):
        return str(value)
    return str(value).lower() if isinstance(value, bool) else f"{value}"
