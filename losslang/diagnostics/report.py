"""What is wrong, where, and what to do: the objects behind every message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from losslang.diagnostics.source import Source, Span

__all__ = ["Diagnostic", "Label", "LosslangError", "Report", "SpecError"]


class LosslangError(Exception):
    """A mistake of the user's outside a method file (a folder, an option, a missing extra); shown without a traceback."""


@dataclass(frozen=True)
class Label:
    """A second place that explains the first, such as the other side of a conflict."""

    span: Span
    text: str


@dataclass(frozen=True)
class Diagnostic:
    """One message: a code of the table, the place, and how to mend it."""

    code: str
    message: str
    span: Span
    label: str = ""
    labels: tuple[Label, ...] = ()
    help: str = ""

    @property
    def is_error(self) -> bool:
        """Errors stop the pipeline; warnings (codes W…) do not."""
        return not self.code.startswith("W")


class SpecError(LosslangError):
    """A method file that cannot be used; carries every diagnostic of the run.

    `str()` is the rendered text.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(len(self.diagnostics))

    def __reduce__(self) -> tuple[type[SpecError], tuple[tuple[Diagnostic, ...]]]:
        """Errors travel between processes as what they are made of."""
        return SpecError, (self.diagnostics,)

    def __str__(self) -> str:
        from losslang.diagnostics.render import render_text

        return render_text(self.diagnostics)


@dataclass
class Report:
    """Collects diagnostics over the stages of one run."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    _recorded: set[tuple[str, Span]] = field(default_factory=set, init=False, repr=False, compare=False)

    def add(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        label: str = "",
        labels: Sequence[Label] = (),
        help: str = "",  # noqa: A002 - the word users see
    ) -> None:
        """Record one diagnostic; the same code at the same place is recorded once."""
        self.take(Diagnostic(code, message, span, label, tuple(labels), help))

    def take(self, found: Diagnostic) -> None:
        """Record what another report found; the same code at the same place is recorded once."""
        if (found.code, found.span) not in self._recorded:
            self._recorded.add((found.code, found.span))
            self.diagnostics.append(found)

    @property
    def has_errors(self) -> bool:
        """Whether any recorded diagnostic is an error."""
        return any(diagnostic.is_error for diagnostic in self.diagnostics)

    def sorted(self) -> tuple[Diagnostic, ...]:
        """All diagnostics by source and place."""
        order: dict[Source, int] = {}
        for diagnostic in self.diagnostics:
            order.setdefault(diagnostic.span.source, len(order))
        return tuple(sorted(self.diagnostics, key=lambda d: (order[d.span.source], d.span.start, d.code)))

    def raise_errors(self) -> None:
        """Raise `SpecError` if an error was recorded."""
        if self.has_errors:
            raise SpecError(self.sorted())
