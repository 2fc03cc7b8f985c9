"""State in emitted modules: a buffer for the value in use, one for the value after the step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from losslang.backend.code import PRODUCT, SIGN, Code, call
from losslang.diagnostics import Diagnostic, LosslangError, SpecError
from losslang.objective.axes import BATCH, VIEW, Axis
from losslang.objective.graph import Graph, Node, State
from losslang.objective.schedules import Clock, CountMissing

__all__ = [
    "READS",
    "STATES",
    "Names",
    "StateForm",
    "buffer_lines",
    "check_queues",
    "commit_lines",
    "memory_buffers",
    "only_take_over",
]


@dataclass(frozen=True)
class StateForm:
    """The torch form of one state operation.

    `buffers`: lines of `__init__`; `use`: lines of the objective and the value that is read; `commit`: lines of
    `after_step` beyond taking over the next value.
    """

    buffers: Callable[[Node, Names, Clock], list[str]]
    use: Callable[[Node, Sequence[Code], Names, Clock], tuple[list[str], Code]]
    commit: Callable[[Node, Names, Clock], list[str]]


@dataclass(frozen=True)
class Names:
    """The attributes that hold states, by the name of their definition, and what finds a local name that is free.

    `held` says whether the way back may need the value that is read; the states named in `wide` are in double precision.
    """

    attributes: Mapping[str, str]
    fresh: Callable[[str], str] = str
    held: Callable[[Node], bool] = lambda _node: True
    wide: Collection[str] = ()

    def of(self, node: Node) -> str:
        """The attribute of a state."""
        return self.attributes[str(node["name"])]


def buffer_lines(state: State, names: Names, clock: Clock) -> list[str]:
    """The lines of `__init__` that make the buffers. Raises SpecError where a size is not known."""
    return STATES[state.node.op].buffers(state.node, names, clock)


def commit_lines(state: State, names: Names, clock: Clock) -> list[str]:
    """The lines of `after_step` that move the state on."""
    return STATES[state.node.op].commit(state.node, names, clock)


def _shape(node: Node, name: str, *, but: Axis | None = None) -> tuple[int, ...]:
    sizes = []
    for dim in node.type.dims:
        if dim.axis == but:
            continue
        if dim.known is None:
            message = f"the size of `{name}` is not known: {dim.axis} is {dim.size}"
            help_ = "give it: losslang.compile(…, feature_size=512), or compile_loss(…, sizes={…})"
            raise SpecError([Diagnostic("E411", message, node.span, help=help_)])
        sizes.append(dim.known)
    return tuple(sizes)


def _pair(name: str, start: str) -> list[str]:
    """The buffer in use, and the one for the value after the step."""
    return [f'self.register_buffer("{name}", {start})', f'self.register_buffer("{name}_next", self.{name}.clone())']


def _take_over(name: str) -> str:
    return f"self.{name}.copy_({call('taken_over', f'self.{name}', f'self.{name}_next', 'self.step').text})"


def only_take_over(node: Node, names: Names, _clock: Clock) -> list[str]:
    """After the step the next value is the one in use."""
    return [_take_over(names.of(node))]


def _unit_normal(shape: tuple[int, ...]) -> str:
    return f"torch.nn.functional.normalize(torch.randn({shape!r}), dim=-1)"


# ---------------------------------------------------------------- running statistics


def _running_buffers(node: Node, names: Names, _clock: Clock) -> list[str]:
    name = names.of(node)
    shape = _shape(node, name)
    double = ", dtype=torch.float64" if node["name"] in names.wide else ""
    start = f"torch.zeros({shape!r}{double})"
    if node["init"] == "identity":
        start = f"torch.eye({shape[-1]}{double}).expand({shape!r}).clone()"
    started = f'self.register_buffer("{name}_started", torch.zeros((), dtype=torch.bool))'
    return [*_pair(name, start), *([started] if node["init"] == "first" else [])]


def _running(node: Node, codes: Sequence[Code], names: Names, _clock: Clock) -> tuple[list[str], Code]:
    name = names.of(node)
    local = names.fresh(f"{name}_new")
    x, momentum = codes
    before, part = f"{momentum.within(PRODUCT)} * self.{name}", f"1 - {momentum.within(PRODUCT)}"
    in_place = x.own and node["init"] != "first"
    new = f"{x.atom}.mul_({part}).add_({before})" if in_place else f"{before} + ({part}) * {x.within(SIGN)}"
    lines = [f"{local} = {new}"]
    if node["init"] == "first":
        lines.append(f"{local} = torch.where(self.{name}_started, {local}, {x.text})")
    lines += ["if self.training:", f"    self.{name}_next.copy_({local}.detach())"]
    return lines, Code(local) if node["read"] == "after" else _running_read(node, names)


def _running_read(node: Node, names: Names) -> Code:
    """The buffer changes in place later, so the graph of this step keeps a copy of its own."""
    read = f"self.{names.of(node)}.clone()"
    return Code(read if node["name"] in names.wide else f"{read}.to(dtype)")


def _running_commit(node: Node, names: Names, _clock: Clock) -> list[str]:
    name = names.of(node)
    started = f"self.{name}_started.fill_(True)"
    return [_take_over(name), *([started] if node["init"] == "first" else [])]


def _running_products(node: Node, _codes: Sequence[Code], names: Names, _clock: Clock) -> tuple[list[str], Code]:
    """The buffer itself: `product_with_running` reads it, and moves it on."""
    return [], Code(f"self.{names.of(node)}")


# ---------------------------------------------------------------- queues


def _queue_buffers(node: Node, names: Names, _clock: Clock) -> list[str]:
    name = names.of(node)
    shape = _shape(node, name)
    return _pair(name, f"torch.full({shape!r}, math.nan)" if node["init"] == "empty" else _unit_normal(shape))


def _queue(node: Node, codes: Sequence[Code], names: Names, clock: Clock) -> tuple[list[str], Code]:
    name = names.of(node)
    place, start = node.type.position(Axis("queue")), node["start"]
    assert isinstance(start, int)
    first = start * _per_epoch(f"the queue `{name}` starts after {start} epochs", clock) if start else 0
    parts = [f"self.{name}", codes[0].text, str(place), "self.step", str(first)]
    if node["read"] == "before":
        lines = ["if self.training:", f"    {call('push_rows', f'self.{name}_next', *parts).text}"]
        return lines, _queue_read(node, names)
    local = names.fresh(f"{name}_new")
    lines = [
        f"{local} = {call('pushed_queue', *parts).text}",
        "if self.training:",
        f"    self.{name}_next.copy_({local})",
    ]
    return lines, Code(f"{local}.to(dtype)")


def _queue_read(node: Node, names: Names) -> Code:
    """A graph that holds on to the buffer has a copy of its own: the buffer changes in place later."""
    return Code(f"self.{names.of(node)}{'.clone()' if names.held(node) else ''}.to(dtype)")


def _per_epoch(what: str, clock: Clock) -> int:
    if clock.steps_per_epoch is None:
        raise CountMissing(f"{what}, and the number of steps in an epoch is not known")
    return clock.steps_per_epoch


def check_queues(graph: Graph) -> None:
    """Raises LosslangError where a term would see a queue before it is full: only `sinkhorn(also=)` does without its rows."""
    unsure: dict[int, Node] = {}
    for node in graph.nodes():
        seen = node.inputs[:2] if node.op == "sinkhorn" else node.inputs
        origin = next((unsure[child.number] for child in seen if child.number in unsure), None)
        if node.op == "queue" and node["init"] == "empty":
            origin = node
        if origin is not None:
            unsure[node.number] = origin
    for term in graph.terms:
        if term.value.number in unsure:
            queue = unsure[term.value.number]
            raise LosslangError(
                f"{queue.span}: `{term.name}` uses the rows of the queue `{queue['name']}`, and at first there are none; let"
                " it begin with random rows (init=unit_normal): an empty one is for sinkhorn(…, also=)"
            )


# ---------------------------------------------------------------- memory of images, and its centroids


def memory_buffers(node: Node, names: Names, clock: Clock) -> list[str]:
    """A row for every image, of unit length at first."""
    name = names.of(node)
    if clock.images is None:
        raise CountMissing(f"the memory `{name}` has a row per image, and the number of images is not known")
    return _pair(name, _unit_normal((clock.images, *_shape(node, name, but=BATCH))))


def _memory(node: Node, codes: Sequence[Code], names: Names, _clock: Clock) -> tuple[list[str], Code]:
    name, place = names.of(node), node.type.position(BATCH)
    to_front = f".movedim({place}, 0)" if place else ""
    new = f"{codes[0].atom}.detach(){to_front}.to(self.{name}.dtype)"
    return ["if self.training:", f"    self.{name}_next.index_copy_(0, rows, {new})"], _memory_read(node, names)


def _memory_read(node: Node, names: Names) -> Code:
    place = node.type.position(BATCH)
    return Code(f"self.{names.of(node)}[rows]{f'.movedim(0, {place})' if place else ''}.to(dtype)")


def _centroid_buffers(node: Node, names: Names, clock: Clock) -> list[str]:
    name = names.of(node)
    _per_epoch(f"the centroids `{name}` are found at the start of every epoch", clock)
    _remembered(node, names)
    return [f'self.register_buffer("{name}", {_unit_normal(_shape(node, name))})']


def _centroids(node: Node, _codes: Sequence[Code], names: Names, _clock: Clock) -> tuple[list[str], Code]:
    return [], Code(f"self.{names.of(node)}.clone().to(dtype)")


def _centroid_commit(node: Node, names: Names, clock: Clock) -> list[str]:
    name = names.of(node)
    per_epoch = _per_epoch(name, clock)
    found = call("spherical_kmeans", _remembered(node, names), str(node["count"]), str(node["iterations"]))
    return [f"if (int(self.step) + 1) % {per_epoch} == 0:", f"    self.{name}.copy_({found.text})"]


def _remembered(node: Node, names: Names) -> str:
    """The rows of the memory that a centroids node clusters: [images, feature]."""
    source = node.inputs[0]
    index = ""
    if source.op == "select" and source.inputs[0].op == "memory":
        place = source.inputs[0].type.without([BATCH]).position(VIEW)
        index = f"[:, {':, ' * place}{source['view']}]"
        source = source.inputs[0]
    if source.op != "memory" or (source.type.has(VIEW) and not index):
        message = "`centroids` are those of one view of a memory"
        raise SpecError(
            [Diagnostic("E413", message, node.span, help="stored: memory(z), then centroids(stored[a], …)")]
        )
    return f"self.{names.of(source)}{index}"


STATES: dict[str, StateForm] = {
    "running": StateForm(_running_buffers, _running, _running_commit),
    "running_products": StateForm(_running_buffers, _running_products, _running_commit),
    "queue": StateForm(_queue_buffers, _queue, only_take_over),
    "memory": StateForm(memory_buffers, _memory, only_take_over),
    "centroids": StateForm(_centroid_buffers, _centroids, _centroid_commit),
}

READS: Mapping[str, Callable[[Node, Names], Code]] = {
    "running": _running_read,
    "queue": _queue_read,
    "memory": _memory_read,
}
"""What is read of a state before the step moves it on."""
