"""The canonical form as text, in the words of the language; what is used again has a name of its own."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping

from losslang.algebra.canonical import Canonical
from losslang.algebra.digest import spell
from losslang.algebra.polynomial import factors, parts
from losslang.objective.axes import VIEW
from losslang.objective.graph import Attribute, Node, walk
from losslang.objective.spec import Spec

__all__ = ["show_canonical"]

WIDTH = 100

_LONG = 24  # characters from which a value that is used again gets a name


def show_canonical(form: Canonical) -> str:
    """Every term as scale · value + offset, with the values that it is made of above it."""
    writer = _Writer(form)
    lines = [f"method {form.spec.method_name}  {form.hash}"]
    lines += [] if form.complete else ["the rewriting found no end: this is the method's own graph"]
    for term in form.terms:
        summands = writer.summands(term.node)
        lines += [*writer.named, f"  minimise {term.name}:"]
        lines += [line for text in summands for line in _wrapped(text, "    ")]
        writer.named.clear()
    return "\n".join(lines)


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}    ", break_long_words=False)


class _Writer:
    """Writes values; `named` collects the lines of values that got a name since it was emptied."""

    def __init__(self, form: Canonical) -> None:
        self.names = _names_of_leaves(form)
        self.views = form.spec.views
        nodes = list(walk(term.node for term in form.terms))
        self.uses = Counter(child.number for node in nodes for child in node.inputs)
        self.known: dict[int, str] = {}
        self.named: list[str] = []
        self.count = 0

    def text(self, node: Node) -> str:
        """A value; operands first, so that no depth is too deep."""
        for value in walk([node]):
            if value.number not in self.known:
                self.known[value.number] = self._short(value, self._written(value))
        return self.known[node.number]

    def summands(self, node: Node) -> list[str]:
        """The summands of a term, each with its sign."""
        inner, offset = parts(node)
        texts = [_scaled(scale, self.text(body)) for scale, body in inner]
        texts += [spell(offset)] if offset or not texts else []
        return [text.replace("-", "- ", 1) if text.startswith("-") else f"+ {text}" for text in texts]

    def _short(self, node: Node, text: str) -> str:
        if self.uses[node.number] < 2 or len(text) < _LONG:
            return text
        self.count += 1
        self.named += _wrapped(f"v{self.count} {node.type} = {text}")
        return f"v{self.count}"

    def _written(self, node: Node) -> str:
        name = self.names.get(node.number)
        if name is not None:
            return name
        if node.op == "combination":
            return self._sum(node)
        if node.op == "monomial":
            return self._product(node)
        inner = [self.known[child.number] for child in node.inputs]
        match node.op:
            case "constant":
                return spell(node["value"])
            case "length":
                return f"size({node['axis']})"
            case "select":
                return f"{_bracket(inner[0])}[{self._view(node)}]"
            case "schedule" | "running" | "queue" | "memory" | "centroids":
                return str(node["name"])
            case "apply":
                return f"{node['network']}({inner[0]})"
            case "images":
                return "x"
        options = [f"{key}={_option(value)}" for key, value in node.attributes if key not in {"name", "of"}]
        return f"{node.op}({', '.join([*inner, *options])})"

    def _view(self, node: Node) -> str:
        dim, place = node.inputs[0].type.find(VIEW), node["view"]
        assert dim is not None
        assert isinstance(place, int)
        return dim.labels[place] if dim.labels else str(place)

    def _sum(self, node: Node) -> str:
        inner, offset = parts(node)
        words = [_scaled(scale, self.known[body.number]) for scale, body in inner]
        words += [spell(offset)] if offset else []
        return " + ".join(words).replace("+ -", "- ")

    def _product(self, node: Node) -> str:
        above = [self._factor(base, power) for base, power in factors(node) if power > 0]
        below = [self._factor(base, -power) for base, power in factors(node) if power < 0]
        bottom = f"({' * '.join(below)})" if len(below) > 1 else "".join(below)
        return " * ".join(above or ["1"]) + (f" / {bottom}" if below else "")

    def _factor(self, base: Node, power: float) -> str:
        text = self.known[base.number]
        if power == 1:
            return _bracket(text)
        return f"sqrt({text})" if power == 0.5 else f"{_bracket(text)}^{spell(power)}"


def _scaled(scale: float, text: str) -> str:
    if abs(scale) == 1:
        return f"{'-' if scale < 0 else ''}{text}"
    return f"{spell(scale)} * {text}"


def _bracket(text: str) -> str:
    """A sum or product in brackets, where it is not in some already."""
    depth = 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == " " and not depth:
            return f"({text})"
    return text


def _option(value: Attribute) -> str:
    if isinstance(value, tuple):
        inner = ", ".join(map(spell, value))
        return inner if len(value) == 1 else f"[{inner}]"
    return spell(value)


def _names_of_leaves(form: Canonical) -> Mapping[int, str]:
    """Networks' outputs by the names of their definitions."""
    names = {_leaf(form.spec, node): name for name, node in reversed(form.spec.graph.definitions.items())}
    found = {}
    for node in walk(term.node for term in form.terms):
        if node.op == "apply" and _leaf(form.spec, node) in names:
            found[node.number] = names[_leaf(form.spec, node)]
    return found


def _leaf(spec: Spec, node: Node) -> tuple[object, ...]:
    """The networks and views of an output, outermost first; itself where it is no output of networks."""
    chain: list[object] = []
    while node.op in {"apply", "select", "take"}:
        chain.append(node["network"] if node.op == "apply" else (node.op, node.attributes))
        node = node.inputs[0]
    return (*chain, node.op) if chain and node.op == "images" else (node.number, spec.method_name)
