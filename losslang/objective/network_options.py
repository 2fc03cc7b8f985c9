"""Options of constructors: from expressions to values, such as norm=batchnorm and momentum=0.99."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from losslang.diagnostics import Report
from losslang.objective.networks import Norm
from losslang.objective.parameters import Changing, ParameterValue, evaluate_static
from losslang.objective.schedules import Schedule
from losslang.syntax.names import nearest
from losslang.syntax.tree import Call, Expression, Keyword, Name

__all__ = ["OptionReader"]

_WORDS = {
    "activation": ("relu", "gelu", "tanh", "silu", "none"),
    "rows": ("free", "weight_norm", "project"),
    "norm": ("none", "batchnorm", "layernorm", "iternorm"),
    "last_norm": ("none", "batchnorm", "layernorm", "iternorm"),
}


@dataclass(frozen=True)
class OptionReader:
    """Reads options, and reports those that are wrong."""

    parameters: Mapping[str, ParameterValue]
    report: Report

    def value(self, keyword: Keyword) -> object:
        """What an option is given; None where it is wrong."""
        name = keyword.name
        if name in {"norm", "last_norm"}:
            return self._norm(keyword.value)
        if name in _WORDS:
            return self._word(keyword.value, _WORDS[name], name)
        if name in {"bias", "last_bias"}:
            return self._flag(keyword.value)
        return self._number(keyword.value, name)

    def _word(self, expression: Expression, choices: tuple[str, ...], option: str) -> str | None:
        if isinstance(expression, Name) and expression.id in choices:
            return expression.id
        close = nearest(expression.id, choices) if isinstance(expression, Name) else None
        help_ = f"did you mean `{close}`?" if close else f"one of {', '.join(choices)}"
        self.report.add("E217", f"`{option}` takes one of {len(choices)} words", expression.span, help=help_)
        return None

    def _flag(self, expression: Expression) -> bool | None:
        if isinstance(expression, Name) and expression.id in {"true", "false"}:
            return expression.id == "true"
        self.report.add("E217", "true or false is needed here", expression.span)
        return None

    def _norm(self, expression: Expression) -> Norm | None:
        if not isinstance(expression, Call):
            kind = self._word(expression, _WORDS["norm"], "norm")
            return None if kind is None else Norm(kind)
        kind = self._word(Name(expression.function, 0, expression.function_span), _WORDS["norm"], "norm")
        flags: dict[str, bool] = {}
        for keyword in expression.keywords:
            if kind != "batchnorm" or keyword.name not in {"affine", "beta"} or expression.arguments:
                self.report.add(
                    "E203",
                    f"`{expression.function}` has no option `{keyword.name}`",
                    keyword.span,
                    help="batchnorm takes affine=false, or beta=false",
                )
                return None
            flag = self._flag(keyword.value)
            if flag is None:
                return None
            flags[keyword.name] = flag
        return None if kind is None else Norm(kind, **flags)

    def _number(self, expression: Expression, name: str) -> object:
        before = len(self.report.diagnostics)
        try:
            value = evaluate_static(expression, self.parameters, self.report)
        except Changing:
            self.report.add(
                "E218", f"`{name}` is a number or one schedule, not a computation with schedules", expression.span
            )
            return None
        if value is None:
            return None
        if isinstance(value, Schedule) and name == "momentum":
            return self._momentum(value, expression, (value.start, value.end))
        if isinstance(value, Schedule):
            self.report.add(
                "E405", "a number is needed here, and a schedule changes from step to step", expression.span
            )
            return None
        if name == "momentum":
            return self._momentum(float(value), expression, (value,))
        if value < 0 or (name == "steps" and not isinstance(value, int)):
            self.report.add("E404", f"`{name}` counts, and {value} is no count", expression.span)
        return value if len(self.report.diagnostics) == before else None

    def _momentum(
        self, value: float | Schedule, expression: Expression, ends: tuple[float, ...]
    ) -> float | Schedule | None:
        if all(0 <= end <= 1 for end in ends):
            return value
        self.report.add("E219", "momentum lies between 0 (copy) and 1 (never moves)", expression.span)
        return None
