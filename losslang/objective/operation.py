"""What is known of a core operation: a row of the table in `losslang.objective.operations`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from losslang.objective.axes import Type
from losslang.objective.rules import Bound

__all__ = ["Operation", "Parameter"]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a core operation.

    `kind`: `value` (a tensor), `mask`, `axes` (one axis or a list), `axis`, `integer`, `number` (static), `word` (one of
    `choices`), `flag` (true or false). A parameter without default must be given, unless it is `optional`.
    A constant that is not `positive`, and a static number under `least`, is refused where that is asked for.
    """

    name: str
    kind: str = "value"
    default: object = None
    optional: bool = False
    choices: tuple[str, ...] = ()
    positive: bool = False
    least: float | None = None


@dataclass(frozen=True)
class Operation:
    """One core operation.

    `batch` says what the operation does to the axis that processes share: `rows` (each row by itself), `sum` (reduces it:
    a sum over processes), `order` (depends on the order of rows: one side gathered), `none` (never sees it), `state`
    (kept across steps). `through` is the one operand that the gradient goes through, where it is not all.
    """

    name: str
    parameters: tuple[Parameter, ...]
    rule: Callable[[Bound], Type]
    batch: str
    summary: str
    numeric: str = ""
    source: str = ""
    gradient: bool = True
    through: str = ""

    @property
    def usage(self) -> str:
        """The signature as written in a method."""

        def show(p: Parameter) -> str:
            if p.kind in {"value", "mask"} and not p.optional:
                return p.name
            if p.choices:
                return f"{p.name}={'|'.join(p.choices)}"
            return p.name if p.default is None else f"{p.name}={_spell(p.default)}"

        return f"{self.name}({', '.join(show(p) for p in self.parameters)})"


def _spell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_spell, value)) + "]" if len(value) != 1 else _spell(value[0])
    return str(value)
