"""The table of hand-written references: name of a method -> value of its objective in plain torch.

Every reference is derived from the formula (paper and equation in its docstring), never from code of this package
or of another one. Values over several views are tensors [view, batch, feature] in the order of the method's views.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from keyword import iskeyword
from typing import Any, TypeAlias

from torch import Tensor

__all__ = ["REFERENCES", "Inputs", "Reference", "State", "reference", "stateful"]

Inputs: TypeAlias = Mapping[str, Tensor]
State: TypeAlias = dict[str, Tensor]
Reference: TypeAlias = Callable[[Inputs, Mapping[str, Any], State], tuple[Tensor, State]]

REFERENCES: dict[str, Reference] = {}


def _named(hyper: Mapping[str, Any]) -> dict[str, Any]:
    """Hyperparameters as arguments: `lambda`, which Python keeps for itself, becomes `lambda_`."""
    return {f"{name}_" if iskeyword(name) else name: value for name, value in hyper.items()}


def reference(name: str, **fixed: Any) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Enter a loss without state in the table; `fixed` are the hyperparameters that make a variant of it."""

    def enter(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
        REFERENCES[name] = lambda inputs, hyper, state: (loss(**inputs, **_named({**fixed, **hyper})), state)
        return loss

    return enter


def stateful(name: str, **fixed: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a loss that takes its state first and returns (loss, new state)."""

    def enter(loss: Callable[..., tuple[Tensor, State]]) -> Callable[..., tuple[Tensor, State]]:
        REFERENCES[name] = lambda inputs, hyper, state: loss(state, **inputs, **_named({**fixed, **hyper}))
        return loss

    return enter
