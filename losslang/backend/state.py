"""State in emitted modules: a buffer for the value in use, one for the value after the step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from losslang.backend.code import Code, call
from losslang.diagnostics import Diagnostic, SpecError
from losslang.objective.axes import Axis
from losslang.objective.graph import Node, State

__all__ = ["STATE_KERNELS", "buffer_lines", "commit_lines"]

StateKernel = Callable[[Node, Sequence[Code]], tuple[list[str], Code]]


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


def buffer_lines(state: State) -> list[str]:
    """The lines of `__init__` that make the buffers. Raises SpecError where a size is not known."""
    if state.node.op not in _BUFFERS:
        message = f"`{state.node.op}` is declared, and its torch form is still to be written"
        raise SpecError([Diagnostic("E412", message, state.node.span, help="`losslang list operations` tells which")])
    return _BUFFERS[state.node.op](state.node, state.name)


def commit_lines(state: State) -> list[str]:
    """The lines of `after_step` that move the state on."""
    lines = [f"self.{state.name}.copy_(self.{state.name}_next)"]
    if state.node.op == "running" and state.node["init"] == "first":
        lines.append(f"self.{state.name}_started.fill_(True)")
    return lines


def _running(node: Node, codes: Sequence[Code]) -> tuple[list[str], Code]:
    name = node["name"]
    x, momentum = codes
    old = f"self.{name}"
    lines = []
    if node["init"] == "first":
        lines.append(f"{name}_old = torch.where(self.{name}_started, self.{name}, {x.atom}.detach().to(self.{name}.dtype))")
        old = f"{name}_old"
    one_minus = f"(1 - {momentum.within(2)})"
    lines.append(f"{name}_new = {momentum.within(3)} * {old} + {one_minus} * {x.within(3)}")
    lines.append(f"if self.training:\n            self.{name}_next.copy_({name}_new.detach())")
    read = f"{name}_new" if node["read"] == "after" else f"{old}.to(dtype)"
    # the buffer changes in place later, so the graph of this step keeps a copy of its own
    return lines, Code(read if node["read"] == "after" or node["init"] == "first" else f"self.{name}.clone().to(dtype)")


def _queue(node: Node, codes: Sequence[Code]) -> tuple[list[str], Code]:
    name = node["name"]
    place = node.type.position(Axis("queue"))
    lines = [
        f"{name}_new = {call('pushed_queue', f'self.{name}', codes[0].text, str(place)).text}",
        f"if self.training:\n            self.{name}_next.copy_({name}_new)",
    ]
    return lines, Code(f"{name}_new.to(dtype)" if node["read"] == "after" else f"self.{name}.clone().to(dtype)")


STATE_KERNELS: dict[str, StateKernel] = {"running": _running, "queue": _queue}
