"""From the typed graph to the source of one nn.Module."""

from __future__ import annotations

import builtins
import keyword
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from losslang import __version__
from losslang.backend.code import ATOM, Code, call, method
from losslang.backend.front import embed_lines
from losslang.backend.kernels import KERNELS, as_tensor
from losslang.backend.library import function_names, sources_for
from losslang.backend.state import STATES, Names, buffer_lines, commit_lines
from losslang.diagnostics import LosslangError
from losslang.objective.axes import BATCH
from losslang.objective.boundary import Input, find_inputs, is_embedding
from losslang.objective.context import static_value
from losslang.objective.graph import Node, walk_to
from losslang.objective.networks import Network
from losslang.objective.operations import OPERATIONS
from losslang.objective.schedules import Clock, Schedule
from losslang.objective.spec import Spec

__all__ = ["class_name", "emit", "has_memory", "loss_networks"]

WIDTH = 88
_RESERVED = {"rows", "self", "torch", "math", "nn", "Tensor", "dtype", "device", "Output", "step", "x", "views"}


def loss_networks(spec: Spec) -> tuple[str, ...]:
    """The networks applied to something other than images and network outputs: they live in the loss."""
    names = [str(node["network"]) for node in spec.graph.nodes() if node.op == "apply" and not is_embedding(node)]
    return tuple(dict.fromkeys(names))


def has_memory(spec: Spec) -> bool:
    """Whether the loss keeps values by image, and so takes `rows`: the numbers of the batch's images [batch]."""
    return any(state.node.op == "memory" for state in spec.graph.states)


def emit(spec: Spec, clock: Clock, *, named: bool = False) -> str:
    """The source of the module: functions it calls, the loss, and the networks' part.

    Raises SpecError where `named` and an input of the loss has no name, ValueError where a schedule lacks its end.
    """
    inputs = find_inputs(spec, named=named)
    if not inputs:
        raise LosslangError(f"{spec.source.name}: no output of a network enters the objective")
    writer = _Writer(spec, clock, inputs)
    loss = writer.loss_class()
    body = "\n".join(loss)
    front = "\n".join(embed_lines(spec, writer.inputs, class_name(spec), writer.extra))
    functions = sources_for(body + front)
    return "\n".join([*_head(spec), "", functions, "", "", body, "", "", front, ""])


def _projects(network: Network) -> bool:
    """Whether a network holds prototypes whose rows are set to unit length."""
    return network.rows == "project" or any(_projects(part) for part in network.parts)


def class_name(spec: Spec) -> str:
    """`simsiam_no_predictor` -> `SimsiamNoPredictor`."""
    words = re.split(r"[^0-9a-zA-Z]+", spec.method_name)
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return name if name[:1].isalpha() else f"Method{name}"


def _head(spec: Spec) -> list[str]:
    title = spec.title or spec.method_name
    paper = f" ({spec.paper})" if spec.paper else ""
    return [
        f'"""{_plain(title)}{_plain(paper)}.',
        "",
        f"Written by losslang {__version__} from {_plain(spec.source.name)}, hash {spec.hash}. Needs torch alone.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "import math",
        "from collections.abc import Mapping, Sequence",
        "from typing import NamedTuple",
        "",
        "import torch",
        "from torch import Tensor, nn",
        "",
        "# ruff: noqa",
    ]


def _plain(text: str) -> str:
    """Text that cannot leave the comment or docstring it stands in."""
    return "".join(c if c.isprintable() and c not in '\\"' else "?" for c in text)


