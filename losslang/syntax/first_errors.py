"""A report that keeps the first hundred errors, so that a file of nothing else is answered as fast as any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from losslang.diagnostics import Diagnostic, Report, Span

__all__ = ["MAX_ERRORS", "FirstErrors"]

MAX_ERRORS: Final = 99  # and one that counts the others: as many as are shown


@dataclass
class FirstErrors(Report):
    """Keeps the first errors and counts the others."""

    left_out: int = 0
    last: Span | None = None

    def take(self, found: Diagnostic) -> None:
        """Records one diagnostic, or counts it."""
        if len(self.diagnostics) < MAX_ERRORS:
            super().take(found)
        else:
            self.left_out += 1
            self.last = self.last or found.span

    def pass_to(self, report: Report) -> None:
        """Hands all to the report of the run; says how many were left out."""
        for each in self.diagnostics:
            report.take(each)
        if self.last is not None:
            message = (
                f"this and {self.left_out - 1} more errors are not shown" if self.left_out > 1 else "one error more"
            )
            report.add("E519", message, self.last, help="mend the first ones")
