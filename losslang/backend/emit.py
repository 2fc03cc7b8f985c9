"""From the typed graph to the source of one nn.Module."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from losslang import __version__
from losslang.algebra.collectives import optimised_across
from losslang.algebra.estimates import EXACT, Estimate, estimated
from losslang.algebra.optimise import optimised
from losslang.algebra.rewrite import roots
from losslang.backend.body import Body, needed
from losslang.backend.code import call, method
from losslang.backend.front import embed_lines
from losslang.backend.library import sources_for
from losslang.backend.names import commented, plain, printable_lines, safe_name, short_place
from losslang.backend.state import Names, buffer_lines, check_queues, commit_lines
from losslang.diagnostics import LosslangError
from losslang.objective.axes import BATCH
from losslang.objective.boundary import Input, embedding_path, find_inputs, is_embedding
from losslang.objective.graph import Graph, State, walk
from losslang.objective.networks import Network
from losslang.objective.schedules import Clock
from losslang.objective.spec import Spec

__all__ = ["class_name", "emit", "has_memory", "loss_networks"]


def loss_networks(spec: Spec) -> tuple[str, ...]:
    """The networks applied to something other than images and network outputs: they live in the loss."""
    names = {str(node["network"]) for node in spec.graph.nodes() if node.op == "apply" and not is_embedding(node)}
    return tuple(name for name in spec.networks if name in names)


def has_memory(spec: Spec) -> bool:
    """Whether the loss keeps values by image, and so takes `rows`: the numbers of the batch's images [batch]."""
    return any(state.node.op == "memory" for state in spec.graph.states)


def emit(
    spec: Spec, clock: Clock, *, named: bool = False, without: Collection[str] = (), estimate: Estimate = EXACT
) -> str:
    """The source of the module: functions it calls, the loss, and the networks' part.

    `without` names passes of the optimiser to leave out, `estimate` says what is estimated by random probes.

    Raises SpecError where `named` and an input of the loss has no name, CountMissing where a schedule lacks its end.
    """
    spec = estimated(spec, estimate)
    inputs = find_inputs(spec, named=named)
    if not inputs:
        raise LosslangError(f"{spec.source.name}: no output of a network enters the objective")
    check_queues(spec.graph)
    writer = _Writer(spec, clock, inputs, without)
    loss = writer.loss_class()
    body = "\n".join(loss)
    front = "\n".join(embed_lines(spec, writer.inputs, class_name(spec), writer.extra))
    functions = sources_for(body + front)
    return "\n".join([*_head(spec, functions, estimate, without), "", functions, "", "", body, "", "", front, ""])


def _projects(network: Network) -> bool:
    """Whether a network holds prototypes whose rows are set to unit length."""
    return network.rows == "project" or any(_projects(part) for part in network.parts)


def class_name(spec: Spec) -> str:
    """`simsiam_no_predictor` -> `SimsiamNoPredictor`."""
    words = re.split(r"[^0-9a-zA-Z]+", spec.method_name)
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return name if name[:1].isalpha() else f"Method{name}"


def _head(spec: Spec, text: str, estimate: Estimate, without: Collection[str]) -> list[str]:
    title, own = spec.title or " extends ".join([spec.method_name, *spec.bases]), "once_differentiable" in text
    paper = f" ({spec.paper})" if spec.paper else ""
    return [
        f'"""{plain(title)}{plain(paper)}.',
        "",
        f"Written by losslang {__version__} from {plain(spec.source.name)}, hash {spec.hash}. Needs torch alone.",
        *([] if estimate.is_exact else ["", f"By random probes: {estimate.words()}."]),
        *(["", f"Without passes: {', '.join(without)}."] if without else []),
        '"""',
        "",
        f"# {plain(short_place(spec.source.name))}, as it was written:",
        "#",
        *(f"#     {line}".rstrip() for line in printable_lines(spec.source_text)),
        "",
        "from __future__ import annotations",
        "",
        *(["import inspect"] if "inspect." in text else []),
        "import math",
        "from collections.abc import Callable, Mapping, Sequence",
        "from contextlib import AbstractContextManager, nullcontext",
        "from typing import Any, NamedTuple",
        "",
        "import torch",
        "from torch import Tensor, nn",
        "from torch import distributed as dist",
        *(["from torch.autograd.function import once_differentiable"] if own else []),
        "",
        "# ruff: noqa",
    ]


