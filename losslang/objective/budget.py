"""How large a method may be, so that every file is answered within two seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from losslang.diagnostics import NOWHERE, Report, Span
from losslang.objective.graph import Node

__all__ = ["Budget", "Enough", "stop_at_many"]

MAX_ERRORS = 99  # and one that says that there are more: as many as are shown
MAX_EXPRESSIONS = 10_000
MAX_OPERATIONS = 3000  # ten times what the largest method that is known has; the verdict computes them all
MAX_PAIRS = 10_000
MAX_DEPTH = 120  # an expression of the readers is at most 100 deep
MAX_GRAPH_DEPTH = 500


class Enough(Exception):
    """Typing ends here; why was reported."""


@dataclass
class Budget:
    """What was spent on one method. Calls raise `Enough` where it is too much."""

    report: Report
    expressions: int = 0
    pairs: int = 0
    depth: int = 0
    root: Span = NOWHERE
    depths: dict[int, int] = field(default_factory=dict)

    def enter(self, span: Span) -> None:
        """One more expression to elaborate, inside those that are open."""
        if self.depth == 0:
            self.root = span
        self.depth += 1
        self.expressions += 1
        stop_at_many(self.report, span)
        if self.expressions > MAX_EXPRESSIONS:
            message = (
                f"with its loops and definitions written out, the method has more than {MAX_EXPRESSIONS:,} expressions"
            )
            self._refuse(
                message, self.root, "use fewer views, or name a value that is used often once, as a definition"
            )
        if self.depth > MAX_DEPTH:
            self._refuse(f"with the definitions it uses, this is nested more than {MAX_DEPTH} deep", self.root)

    def leave(self) -> None:
        """The innermost open expression is done."""
        self.depth -= 1

    def count_pairs(self, pairs: int, span: Span) -> None:
        """The pairs of views of one more loop."""
        self.pairs += pairs
        if self.pairs > MAX_PAIRS:
            self._refuse(f"loops over more than {MAX_PAIRS:,} pairs of views", span, "use fewer views")

    def note(self, node: Node) -> None:
        """A new value, on top of those it is computed from."""
        if node.number not in self.depths:
            depth = 1 + max((self.depths.get(child.number, 0) for child in node.inputs), default=0)
            self.depths[node.number] = depth
            if len(self.depths) > MAX_OPERATIONS:
                message = f"with its loops written out, the method has more than {MAX_OPERATIONS:,} operations"
                self._refuse(message, self.root, "use fewer views")
            if depth > MAX_GRAPH_DEPTH:
                self._refuse(f"more than {MAX_GRAPH_DEPTH} operations follow on each other here", self.root)

    def _refuse(self, message: str, span: Span, help_: str = "") -> None:
        self.report.add("E407", message, span, help=help_)
        raise Enough


def stop_at_many(report: Report, span: Span) -> None:
    """Raises `Enough` where so many errors were found that no more would be shown."""
    if len(report.diagnostics) >= MAX_ERRORS:
        report.add("E519", f"there may be more errors than these {MAX_ERRORS}", span, help="mend the first ones")
        raise Enough