@dataclass
class _Writer:
    spec: Spec
    clock: Clock
    inputs: tuple[Input, ...]
    taken: set[str] = field(default_factory=lambda: set(_RESERVED))
    codes: dict[int, Code] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    uses: Counter[int] = field(default_factory=Counter)
    names: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Attributes get their names first: networks, parameters, then states with room for their next value."""
        spec = self.spec
        self.attributes: dict[tuple[str, str], str] = {}
        given: set[str] = set()
        for kind, names in (("network", loss_networks(spec)), ("parameter", spec.parameters), ("state", _states(spec))):
            for name in names:
                attribute = _safe(name)
                while {attribute, f"{attribute}_next", f"{attribute}_started"} & given:
                    attribute += "_"
                self.attributes[kind, name] = attribute
                given |= {attribute, *([f"{attribute}_next", f"{attribute}_started"] if kind == "state" else [])}
        states = {name: attribute for (kind, name), attribute in self.attributes.items() if kind == "state"}
        self.states = Names(states, self.fresh)

    @property
    def extra(self) -> list[str]:
        """`rows`, where a memory must know which images the batch holds."""
        return ["rows"] if has_memory(self.spec) else []

    # ---------------------------------------------------------------- the class

    def loss_class(self) -> list[str]:
        spec, name = self.spec, class_name(self.spec)
        body = self.objective_lines()
        arguments = ", ".join([*(self.codes[i.node.number].text for i in self.inputs), *self.extra])
        networks = loss_networks(spec)
        attributes = [self.attributes["network", n] for n in networks]
        signature = "".join(f", {a}: nn.Module" for a in attributes)
        return [
            f"class {name}Loss(nn.Module):",
            f'    """The objective of {spec.method_name}: {", ".join(t.name for t in spec.graph.terms)}."""',
            "",
            f"    inputs = {self.input_table()!r}",
            "",
            f"    def __init__(self{signature}) -> None:",
            "        super().__init__()",
            *(f"        self.{a} = {a}" for a in attributes),
            *self.parameter_lines(),
            '        self.register_buffer("step", torch.zeros((), dtype=torch.int64))',
            *(
                f"        {line}"
                for state in spec.graph.states
                for line in buffer_lines(state, self.states, self.clock)
            ),
            "        self.pending = False",
            "",
            *self.forward_lines(arguments),
            "",
            f"    def objective(self, {arguments.replace(',', ': Tensor,')}: Tensor) -> Output:",
            '        """The terms, from embeddings in the layout of `inputs`."""',
            *(f"        {line}" for line in body),
            "",
            "    @torch.no_grad()",
            "    def after_step(self) -> None:",
            '        """State and schedules move on; called by the next training step if nobody else does."""',
            "        if self.pending:",
            *(
                f"            {line}"
                for state in spec.graph.states
                for line in commit_lines(state, self.states, self.clock)
            ),
            *(f"            {line}" for line in self.projection_lines()),
            "            self.step += 1",
            "            self.pending = False",
            "",
            "    def get_extra_state(self) -> Tensor:",
            '        """Whether a step is still to be taken over; with the buffers this is all the state there is."""',
            "        return torch.tensor(self.pending)",
            "",
            "    def set_extra_state(self, state: Tensor) -> None:",
            "        self.pending = bool(state)",
        ]

    def projection_lines(self) -> list[str]:
        """Prototypes of unit length are put back on the sphere after every step (Caron et al. 2020)."""
        kept = [name for name in loss_networks(self.spec) if _projects(self.spec.networks[name])]
        lines = []
        for name in kept:
            lines += [
                f"for module in self.{_safe(name)}.modules():",
                '    if hasattr(module, "project"):',
                "        module.project()",
            ]
        return lines

    def input_table(self) -> dict[str, tuple[str, ...]]:
        return {i.name: tuple(str(axis) for axis in i.node.type.axes) for i in self.inputs}

    def parameter_lines(self) -> Iterable[str]:
        used = {str(node["name"]) for node in self.nodes() if node.op == "parameter"}
        for name, value in self.spec.parameters.items():
            if name in used:
                yield _commented(
                    f"        self.{self.attributes['parameter', name]} = {value.value!r}", short_place(value.source)
                )

    def forward_lines(self, arguments: str) -> list[str]:
        names = [self.codes[i.node.number].text for i in self.inputs]
        kinds = ["Tensor | Mapping[str, Tensor] | Sequence[Tensor]" if i.views else "Tensor" for i in self.inputs]
        parts = [f"{n}: {k}" for n, k in zip(names, kinds, strict=True)] + [f"{n}: Tensor" for n in self.extra]
        lines = [
            f"    def forward(self, {', '.join(parts)}) -> Output:",
            f'        """The loss; {"; ".join(_describe(i) for i in self.inputs)}."""',
            "        if self.training and self.pending:",
            "            self.after_step()",
        ]
        for i, name in zip(self.inputs, names, strict=True):
            lines += [f"        {line}" for line in _prepare(i, name)]
        batched = [i for i in self.inputs if i.node.type.has(BATCH)]
        if len(batched) > 1:
            sizes = [
                f"{n}={n}.shape[{i.node.type.position(BATCH)}]"
                for i, n in zip(self.inputs, names, strict=True)
                if i in batched
            ]
            lines.append(f"        check_batches({', '.join(sizes)})")
        first = names[0]
        return [
            *lines,
            f"        with torch.autocast({first}.device.type, enabled=False):",
            f"            out = self.objective({arguments})",
            "        if self.training:",
            "            self.pending = True",
            "        return out",
        ]

    # ---------------------------------------------------------------- the mathematics

    def nodes(self) -> list[Node]:
        given = {i.node.number for i in self.inputs}
        roots = [term.value for term in self.spec.graph.terms]
        roots += [state.node for state in self.spec.graph.states]
        return walk_to(roots, given)

    def objective_lines(self) -> list[str]:
        self.names = {}
        for name, node in self.spec.graph.definitions.items():
            self.names.setdefault(node.number, name)
        for term in self.spec.graph.terms:
            self.names.setdefault(term.value.number, term.name)
            if term.raw is not None:
                self.names.setdefault(term.raw.number, f"raw_{term.name}")
        for i in self.inputs:
            self.codes[i.node.number] = Code(self.fresh(i.name))
        nodes = self.nodes()
        self.uses = Counter(child.number for node in nodes for child in node.inputs)
        self.uses.update(t.value.number for t in self.spec.graph.terms)
        first = self.codes[self.inputs[0].node.number].text
        for node in nodes:
            if node.number not in self.codes:
                self.codes[node.number] = self.node(node)
        output = self.output_line()
        text = "\n".join([*self.lines, output])
        used = [n for n in ("dtype", "device") if re.search(rf"\b{n}\b(?!=)", text)]
        head = [f"{', '.join(used)} = {', '.join(f'{first}.{n}' for n in used)}"] if used else []
        return [*head, *self.lines, output]

    def node(self, node: Node) -> Code:
        code = self.leaf(node)
        if code is not None:
            return code
        operands = [self.operand(node, place) for place in range(len(node.inputs))]
        if node.op in STATES:
            lines, code = STATES[node.op].use(node, operands, self.states, self.clock)
            self.lines += [_commented(line, _place(node)) for line in lines]
        elif node.op == "apply":
            code = self.apply(node, operands[0])
        else:
            code = KERNELS[node.op](node, operands)
        return self.bind(node, code) if self.deserves_name(node, code) else code

    def operand(self, node: Node, place: int) -> Code:
        """An operand as source; a mask as numbers, where it is not asked for as a mask."""
        child = node.inputs[place]
        code = self.codes[child.number]
        wanted = node.op in _OF_MASKS or (place == 1 and "where" in _takes(node.op))
        return method(code, "to", "dtype") if child.type.kind == "mask" and not wanted else code

    def leaf(self, node: Node) -> Code | None:
        if node.op == "constant":
            return Code(repr(node["value"]), ATOM, scalar=True)
        if node.op == "parameter":
            return Code(f"self.{self.attributes['parameter', str(node['name'])]}", ATOM, scalar=True)
        if node.op == "schedule":
            return self.bind(node, _schedule(node, self.clock), str(node["name"]))
        folded = static_value(node, {}) if not node.inputs or node.op in {"add", "multiply"} else None
        return Code(repr(folded), ATOM, scalar=True) if folded is not None and folded >= 0 else None

    def apply(self, node: Node, operand: Code) -> Code:
        name = f"self.{self.attributes['network', str(node['network'])]}"
        axes = node.inputs[0].type.axes
        if axes[0].name == "view":
            mode = "jointly" if self.spec.forward[str(node["network"])] == "joint" else "separately"
            if len(axes) == 3:
                return call(mode, name, operand.text)
        return call(name, operand.text) if len(axes) == 2 else call("on_rows", name, operand.text)

    def deserves_name(self, node: Node, code: Code) -> bool:
        simple = re.fullmatch(r"[\w.]+(\[[\d:, ]+\])?(\.detach\(\))?", code.text) is not None
        if simple or code.scalar:
            return False
        return self.uses[node.number] > 1 or node.number in self.names or len(code.text) > WIDTH

    def bind(self, node: Node, code: Code, wanted: str = "") -> Code:
        name = self.fresh(wanted or self.names.get(node.number) or _LABELS.get(node.op, node.op))
        self.lines.append(_commented(f"{name} = {code.text}", _place(node)))
        return Code(name)

    def fresh(self, wanted: str) -> str:
        name = _safe(wanted)
        count = 1
        while name in self.taken:
            count += 1
            name = f"{_safe(wanted)}_{count}"
        self.taken.add(name)
        return name

    def output_line(self) -> str:
        terms = self.spec.graph.terms
        codes = {term.name: as_tensor(self.codes[term.value.number]).text for term in terms}
        raw = {term.name: as_tensor(self.codes[term.raw.number]).text for term in terms if term.raw is not None}

        def table(entries: dict[str, str]) -> str:
            return "{" + ", ".join(f'"{name}": {code}' for name, code in entries.items()) + "}"

        return f"return Output({' + '.join(codes.values())}, {table(codes)}, {table(raw)})"


# ---------------------------------------------------------------- pieces


_OF_MASKS = {"both", "either", "negate", "select", "take", "group", "size", "same"}
"""Operations that keep a mask a mask."""


def _takes(op: str) -> set[str]:
    return {parameter.name for parameter in OPERATIONS[op].parameters} if op in OPERATIONS else set()


_LABELS = {
    "normalize": "unit_rows",
    "dot": "product",
    "mean": "mean",
    "subtract": "difference",
    "total": "pairs",
    "power": "powered",
    "select": "view",
    "running": "statistic",
}


def _states(spec: Spec) -> list[str]:
    return [state.name for state in spec.graph.states]


def _safe(name: str) -> str:
    """A name that Python allows and that hides nothing."""
    name = re.sub(r"\W", "_", name)
    if name.startswith("_"):
        name = f"own{name}"  # underscores are torch's
    clash = keyword.iskeyword(name) or name in _BUILTINS or name in MODULE_NAMES or name in _RESERVED
    return f"{name}_" if clash or name in function_names() else name


_BUILTINS = frozenset(dir(builtins))

MODULE_NAMES = frozenset(
    "T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval "
    "extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia "
    "named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer "
    "register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook "
    "register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter "
    "register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory "
    "state_dict to to_empty train training type xpu zero_grad inputs objective pending after_step".split()
)
"""What an attribute of an nn.Module must not be called (a test compares it with torch's)."""


def _place(node: Node) -> str:
    return short_place(str(node.span))


def short_place(place: str) -> str:
    """`specs/simclr.yaml:9:4` -> `simclr.yaml:9`."""
    file, line, *_ = [*place.replace("\\", "/").rsplit("/", 1)[-1].split(":"), ""]
    return f"{file}:{line}" if line else file


def _commented(line: str, place: str) -> str:
    return f"{line}  # {_plain(place)}"


def _describe(i: Input) -> str:
    axes = ", ".join(str(axis) for axis in i.node.type.axes)
    return f"{i.name} is [{axes}]" + (", without gradient" if i.detached else "")


def _prepare(i: Input, name: str) -> Iterable[str]:
    if i.views:
        yield f"{name} = as_views({name}, {i.views!r})"
    axes = tuple(str(axis) for axis in i.node.type.axes)
    sizes = tuple(dim.known for dim in i.node.type.dims)
    code = call("widened_input", f'checked_input({name}, "{i.name}", {axes!r}, {sizes!r})')
    yield f"{name} = {(method(code, 'detach') if i.detached else code).text}"


def _schedule(node: Node, clock: Clock) -> Code:
    schedule = node["schedule"]
    assert isinstance(schedule, Schedule)
    plan = schedule.plan(clock)
    parts = [repr(schedule.kind), repr(schedule.start), repr(schedule.end)]
    return call(
        "schedule_value", "self.step", *parts, *(str(n) for n in (plan.warm, plan.last, plan.span, plan.quantum))
    )
