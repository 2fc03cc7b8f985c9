"""Networks: from the expressions of a method to descriptions, by the table of constructors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

from losslang.diagnostics import Report, Span
from losslang.objective.axes import Size
from losslang.objective.budget import Enough, stop_at_many
from losslang.objective.constructors import CONSTRUCTORS, Constructor
from losslang.objective.elsewhere import is_backbone
from losslang.objective.mentions import names_in
from losslang.objective.network_options import OptionReader
from losslang.objective.networks import Network
from losslang.objective.parameters import Changing, Parameters, ParameterValue, Static, evaluate_static
from losslang.objective.rules import MAX_COUNT
from losslang.syntax.names import nearest
from losslang.syntax.tree import Call, Entry, Expression, Keyword, Name

__all__ = ["read_networks"]

MAX_DEPTH = 64
_BUILT_OF_PARTS = {row.name for row in CONSTRUCTORS.values() if row.parts[1]}


@dataclass
class _Reader:
    entries: Mapping[str, Entry]
    parameters: Mapping[str, ParameterValue]
    report: Report
    feature_sizes: Mapping[str, int] = field(default_factory=dict)
    done: dict[str, Network | None] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    depths: dict[str, int] = field(default_factory=dict)
    depth: int = 0
    told: set[str] = field(default_factory=set)

    def named(self, name: str) -> Network | None:
        """The network of that name, read on first use."""
        if name not in self.done:
            self.open.append(name)
            entry = self.entries[name]
            assert entry.value is not None
            stop_at_many(self.report, entry.span)
            network = self.read(entry.value)
            if network is not None:
                self.depths[name] = self.deep(network)
                if self.depths[name] > MAX_DEPTH:
                    self.too_deep(entry.span)
            self.done[name] = network
            self.open.pop()
        return self.done[name]

    def deep(self, network: Network) -> int:
        """How many networks are built into each other here."""
        if network.kind == "reference":
            return 1 + self.depths[network.name]
        return 1 + max(map(self.deep, network.parts), default=0)

    def too_deep(self, span: Span) -> NoReturn:
        self.report.add("E407", f"networks are built into each other more than {MAX_DEPTH} deep", span)
        raise Enough

    def read(self, expression: Expression) -> Network | None:
        """A constructor, or the name of another network."""
        if self.depth > MAX_DEPTH:
            self.too_deep(expression.span)
        self.depth += 1
        network = self.one(expression)
        self.depth -= 1
        return network

    def one(self, expression: Expression) -> Network | None:
        if isinstance(expression, Name) and not expression.primes:
            if expression.id in self.entries:
                return self.reference(expression)
            expression = Call(expression.id, function_span=expression.span, span=expression.span)
        if not isinstance(expression, Call) or expression.loops:
            self.report.add(
                "E212", "a network is a constructor such as mlp(512, 2048), or the name of a network", expression.span
            )
            return None
        if expression.function not in CONSTRUCTORS:
            self.unknown(expression)
            return None
        return self.construct(expression, CONSTRUCTORS[expression.function])

    def unknown(self, call: Call) -> None:
        if isinstance(self.parameters, Parameters) and call.function in self.parameters.broken:
            return
        close = nearest(call.function, [*CONSTRUCTORS, *self.entries])
        if is_backbone(call.function):
            help_ = f"write `backbone`; which one it is says the recipe, as in --set backbone.name={call.function}"
        else:
            help_ = f"did you mean `{close}`?" if close else f"the constructors are {', '.join(CONSTRUCTORS)}"
        self.report.add("E213", f"there is no network or constructor `{call.function}`", call.function_span, help=help_)

    def reference(self, name: Name) -> Network | None:
        if name.id in self.open:
            circle = " -> ".join([*self.open[self.open.index(name.id) :], name.id])
            self.report.add("E214", f"networks are built from each other in a circle: {circle}", name.span)
            return None
        return None if self.named(name.id) is None else Network("reference", name=name.id)

    def construct(self, call: Call, row: Constructor) -> Network | None:
        low, high = row.parts if row.parts[1] else row.sizes
        if high == 0 and call.arguments:
            help_ = f"write `{row.usage}` alone" + ("; it sees the images" if row.name == "backbone" else "")
            self.report.add("E215", f"`{row.name}` takes no values", call.span, help=help_)
            return None
        if not low <= len(call.arguments) <= high:
            self.report.add("E215", f"`{row.name}` is written {row.usage}", call.span)
            return None
        network: Network | None = Network(row.name)
        if row.parts[1]:
            parts = [self.read(argument) for argument in call.arguments]
            network = None if None in parts else Network(row.name, parts=tuple(p for p in parts if p is not None))
        else:
            widths = [self.size(argument) for argument in call.arguments]
            network = None if None in widths else Network(row.name, widths=tuple(w for w in widths if w is not None))
        for keyword in call.keywords:
            network = self.option(network, row, keyword)
        return self.complete(network, row, call)

    def complete(self, network: Network | None, row: Constructor, call: Call) -> Network | None:
        if network is None:
            return None
        given = {keyword.name for keyword in call.keywords}
        missing = [name for name in row.needs if name not in given]
        if missing or (row.name == "freeze_for" and len(given) != 1):
            self.report.add("E215", f"`{row.name}` is written {row.usage}", call.span)
            return None
        if "bias" in given and "last_bias" not in given:
            network = replace(network, last_bias=network.bias)
        return network

    def silent(self, expression: Expression) -> bool:
        """Whether an expression uses a parameter that was reported as wrong."""
        broken = self.parameters.broken if isinstance(self.parameters, Parameters) else set()
        return any(name in broken for name in names_in(expression))

    def features(self, call: Call) -> Size | None:
        """`features(encoder)`: the feature size of a backbone, a name until the recipe binds it."""
        (name,) = call.arguments if len(call.arguments) == 1 else (None,)
        if isinstance(name, Name) and name.id in self.entries:
            if not self.sees_images(name.id):
                self.report.add(
                    "E216",
                    f"`features` takes the name of a backbone, and `{name.id}` is none",
                    name.span,
                    help="give the sizes of other networks as numbers",
                )
                return None
            return self.feature_sizes.get(name.id, f"features({name.id})")
        self.report.add("E216", "`features` takes the name of a backbone: features(encoder)", call.span)
        return None

    def sees_images(self, name: str) -> bool:
        """Whether an entry is a backbone, or begins with one; true where it is wrong, which is reported."""
        seen = {name}
        while True:
            value = self.entries[name].value
            while isinstance(value, Call) and value.arguments and value.function in _BUILT_OF_PARTS:
                value = value.arguments[0]
            called = value.function if isinstance(value, Call) else value.id if isinstance(value, Name) else ""
            if called in seen or called not in self.entries:
                return called not in CONSTRUCTORS or called == "backbone"
            name = called
            seen.add(name)

    def size(self, expression: Expression) -> Size | None:
        if isinstance(expression, Call) and expression.function == "features":
            return self.features(expression)
        before = len(self.report.diagnostics)
        try:
            value = evaluate_static(expression, self.parameters, self.report)
        except Changing:
            value = None
        if isinstance(value, int) and 1 <= value <= MAX_COUNT:
            return value
        if len(self.report.diagnostics) == before and not self.silent(expression):
            self._no_size(expression, value)
        return None

    def _no_size(self, expression: Expression, value: Static | None) -> None:
        """Say it, and of a parameter once: it has one value, however many sizes are made of it."""
        parameter = self.parameters.get(expression.id) if isinstance(expression, Name) else None
        if parameter is not None and parameter.name in self.told:
            return
        found = f"not {value}" if isinstance(value, int | float) else "without a schedule"
        help_ = "" if parameter is None else f"`{parameter.name}` is set by {parameter.source}"
        self.told |= {parameter.name} if parameter is not None else set()
        self.report.add("E216", f"a size is a whole number from 1 to 10,000,000, {found}", expression.span, help=help_)

    def option(self, network: Network | None, row: Constructor, keyword: Keyword) -> Network | None:
        name = keyword.name
        if name not in row.options:
            close = nearest(name, row.options)
            help_ = f"did you mean `{close}`?" if close else f"{row.name} is written {row.usage}"
            self.report.add("E203", f"`{row.name}` has no option `{name}`", keyword.span, help=help_)
            return None
        value = OptionReader(self.parameters, self.report).value(keyword)
        return None if network is None or value is None else replace(network, **{name: value})  # type: ignore[arg-type]


def read_networks(
    entries: Mapping[str, Entry],
    parameters: Mapping[str, ParameterValue],
    report: Report,
    feature_sizes: Mapping[str, int],
) -> dict[str, Network | None]:
    """The networks of a method in order of declaration; None for those reported as wrong."""
    reader = _Reader(entries, parameters, report, feature_sizes)
    return {name: reader.named(name) for name in entries}
