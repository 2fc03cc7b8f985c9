"""losslang: self-supervised objectives as short files, compiled to torch and trained by one runner.

The public names are imported when they are first asked for, so `import losslang` stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from losslang.backend.compile import compile, compile_loss  # noqa: A004 - the language's word
    from losslang.diagnostics import LosslangError, SpecError
    from losslang.pipeline import check, load
    from losslang.questions import diff

__version__ = "0.1.0"

__all__ = ["LosslangError", "SpecError", "__version__", "check", "compile", "compile_loss", "diff", "load"]

_HOMES = {
    "LosslangError": "losslang.diagnostics",
    "SpecError": "losslang.diagnostics",
    "check": "losslang.pipeline",
    "compile": "losslang.backend.compile",
    "compile_loss": "losslang.backend.compile",
    "diff": "losslang.questions",
    "load": "losslang.pipeline",
}


def __getattr__(name: str) -> Any:
    """A public name, from its home (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'losslang' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
