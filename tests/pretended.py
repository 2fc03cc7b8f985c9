"""A device that is not there: tensors of the processor, of which some are said to be on another device.

What comes of tensors there is there, and what is made without a `device` is here. Operations that mix the two fail on a GPU,
and those that bring a number here make the processor wait for it; both are listed.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from typing import Any, Self

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

__all__ = ["Pretended"]

aten = torch.ops.aten
WAITS = {aten._local_scalar_dense, aten.nonzero, aten.masked_select, aten.equal, aten.is_nonzero, aten.unique_dim}
"""What cannot go on before the device has its answer."""
COPIES = {aten.copy_, aten._to_copy}


class Pretended:
    """Within, `mixed` and `waits` list operations and the line of ours that asked for each."""

    def __init__(self, *tensors: Iterable[Tensor]) -> None:
        self.there: dict[int, Any] = {}
        self.mixed: list[str] = []
        self.waits: list[str] = []
        self.modes: tuple[Any, Any] = (_Asked(self), _Done(self))
        self.put(each for several in tensors for each in several)

    def put(self, values: Iterable[Any]) -> None:
        """Say that tensors are there. Their storage is kept, so that its address is nobody else's."""
        for value in values:
            if isinstance(value, Tensor):
                storage = value.untyped_storage()
                self.there[storage._cdata] = storage

    def has(self, value: Tensor) -> bool:
        """Whether a tensor is there."""
        return value.untyped_storage()._cdata in self.there

    def backward(self, total: Tensor) -> None:
        """As `total.backward()`, which would turn the mode off that sees what backward passes ask for."""
        torch.autograd.Variable._execution_engine.run_backward(  # type: ignore[attr-defined]
            (total,), (torch.ones_like(total),), False, False, (), allow_unreachable=True, accumulate_grad=True
        )

    def __enter__(self) -> Self:
        for mode in self.modes:
            mode.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        for mode in reversed(self.modes):
            mode.__exit__(*error)


class _Asked(TorchFunctionMode):
    """What is made for or sent to a `torch.device`, which is that of inputs or of a run, is there; "cpu" in letters is here."""

    def __init__(self, at: Pretended) -> None:
        super().__init__()
        self.at = at

    def __torch_function__(self, function: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = function(*args, **(kwargs or {}))
        sent = args[1:] if function is Tensor.to else ()
        if any(isinstance(each, torch.device) for each in (*sent, (kwargs or {}).get("device"))):
            self.at.put(tree_leaves(found))
        return found


class _Done(TorchDispatchMode):
    """Every operation, those of backward passes too."""

    def __init__(self, at: Pretended) -> None:
        super().__init__()
        self.at = at

    def __torch_dispatch__(self, operation: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        there = [self.at.has(tensor) for tensor in tensors]
        kind = operation.overloadpacket
        if any(there) and kind not in COPIES and (place := _where()):
            if any(not on and tensor.dim() for on, tensor in zip(there, tensors, strict=True)):
                self.at.mixed.append(f"{operation} {place}")
            masked = kind is aten.index and any(tensor.dtype == torch.bool for tensor in tensors[1:])
            if kind in WAITS or masked:
                self.at.waits.append(f"{operation} {place}")
        found = operation(*args, **(kwargs or {}))
        if any(there):
            self.at.put(tree_leaves(found))
        return found


def _where() -> str:
    """The innermost line of losslang or of an emitted module; none in torch's own backward passes."""
    ours = [f for f in traceback.extract_stack() if "/losslang/" in f.filename or f.filename.startswith("<losslang")]
    return f"{ours[-1].filename}:{ours[-1].lineno} {ours[-1].line}" if ours else ""
