"""A computation on tensors, run once and written down as a straight line of torch operations.

Only these are repeated: neither autograd nor torch.vmap nor the Python of networks and losses, which for small tensors take
longer than the operations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

__all__ = ["Tape"]

_CONSTANT = {torch.ops.aten.lift_fresh.default, torch.ops.aten.lift_fresh_copy.default}
"""Operations that take in a tensor made of Python numbers."""

_DECIDES = {torch.ops.aten._local_scalar_dense.default, torch.ops.aten.equal.default}  # noqa: SLF001 - its name
"""Operations by which a value becomes Python's, and may decide what is computed."""

_SAME = {torch.ops.aten.detach.default}
"""Operations that give what they were given, where nobody asks for gradients."""


_OVER: dict[Any, Callable[[Tensor], tuple[Any, dict[str, Tensor]]]] = {
    torch.ops.aten.relu.default: lambda _x: (torch.ops.aten.relu_.default, {}),
    torch.ops.aten.threshold_backward.default: lambda x: (
        torch.ops.aten.threshold_backward.grad_input,
        {"grad_input": x},
    ),
}
"""Operations that may write over what they are given first, where nobody needs it any more: no more memory is touched."""


def _stacked(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """torch.stack in the order in which the tensors lie in memory: copies that transpose, of gradients of views, are slow."""
    strides = tensors[0].stride()
    order = sorted(range(len(strides)), key=lambda axis: -strides[axis])
    back = [order.index(axis) + 1 for axis in range(len(order))]
    return torch.stack([tensor.permute(order) for tensor in tensors]).permute(0, *back).movedim(0, dim)


_LOCAL = re.compile(r"\bt\d+\b")


class Tape:
    """What `act` did with `inputs`; `results` are those of that run. A call with other inputs of these shapes gives theirs.

    `state` are the tensors that `act` reads or changes beside its inputs. Where another run may be another computation, as it
    depends on a value or on a tensor that nobody named, calls are runs of `act` itself.
    """

    def __init__(
        self, act: Callable[..., Sequence[Tensor]], inputs: Sequence[Tensor], state: Iterable[Tensor] = ()
    ) -> None:
        with _Recorder() as recorder:
            self.results = list(act(*inputs))
        try:
            self._run = _Writer(list(inputs), list(state)).written(recorder.entries, self.results)
        except _NotRepeatable:
            self._run = act

    def __call__(self, *inputs: Tensor) -> Sequence[Tensor]:
        """The results for these inputs."""
        return self._run(*inputs)


class _NotRepeatable(Exception):
    """Why a computation cannot be written down."""


@dataclass
class _Entry:
    """One operation as it was called, and what it gave."""

    operation: Any
    args: tuple[Any, ...]
    options: dict[str, Any]
    out: Any
    over: bool = False
    """Whether the result takes the place of the first argument."""

    def written_over(self) -> _Entry:
        """The same with its result in the place of the first argument."""
        operation, options = _OVER[self.operation](self.args[0])
        return _Entry(operation, self.args, self.options | options, self.out, over=True)

    @property
    def changes(self) -> bool:
        """Whether it changes a tensor that it is given."""
        return self.operation is not _stacked and self.operation._schema.is_mutable  # noqa: SLF001

    @property
    def looks(self) -> bool:
        """Whether it gives another view of the same memory."""
        return self.operation is not _stacked and self.operation.is_view

    @property
    def taken(self) -> list[Tensor]:
        return _tensors((self.args, self.options))

    @property
    def given(self) -> list[Tensor]:
        return _tensors(self.out)


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


class _Recorder(TorchDispatchMode):
    """Keeps every operation below autograd and torch.vmap. Tensors are kept too, so that each stays known by its id."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[_Entry] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Torch's compiler is not at work here, and importing it takes a second."""
        return False

    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        func = _stacked if func is torch.ops.aten.stack.default else func
        out = func(*args, **(kwargs or {}))
        self.entries.append(_Entry(func, args, kwargs or {}, out))
        return out


@dataclass
class _Writer:
    """Writes a function of the inputs. `names` are those of tensors by id, `globals` what is not of one run."""

    inputs: list[Tensor]
    state: list[Tensor]
    names: dict[int, str] = field(default_factory=dict)
    globals: dict[str, Any] = field(default_factory=dict)

    def written(self, entries: list[_Entry], results: list[Tensor]) -> Callable[..., Sequence[Tensor]]:
        """The function: inputs to results."""
        arguments = [self._name(tensor, "x") for tensor in self.inputs]
        for tensor in self.state:
            self.globals[self._name(tensor, "s")] = tensor
        self._check(entries)
        needed = _needed(entries, results)
        kept = {_memory(tensor) for tensor in [*self.inputs, *self.state, *results]}
        lines = [line for entry in _over(needed, kept) for line in self._lines(entry)]
        last = f"return [{', '.join(self._text(tensor) for tensor in results)}]"
        text = "\n    ".join([f"def run({', '.join(arguments)}):", *_released(lines, last), last])
        exec(text, self.globals)  # noqa: S102 - our own text, of torch's operations
        return torch.no_grad()(self.globals["run"])

    def _check(self, entries: list[_Entry]) -> None:
        known, constants = set(self.names), set[int]()
        for entry in entries:
            if entry.operation in _DECIDES:
                raise _NotRepeatable(f"a value is asked for ({entry.operation})")
            if entry.operation in _CONSTANT:
                constants.update(map(_memory, entry.taken))
            elif any(id(tensor) not in known for tensor in entry.taken):
                raise _NotRepeatable(f"a tensor comes from elsewhere ({entry.operation})")
            elif entry.changes and constants & set(map(_memory, entry.given or entry.taken)):
                raise _NotRepeatable(f"a number that is written down changes ({entry.operation})")
            known.update(map(id, entry.taken + entry.given))

    def _lines(self, entry: _Entry) -> list[str]:
        if entry.operation in _SAME:
            self.names[id(entry.out)] = self._text(entry.args[0])
            return []
        parts = [self._text(arg) for arg in entry.args]
        parts += [f"{name}={self._text(value)}" for name, value in entry.options.items()]
        call = f"{self._constant(entry.operation)}({', '.join(parts)})"
        if entry.over:
            self.names[id(entry.out)] = parts[0]
        if all(id(tensor) in self.names for tensor in entry.given):  # it changed what it was given
            return [call]
        if entry.looks and all(self._text(tensor) in self.globals for tensor in entry.taken):
            for tensor in entry.given:  # the same part of a state in every run
                self.globals[self._name(tensor, "s")] = tensor.detach()
            return []
        many = isinstance(entry.out, list | tuple)
        found = entry.out if many else [entry.out]
        targets = [self._name(each, "t") if isinstance(each, Tensor) else "_" for each in found]
        return [f"{', '.join(targets)}{',' * many} = {call}"]

    def _text(self, value: Any) -> str:
        if isinstance(value, Tensor):
            return self.names.get(id(value)) or self._constant(value)
        if isinstance(value, list | tuple):
            return f"[{', '.join(map(self._text, value))}]"
        return repr(value) if value is None or type(value) in (bool, int) else self._constant(value)

    def _name(self, tensor: Tensor, kind: str) -> str:
        return self.names.setdefault(id(tensor), f"{kind}{len(self.names)}")

    def _constant(self, value: Any) -> str:
        name = f"c{len(self.globals)}"
        self.globals[name] = value
        return name


def _needed(entries: list[_Entry], results: list[Tensor]) -> list[_Entry]:
    """The operations that results depend on, and those that change a tensor."""
    wanted, kept = set(map(id, results)), list[_Entry]()
    for entry in reversed(entries):
        if entry.changes or any(id(tensor) in wanted for tensor in entry.given):
            wanted.update(map(id, entry.taken))
            kept.append(entry)
    return kept[::-1]


def _over(entries: list[_Entry], kept: set[int]) -> list[_Entry]:
    """The operations, those of `_OVER` in place where the memory of their first argument is not `kept` and not used later."""
    later, found = set(kept), list[_Entry]()
    for entry in reversed(entries):
        over = entry.operation in _OVER and _memory(entry.args[0]) not in later
        found.append(entry.written_over() if over and entry.args[0].stride() == entry.out.stride() else entry)
        later.update(map(_memory, entry.taken + entry.given))
    return found[::-1]


def _memory(tensor: Tensor) -> int:
    """Which memory a tensor lies in; another view of it lies there too."""
    return tensor.untyped_storage().data_ptr()


def _released(lines: list[str], last: str) -> list[str]:
    """The lines, each with what is not needed after it let go, so that its memory is used again while it is near."""
    later = set(_LOCAL.findall(last))
    found = []
    for line in reversed(lines):
        over = dict.fromkeys(name for name in _LOCAL.findall(line) if name not in later)
        later.update(over)
        found.append(f"{line}; del {', '.join(over)}" if over else line)
    return found[::-1]
