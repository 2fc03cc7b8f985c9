"""Places in sources, the table of codes, and the messages people read."""

from losslang.diagnostics.report import Diagnostic, Label, LosslangError, Report, SpecError
from losslang.diagnostics.source import NOWHERE, Source, Span

__all__ = ["NOWHERE", "Diagnostic", "Label", "LosslangError", "Report", "Source", "Span", "SpecError"]
