"""Parameters: constant expressions of numbers, earlier parameters and schedules, with where each was set."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from losslang.diagnostics import Report, Span
from losslang.objective.budget import stop_at_many
from losslang.objective.mentions import names_in
from losslang.objective.schedules import Schedule
from losslang.syntax.names import nearest
from losslang.syntax.spelling import spelled
from losslang.syntax.tree import Binary, Call, Entry, Expression, Name, Number, Unary

__all__ = ["SCHEDULES", "Override", "ParameterValue", "Static", "compute", "evaluate_static", "read_parameters"]

Static: TypeAlias = int | float | Schedule


@dataclass(frozen=True)
class Override:
    """A value given outside the method file, and by whom (`--set`, `recipe toy`)."""

    value: int | float
    source: str


@dataclass(frozen=True)
class ParameterValue:
    """A parameter: its value, where it was set, and its expression in the file.

    `value` is None where the expression computes with schedules and so changes from step to step.
    """

    name: str
    value: Static | None
    source: str
    span: Span
    expression: Expression
    overridden: bool = False


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
}

_OPTIONS = {
    "cosine": ("epochs", "steps", "warmup", "every"),
    "linear": ("epochs", "steps", "warmup", "every"),
    "step": ("epochs", "steps", "every"),
}
SCHEDULES = frozenset(_OPTIONS)
"""`cosine(a, b)`, `linear(a, b)`, `step(a, b)`: from a to b over epochs= or steps=, by default over the whole run."""


_NO_NUMBERS = {"true", "false", "none", "null", "nan", "inf", "infinity"}
"""Words of other languages that stand where a number belongs."""


class Parameters(dict[str, ParameterValue]):
    """Parameters by name; `broken` ones were reported and have no value, so that what uses them stays silent."""

    def __init__(self, broken: Iterable[str] = ()) -> None:
        super().__init__()
        self.broken = set(broken)


class Changing(Exception):
    """An expression that computes with schedules: it has no one value."""


def evaluate_static(expression: Expression, known: Mapping[str, ParameterValue], report: Report) -> Static | None:
    """The value of a constant expression, None with a diagnostic where it has none.

    Raises `Changing` where it computes with schedules.
    """
    match expression:
        case Number():
            return expression.value
        case Name(primes=0):
            return _lookup(expression, known, report)
        case Unary(operator="-"):
            value = evaluate_static(expression.operand, known, report)
            if isinstance(value, Schedule):
                raise Changing
            return None if value is None else -value
        case Binary(operator=sign) if sign in _ARITHMETIC:
            return _arithmetic(expression, known, report)
        case Call(function=name) if name in SCHEDULES:
            return _read_schedule(expression, known, report)
    report.add(
        "E402",
        "this must be a constant: numbers, earlier parameters and schedules",
        expression.span,
        help=spelled(
            expression.span,
            yaml="compute values of embeddings under `define`",
            loss="compute values of embeddings in a definition, `name = …` without `parameter`",
        ),
    )
    return None


def _lookup(name: Name, known: Mapping[str, ParameterValue], report: Report) -> Static | None:
    if name.id in known:
        found = known[name.id]
        if found.value is None:
            raise Changing
        return found.value
    if isinstance(known, Parameters) and name.id in known.broken:
        return None
    if name.id.lower() in _NO_NUMBERS:
        help_ = "write a finite number; what is to be switched off has a weight of 0"
        report.add("E402", f"a parameter is a number, and `{name.id}` is none", name.span, help=help_)
        return None
    close = nearest(name.id, known)
    help_ = f"did you mean `{close}`?" if close else "a parameter must be declared above its first use"
    report.add("E201", f"there is no earlier parameter `{name.id}`", name.span, help=help_)
    return None


def _arithmetic(expression: Binary, known: Mapping[str, ParameterValue], report: Report) -> float | None:
    left = evaluate_static(expression.left, known, report)
    right = evaluate_static(expression.right, known, report)
    if left is None or right is None:
        return None
    if isinstance(left, Schedule) or isinstance(right, Schedule):
        raise Changing
    value = compute(expression.operator, left, right)
    if value is None:
        zero = expression.operator == "/" and right == 0
        message = "this divides by zero" if zero else "this constant is not a finite number"
        report.add("E403", message, expression.span)
    return value


def compute(sign: str, left: float, right: float) -> int | float | None:
    """The value of two numbers and a sign, None where it is not a finite number; whole where it is and has 64 bits."""
    whole = isinstance(left, int) and isinstance(right, int)
    if sign == "^" and isinstance(left, int) and not -_BITS < left.bit_length() * right < _BITS:
        left = float(left)  # exact powers may have any number of digits
    try:
        value = _ARITHMETIC[sign](left, right)
        if whole and sign == "/" and left % right == 0:
            value = left // right  # width / 4 may be a size
        if isinstance(value, int) and value.bit_length() > _BITS:
            value = float(value)
    except (ZeroDivisionError, OverflowError):
        return None
    return None if isinstance(value, complex) or not math.isfinite(value) else value


_BITS = 64


def _read_schedule(call: Call, known: Mapping[str, ParameterValue], report: Report) -> Schedule | None:
    allowed = _OPTIONS[call.function]
    if len(call.arguments) != 2 or call.loops:
        report.add("E404", f"`{call.function}` takes a start and an end value: {call.function}(a, b)", call.span)
        return None
    ends = [_number(argument, known, report) for argument in call.arguments]
    options: dict[str, float] = {}
    every_epoch = False
    for keyword in call.keywords:
        if keyword.name not in allowed:
            close = nearest(keyword.name, allowed) or ", ".join(allowed)
            report.add("E203", f"`{call.function}` has no option `{keyword.name}`", keyword.span, help=f"try `{close}`")
            return None
        if keyword.name == "every":
            if not isinstance(keyword.value, Name) or keyword.value.id != "epoch":
                report.add("E404", "`every` takes the word epoch", keyword.value.span, help="every=epoch")
                return None
            every_epoch = True
            continue
        value = _number(keyword.value, known, report)
        if value is None:
            return None
        if value < 0 or (keyword.name == "steps" and not isinstance(value, int)):
            report.add("E404", f"`{keyword.name}` counts, and {value} is no count", keyword.value.span)
            return None
        options[keyword.name] = value
    if ends[0] is None or ends[1] is None:
        return None
    return _assemble(call, (ends[0], ends[1]), options, report, every_epoch=every_epoch)


def _assemble(
    call: Call, ends: tuple[float, float], options: dict[str, float], report: Report, *, every_epoch: bool
) -> Schedule | None:
    if "epochs" in options and "steps" in options:
        report.add("E404", "a schedule ends after epochs or after steps, not both", call.span)
        return None
    if call.function == "step" and not {"epochs", "steps"} & set(options):
        report.add("E404", "`step` must know when", call.span, help="step(a, b, epochs=10) is a before, b from then on")
        return None
    steps = options.get("steps")
    return Schedule(
        call.function,
        float(ends[0]),
        float(ends[1]),
        options.get("epochs"),
        None if steps is None else int(steps),
        options.get("warmup", 0.0),
        every_epoch,
    )


def _number(expression: Expression, known: Mapping[str, ParameterValue], report: Report) -> float | None:
    try:
        value = evaluate_static(expression, known, report)
    except Changing:
        value = Schedule("linear", 0, 0)
    if isinstance(value, Schedule):
        report.add("E405", "a number is needed here, and a schedule changes from step to step", expression.span)
        return None
    return value


def _uses_broken(expression: Expression, known: Parameters) -> bool:
    return any(name in known.broken for name in names_in(expression))


def read_parameters(
    entries: Mapping[str, Entry], overrides: Mapping[str, Override], report: Report, broken: Iterable[str] = ()
) -> Parameters:
    """All parameters in order of declaration, later ones computed from overridden earlier ones.

    A broken parameter is reported and left out.
    """
    known = Parameters(broken)
    for name, entry in entries.items():
        assert entry.value is not None
        stop_at_many(report, entry.span)
        value: Static | None
        if name in overrides:
            override = overrides[name]
            number = Number(override.value, repr(override.value), entry.span)
            known[name] = ParameterValue(name, override.value, override.source, entry.span, number, overridden=True)
            continue
        source = f"{entry.name_span.source.name}:{entry.name_span.line}"
        before = len(report.diagnostics)
        try:
            value = evaluate_static(entry.value, known, report)
        except Changing:
            value = None
        if len(report.diagnostics) == before and (value is not None or not _uses_broken(entry.value, known)):
            known[name] = ParameterValue(name, value, source, entry.span, entry.value)
        else:
            known.broken.add(name)
    return known
