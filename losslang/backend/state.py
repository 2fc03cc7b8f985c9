"""State in emitted modules: a buffer for the value in use, one for the value after the step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from losslang.backend.code import PRODUCT, SIGN, Code, call
from losslang.diagnostics import Diagnostic, SpecError
from losslang.objective.axes import Axis
from losslang.objective.graph import Node, State
from losslang.objective.schedules import Clock

__all__ = ["STATE_KERNELS", "buffer_lines", "commit_lines", "refuse_unwritten"]

StateKernel = Callable[[Node, Sequence[Code], Clock], tuple[list[str], Code]]


def _shape(node: Node, name: str) -> tuple[int, ...]:
    sizes = []
    for dim in node.type.dims:
        if dim.known is None:
            message = f"the size of `{name}` is not known: {dim.axis} is {dim.size}"
            help_ = "give it: losslang.compile(…, feature_size=512), or compile_loss(…, sizes={…})"
            raise SpecError([Diagnostic("E411", message, node.span, help=help_)])
        sizes.append(dim.known)
    return tuple(sizes)


def _running_buffers(node: Node, name: str) -> list[str]:
    shape = _shape(node, name)
    start = f"torch.zeros({shape!r})"
    if node["init"] == "identity":
        start = f"torch.eye({shape[-1]}).expand({shape!r}).clone()"
    lines = [f'self.register_buffer("{name}", {start})', f'self.register_buffer("{name}_next", self.{name}.clone())']
    if node["init"] == "first":
        lines.append(f'self.register_buffer("{name}_started", torch.zeros((), dtype=torch.bool))')
    return lines


def _queue_buffers(node: Node, name: str) -> list[str]:
    shape = _shape(node, name)
    start = f"torch.nn.functional.normalize(torch.randn({shape!r}), dim=-1)"
    if node["init"] == "empty":
        start = f"torch.full({shape!r}, math.nan)"
    return [f'self.register_buffer("{name}", {start})', f'self.register_buffer("{name}_next", self.{name}.clone())']


_BUFFERS = {"running": _running_buffers, "queue": _queue_buffers}


def refuse_unwritten(states: Sequence[State]) -> None:
    """Raises SpecError for state that has no torch form."""
    for state in states:
        if state.node.op not in _BUFFERS:
            message = f"`{state.node.op}` is part of the language, and has no torch form yet"
            raise SpecError([Diagnostic("E412", message, state.node.span)])


def buffer_lines(state: State) -> list[str]:
    """The lines of `__init__` that make the buffers. Raises SpecError where a size is not known."""
    return _BUFFERS[state.node.op](state.node, state.name)


def commit_lines(state: State) -> list[str]:
    """The lines of `after_step` that move the state on."""
    lines = [f"self.{state.name}.copy_(self.{state.name}_next)"]
    if state.node.op == "running" and state.node["init"] == "first":
        lines.append(f"self.{state.name}_started.fill_(True)")
    return lines


def _running(node: Node, codes: Sequence[Code], _clock: Clock) -> tuple[list[str], Code]:
    name = node["name"]
    x, momentum = codes
    new = f"{momentum.within(PRODUCT)} * self.{name} + (1 - {momentum.within(PRODUCT)}) * {x.within(SIGN)}"
    lines = [f"{name}_new = {new}"]
    if node["init"] == "first":
        lines.append(f"{name}_new = torch.where(self.{name}_started, {name}_new, {x.text})")
    lines += ["if self.training:", f"    self.{name}_next.copy_({name}_new.detach())"]
    # the buffer changes in place later, so the graph of this step keeps a copy of its own
    return lines, Code(f"{name}_new" if node["read"] == "after" else f"self.{name}.clone().to(dtype)")


def _queue(node: Node, codes: Sequence[Code], clock: Clock) -> tuple[list[str], Code]:
    name = node["name"]
    place, start = node.type.position(Axis("queue")), node["start"]
    assert isinstance(start, int)
    if start and clock.steps_per_epoch is None:
        raise ValueError(
            f"the queue `{name}` starts after {start} epochs, and the number of steps in an epoch is not known"
        )
    parts = [f"self.{name}", codes[0].text, str(place), "self.step", str(start * (clock.steps_per_epoch or 1))]
    lines = [
        f"{name}_new = {call('pushed_queue', *parts).text}",
        "if self.training:",
        f"    self.{name}_next.copy_({name}_new)",
    ]
    return lines, Code(f"{name}_new.to(dtype)" if node["read"] == "after" else f"self.{name}.clone().to(dtype)")


STATE_KERNELS: dict[str, StateKernel] = {"running": _running, "queue": _queue}