@dataclass
class _Writer:
    """The text of the loss's class around its mathematics."""

    spec: Spec
    clock: Clock
    inputs: tuple[Input, ...]
    without: Collection[str]

    def __post_init__(self) -> None:
        """Attributes get their names first: networks, parameters, then states with room for their next value."""
        spec = self.spec
        self.attributes: dict[tuple[str, str], str] = {}
        given: set[str] = set()
        states = [state.name for state in spec.graph.states]
        for kind, names in (("network", loss_networks(spec)), ("parameter", spec.parameters), ("state", states)):
            for name in names:
                attribute = safe_name(name)
                while {attribute, f"{attribute}_next", f"{attribute}_started"} & given:
                    attribute += "_"
                self.attributes[kind, name] = attribute
                given |= {attribute, *([f"{attribute}_next", f"{attribute}_started"] if kind == "state" else [])}
        self.one = self.body_of(optimised(spec, self.without).graph)
        shared = optimised_across(spec.graph, self.without)
        self.many = self.body_of(shared.graph, shared.alike)

    def body_of(self, graph: Graph, alike: Collection[int] = ()) -> Body:
        """The lines of a graph that stands for the method's own, with the same inputs."""
        paths = {embedding_path(node): node for node in walk(roots(graph)) if is_embedding(node)}
        inputs = tuple(replace(i, node=paths[embedding_path(i.node)]) for i in self.inputs)
        return Body(self.spec, graph, self.clock, inputs, self.attributes, alike)

    @property
    def extra(self) -> list[str]:
        """`rows`, where a memory must know which images the batch holds."""
        return ["rows"] if has_memory(self.spec) else []

    def loss_class(self) -> list[str]:
        spec, name = self.spec, class_name(self.spec)
        arguments = ", ".join([*self.one.arguments, *self.extra])
        typed = ", ".join([*(f"{a}: Tensor" for a in [*self.one.arguments, *self.extra])])
        one, many = self.one.lines(), self.many.lines()
        self.half = any("self.given" in line for line in [*one, *many])
        return [
            f"class {name}Loss(nn.Module):",
            f'    """The objective of {spec.method_name}: {", ".join(t.name for t in spec.graph.terms)}."""',
            "",
            f"    inputs = {self.input_table()!r}",
            '    exchange = "auto"  # on many processes: "sums" of products, gathered "rows", or what is cheaper',
            "",
            *self.init_lines(),
            "",
            *self.forward_lines(arguments),
            "",
            f"    def objective(self, {typed}) -> Output:",
            '        """The terms, from embeddings in the layout of `inputs`."""',
            *(f"        {line}" for line in one),
            "",
            f"    def objective_of_many(self, {typed}, share: Share) -> Output:",
            '        """The same terms, of the rows of all processes, where this one holds its share of them."""',
            *(f"        {line}" for line in many),
            "",
            *self.precision_lines(),
            *self.step_lines(),
        ]

    def init_lines(self) -> list[str]:
        """Networks, parameters and buffers."""
        attributes = [self.attributes["network", name] for name in loss_networks(self.spec)]
        signature = "".join(f", {a}: nn.Module" for a in attributes)
        return [
            f"    def __init__(self{signature}) -> None:",
            "        super().__init__()",
            *(f"        self.{a} = {a}" for a in attributes),
            *self.parameter_lines(),
            '        self.register_buffer("step", torch.zeros((), dtype=torch.int64))',
            *(f"        {line}" for line in self.state_lines(buffer_lines)),
            "        self.pending = False",
        ]

    def step_lines(self) -> list[str]:
        """What moves the state on, once a step, and says whether that is still to be done."""
        return [
            "    @torch.no_grad()",
            "    def after_step(self) -> None:",
            '        """State and schedules move on; called by the next training step if nobody else does."""',
            "        if self.pending:",
            *(f"            {line}" for line in self.state_lines(commit_lines)),
            *(f"            {line}" for line in self.projection_lines()),
            "            self.step.add_(1)",
            "            self.pending = False",
            "",
            "    def get_extra_state(self) -> Tensor:",
            '        """Whether a step is still to be taken over; with the buffers this is all the state there is."""',
            "        return torch.tensor(self.pending)",
            "",
            "    def set_extra_state(self, state: Tensor) -> None:",
            "        self.pending = bool(state)",
        ]

    def state_lines(self, form: Callable[[State, Names, Clock], list[str]]) -> list[str]:
        return [line for state in self.spec.graph.states for line in form(state, self.one.states, self.clock)]

    def precision_lines(self) -> list[str]:
        if not self.spec.graph.states and not loss_networks(self.spec):
            return []
        return [
            "    def _apply(self, fn, recurse=True):",
            '        """Half precision is for networks: state and parameters of the loss keep their range."""',
            "        return super()._apply(kept_wide(fn), recurse)",
            "",
        ]

    def projection_lines(self) -> list[str]:
        """Prototypes of unit length are put back on the sphere after every step (Caron et al. 2020)."""
        kept = [name for name in loss_networks(self.spec) if _projects(self.spec.networks[name])]
        lines = []
        for name in kept:
            lines += [
                f"for module in self.{safe_name(name)}.modules():",
                '    if hasattr(module, "project"):',
                "        module.project()",
            ]
        return lines

    def input_table(self) -> dict[str, tuple[str, ...]]:
        return {i.name: tuple(str(axis) for axis in i.node.type.axes) for i in self.inputs}

    def parameter_lines(self) -> Iterable[str]:
        used = {str(node["name"]) for node in needed(self.spec.graph, self.inputs) if node.op == "parameter"}
        for name, value in self.spec.parameters.items():
            if name in used:
                yield commented(
                    f"        self.{self.attributes['parameter', name]} = {value.value!r}", short_place(value.source)
                )

    def forward_lines(self, arguments: str) -> list[str]:
        names = self.one.arguments
        kinds = ["Tensor | Mapping[str, Tensor] | Sequence[Tensor]" if i.views else "Tensor" for i in self.inputs]
        parts = [f"{n}: {k}" for n, k in zip(names, kinds, strict=True)] + [f"{n}: Tensor" for n in self.extra]
        parts.append("places: Tensor | None = None")
        lines = [
            f"    def forward(self, {', '.join(parts)}) -> Output:",
            f'        """The loss; {"; ".join(_describe(i) for i in self.inputs)}."""',
            "        if self.training and self.pending:",
            "            self.after_step()",
        ]
        for i, name in zip(self.inputs, names, strict=True):
            lines += [f"        {line}" for line in _prepare(i, name)]
            if name == names[0] and self.half:
                lines.insert(-1, f"        self.given = {name}.dtype")
        batched = [i for i in self.inputs if i.node.type.has(BATCH)]
        if len(batched) > 1:
            sizes = [
                f"{n}={n}.shape[{i.node.type.position(BATCH)}]"
                for i, n in zip(self.inputs, names, strict=True)
                if i in batched
            ]
            lines.append(f"        check_batches({', '.join(sizes)})")
        first, place = names[0], self.inputs[0].node.type.position(BATCH)
        return [
            *lines,
            f"        with without_autocast({first}.device.type):",
            "            if many_processes():",
            f"                share = share_of({first}.shape[{place}], {first}.device, places, self.exchange)",
            f"                out = self.objective_of_many({arguments}, share)",
            "            else:",
            f"                out = self.objective({arguments})",
            "        if self.training:",
            "            self.pending = True",
            "        return out",
        ]


# ---------------------------------------------------------------- pieces


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
