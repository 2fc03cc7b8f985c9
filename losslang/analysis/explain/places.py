"""Places in files, as short as people name them."""

from __future__ import annotations

from pathlib import Path

from losslang.diagnostics import Span
from losslang.shipped import shipped_specs

__all__ = ["place"]


def place(span: Span) -> str:
    """`specs/simsiam.yaml:8`; a file that ships is named from the top of the checkout, any other as it was given."""
    return f"{_short(span.source.name)}:{span.line}"


def _short(name: str) -> str:
    shipped = next(iter(shipped_specs().values()), None)
    path = Path(name)
    if shipped is None or not path.is_absolute():
        return name
    folder = next(parent for parent in shipped.parents if parent.name in {"specs", "_specs"})
    return str(Path("specs") / path.relative_to(folder)) if path.is_relative_to(folder) else name
