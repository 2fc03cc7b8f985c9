"""The mathematics of an emitted module: from nodes of the typed graph to the lines of its objective."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from losslang.algebra.schedule import Stage, kinds_of, stages
from losslang.algebra.wide import OF_WIDE, PROMOTE, wide_values
from losslang.backend.code import ATOM, Code, call, method
from losslang.backend.exchange import CALLED, EXCHANGE_KERNELS, EXCHANGE_STATES, EXCHANGED
from losslang.backend.fused_kernels import FUSED_KERNELS
from losslang.backend.kernels import KERNELS
from losslang.backend.lifetimes import with_ends
from losslang.backend.names import RESERVED, commented, fresh_name, short_place
from losslang.backend.operands import as_tensor, is_large
from losslang.backend.state import STATES, Names
from losslang.backend.traits import LABELS, OF_MASKS, SHARE, keeps_nothing, takes
from losslang.objective.axes import VIEW
from losslang.objective.boundary import Input
from losslang.objective.context import static_value
from losslang.objective.graph import Graph, Node
from losslang.objective.schedules import Clock, Schedule
from losslang.objective.spec import Spec

__all__ = ["Body", "needed"]

WIDTH = 88  # of an expression, beyond which its value gets a name


def needed(graph: Graph, inputs: tuple[Input, ...]) -> list[Node]:
    """The nodes that the terms and the states are made of, operands first, down to the inputs."""
    return graph.down_to({i.node.number for i in inputs})


class Waited(NamedTuple):
    """What is exchanged together, the line where that begins, how it is begun there, or how it is had at once."""

    nodes: Sequence[Node]
    line: int
    begun: str
    at_once: str

    def target(self, names: Sequence[str]) -> str:
        """What a wait is assigned to: a function of one value gives it as it is."""
        alone = len(names) == 1
        return names[0] if alone and self.nodes[0].op in CALLED else f"({names[0]},)" if alone else ", ".join(names)

    @property
    def apart(self) -> str:
        """How the values of one call are taken apart."""
        return ".unbind(0)" if len(self.nodes) > 1 and self.nodes[0].op in CALLED else ""


@dataclass
class Body:
    """One way to compute the terms, line by line.

    `attributes` are those of the module, by kind and name; `alike` are the numbers of the nodes whose gradient is the same on all
    of many processes.
    """

    spec: Spec
    graph: Graph
    clock: Clock
    inputs: tuple[Input, ...]
    attributes: Mapping[tuple[str, str], str]
    alike: Collection[int] = ()
    taken: set[str] = field(default_factory=lambda: set(RESERVED))
    codes: dict[int, Code] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    uses: Counter[int] = field(default_factory=Counter)
    users: dict[int, list[Node]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    meanwhile: set[int] = field(default_factory=set)
    coming: dict[int, Waited] = field(default_factory=dict)
    heavy: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Inputs get their names first, then what the method names."""
        graph = self.graph
        self.nodes = needed(graph, self.inputs)
        self.wide = wide_values(self.nodes, {i.node.number for i in self.inputs})
        attributes = {n: a for (kind, n), a in self.attributes.items() if kind == "state"}
        wide = {str(node["name"]) for node in self.nodes if node.number in self.wide and node.op in _STATES}
        self.states = Names(attributes, self.fresh, self.held, wide)
        for i in self.inputs:
            self.codes[i.node.number] = Code(self.fresh(i.name))
        for name, node in graph.definitions.items():
            self.names.setdefault(node.number, name)
        for term in graph.terms:
            self.names.setdefault(term.value.number, term.name)
            if term.raw is not None:
                self.names.setdefault(term.raw.number, f"raw_{term.name}")

    @property
    def arguments(self) -> list[str]:
        """The local names of the inputs."""
        return [self.codes[i.node.number].text for i in self.inputs]

    def lines(self) -> list[str]:
        """The lines, from the inputs to the output."""
        first = self.arguments[0]
        nodes = [node for node in self.nodes if node.number not in self.codes]
        for node in nodes:
            for child in node.inputs:
                self.users.setdefault(child.number, []).append(node)
        self.uses = Counter(child.number for node in nodes for child in node.inputs)
        self.uses.update(term.value.number for term in self.graph.terms)
        for i in self.inputs:
            self.split(i.node)
        for stage in stages(nodes, kinds_of(node for node in nodes if node.number not in self.codes)):
            self.stage(stage)
        output = self.output_line()
        assert all(self.written)
        named = {code.text: node for node in nodes if (code := self.codes[node.number]).text.isidentifier()}
        lines = with_ends([*self.written, output], named, self.users, self.heavy)
        text = "\n".join(lines)
        used = [n for n in ("dtype", "device") if re.search(rf"\b{n}\b(?!=)", text)]
        head = [f"{', '.join(used)} = {', '.join(f'{first}.{n}' for n in used)}"] if used else []
        return [*head, *lines]

    def split(self, node: Node) -> None:
        """Views that are used one by one get their names together, so that their gradients are stacked once."""
        chosen = {user["view"]: user for user in self.users.get(node.number, []) if user.op == "select"}
        dim = node.type.find(VIEW)
        if dim is None or len(chosen) < 2 or 2 * len(chosen) < len(dim.labels):
            return
        code = self.codes[node.number]
        names = []
        for view, label in enumerate(dim.labels):
            names.append(self.fresh(f"{code.text}_{label}") if view in chosen else "_")
            if view in chosen:
                self.codes[chosen[view].number] = Code(names[-1])
        place = node.type.position(VIEW)
        self.written.append(commented(f"{', '.join(names)} = {code.text}.unbind({place})", _place(node)))

    def stage(self, stage: Stage) -> None:
        """Begin what is exchanged, and do meanwhile what does not wait for it."""
        for batch in stage.batches:
            self.work(batch.before)
            self.begin(batch.exchanged)
        inside = {node.number for node in stage.beside}
        later = {n.number for n in stage.beside if any(u.number not in inside for u in self.users.get(n.number, []))}
        self.meanwhile = later if stage.batches else set()
        self.work(stage.beside)

    def begin(self, exchanged: Sequence[Node]) -> None:
        """Ask for values together."""
        if exchanged[0].op in CALLED:
            begun = self.called(exchanged)
            at_once = f"{begun}.wait()"
        else:
            sent = ", ".join([self.sent(node) for node in exchanged])
            begun, at_once = f"share.begin({sent})", f"share.exchange({sent})"
        waited = Waited(exchanged, len(self.written), begun, at_once)
        self.written.append("")  # written where somebody waits
        self.coming.update(dict.fromkeys((node.number for node in exchanged), waited))

    def called(self, nodes: Sequence[Node]) -> str:
        """One call of a function that communicates, for all the values to which it is applied alike."""
        codes = [[self.operand(node, place) for place in range(len(node.inputs))] for node in nodes]
        alike = all(node.number in self.alike for node in nodes)
        return CALLED[nodes[0].op](nodes, codes, alike).text

    def named(self, nodes: Sequence[Node]) -> list[str]:
        """New names of values."""
        return [self.fresh(self.names.get(n.number) or LABELS.get(n.op, n.op)) for n in nodes]

    def work(self, part: Sequence[Node]) -> None:
        """Write what is not exchanged."""
        for node in part:
            if node.number not in self.codes:
                before = len(self.written)
                self.codes.setdefault(node.number, self.node(node))
                if any(is_large(value.type) for value in (node, *node.inputs)):
                    self.heavy.add(max(before, len(self.written) - 1))
                self.split(node)

    def sent(self, node: Node) -> str:
        """What is asked for in an exchange."""
        return EXCHANGED[node.op](node, as_tensor(self.operand(node, 0)), node.number in self.alike)

    def code(self, node: Node) -> Code:
        """The source of a value; where it is still coming, somebody waits for it."""
        if node.number not in self.codes:
            self.wait(self.coming[node.number])
        return self.codes[node.number]

    def wait(self, for_: Waited) -> None:
        """Write the wait, or the exchange as a whole where nothing is done meanwhile."""
        nodes = for_.nodes
        names = self.named(nodes)
        target, places = for_.target(names), _places(nodes)
        if len(self.written) > for_.line + 1:
            begun = self.fresh("coming")
            self.written[for_.line] = commented(f"{begun} = {for_.begun}", places)
            self.written.append(f"{target} = {begun}.wait(){for_.apart}")
        else:
            self.written[for_.line] = commented(f"{target} = {for_.at_once}{for_.apart}", places)
        for node, name in zip(nodes, names, strict=True):
            self.codes[node.number] = Code(name)
            self.split(node)

    def held(self, node: Node) -> bool:
        """Whether the way back may need the value of a node itself, or of what shares its memory."""
        users = self.users.get(node.number, [])
        term = any(node is root for t in self.graph.terms for root in (t.value, t.raw))
        return term or any(
            (user.trains and not keeps_nothing(user)) or (user.op in SHARE and self.held(user)) for user in users
        )

    def fresh(self, wanted: str) -> str:
        """A local name that is free."""
        return fresh_name(wanted, self.taken)

    def node(self, node: Node) -> Code:
        """The value of a node; lines it needs are written."""
        code = self.leaf(node)
        if code is not None:
            return code
        operands = [self.operand(node, place) for place in range(len(node.inputs))]
        if node.op in _STATES:
            lines, code = _STATES[node.op].use(node, operands, self.states, self.clock)
            self.written += [commented(line, _place(node)) for line in lines]
        elif node.op == "apply":
            code = self.apply(node, operands[0])
        else:
            code = self.narrowed(node, _KERNELS[node.op](node, operands))
        return self.bind(node, code) if self.deserves_name(node, code) else code

    def operand(self, node: Node, place: int) -> Code:
        """An operand as source, in the precision of the operation; a mask as numbers, where it is not asked for as a mask."""
        child = node.inputs[place]
        code = self.code(child)
        if child.type.kind == "mask":
            wanted = node.op in OF_MASKS or (place == 1 and "where" in takes(node.op))
            return code if wanted else method(code, "to", "dtype")
        if not child.type.dims or (child.number in self.wide) == (node.number in self.wide):
            return code
        if child.number in self.wide:
            return code if node.op in OF_WIDE else method(code, "to", "dtype")
        return replace(code, own=False) if node.op in PROMOTE else method(code, "double")

    def narrowed(self, node: Node, code: Code) -> Code:
        """The log-determinant of a wide matrix in the precision of the embeddings."""
        if node.op != "logdet" or node.number in self.wide or node.inputs[0].number not in self.wide:
            return code
        return method(code, "to", "dtype")

    def leaf(self, node: Node) -> Code | None:
        """The value of a node that is known without operands."""
        if node.op == "constant":
            return Code(repr(node["value"]), ATOM, scalar=True)
        if node.op == "parameter":
            return Code(f"self.{self.attributes['parameter', str(node['name'])]}", ATOM, scalar=True)
        if node.op == "schedule":
            return self.bind(node, _schedule(node, self.clock), str(node["name"]))
        folded = static_value(node, {}) if not node.inputs or node.op in {"add", "multiply", "power"} else None
        return Code(repr(folded), ATOM, scalar=True) if folded is not None and folded >= 0 else None

    def apply(self, node: Node, operand: Code) -> Code:
        """A network that lives in the loss, on its operand."""
        name = f"self.{self.attributes['network', str(node['network'])]}"
        axes = node.inputs[0].type.axes
        if axes[0].name == "view":
            mode = "jointly" if self.spec.forward[str(node["network"])] == "joint" else "separately"
            if len(axes) == 3:
                return call(mode, name, operand.text)
        return call(name, operand.text) if len(axes) == 2 else call("on_rows", name, operand.text)

    def deserves_name(self, node: Node, code: Code) -> bool:
        """Whether a value stands on a line of its own."""
        simple = re.fullmatch(r"[\w.]+(\[[\d:, ]+\])?(\.detach\(\))?", code.text) is not None
        if simple or code.scalar:
            return False
        used = self.uses[node.number] > 1 or node.number in self.names or node.number in self.meanwhile
        return used or len(code.text) > WIDTH

    def bind(self, node: Node, code: Code, wanted: str = "") -> Code:
        """Write a line that gives the value a name."""
        name = self.fresh(wanted or self.names.get(node.number) or LABELS.get(node.op, node.op))
        self.written.append(commented(f"{name} = {code.text}", _place(node)))
        return Code(name)

    def output_line(self) -> str:
        """The last line."""
        terms = self.graph.terms
        codes = {term.name: as_tensor(self.code(term.value)).text for term in terms}
        raw = {term.name: as_tensor(self.code(term.raw)).text for term in terms if term.raw is not None}

        def table(entries: dict[str, str]) -> str:
            return "{" + ", ".join(f'"{name}": {code}' for name, code in entries.items()) + "}"

        return f"return Output({' + '.join(codes.values())}, {table(codes)}, {table(raw)})"


_KERNELS = {**KERNELS, **FUSED_KERNELS, **EXCHANGE_KERNELS}
_STATES = {**STATES, **EXCHANGE_STATES}


def _place(node: Node) -> str:
    return short_place(str(node.span))


def _places(nodes: Sequence[Node]) -> str:
    return ", ".join(dict.fromkeys(_place(node) for node in nodes))


def _schedule(node: Node, clock: Clock) -> Code:
    schedule = node["schedule"]
    assert isinstance(schedule, Schedule)
    plan = schedule.plan(clock)
    parts = [repr(schedule.kind), repr(schedule.start), repr(schedule.end)]
    return call(
        "schedule_value", "self.step", *parts, *(str(n) for n in (plan.warm, plan.last, plan.span, plan.quantum))
    )
