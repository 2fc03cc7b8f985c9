"""Files and sources -> Method, whichever of the two spellings they are in."""

from __future__ import annotations

from losslang.diagnostics import Report, Source
from losslang.syntax.tree import Method

__all__ = ["read_method"]


def read_method(source: Source, report: Report) -> Method | None:
    from losslang.syntax.read_yaml import read_yaml
    return read_yaml(source, report)
