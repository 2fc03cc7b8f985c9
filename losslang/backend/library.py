"""The source of the functions that an emitted module calls."""

from __future__ import annotations

import ast
import functools
import re
from importlib import resources

__all__ = ["function_names", "sources_for"]

FILES = (
    ("losslang.backend", "precision.py"),
    ("losslang.backend", "interface.py"),
    ("losslang.backend", "vmapped.py"),
    ("losslang.backend", "lengths.py"),
    ("losslang.backend", "arithmetic.py"),
    ("losslang.backend", "spectral.py"),
    ("losslang.backend", "clusters.py"),
    ("losslang.backend", "draws.py"),
    ("losslang.backend", "moving.py"),
    ("losslang.backend", "fused.py"),
    ("losslang.backend", "moments.py"),
    ("losslang.backend", "tracked.py"),
    ("losslang.backend", "waves.py"),
    ("losslang.backend", "whitening.py"),
    ("losslang.backend", "probed.py"),
    ("losslang.backend", "similarities.py"),
    ("losslang.backend", "weights.py"),
    ("losslang.backend", "contrast_of_few.py"),
    ("losslang.backend", "contrast.py"),
    ("losslang.backend", "cosines.py"),
    ("losslang.backend", "cosines_of_pairs.py"),
    ("losslang.backend", "entropies.py"),
    ("losslang.backend", "nearest.py"),
    ("losslang.backend", "on_gpu.py"),
    ("losslang.algebra", "ways.py"),
    ("losslang.networks", "exchange.py"),
    ("losslang.networks", "processes.py"),
    ("losslang.networks", "assignments.py"),
    ("losslang.backend", "squares_of_all.py"),
    ("losslang.backend", "fused_of_all.py"),
)
"""Where the functions are written; of each name there is one."""


@functools.cache
def _definitions() -> dict[str, str]:
    """Every top-level function, class and constant of the files, by name, in order. Read as text: torch is not imported."""
    found: dict[str, str] = {}
    for package, file in FILES:
        parts = _parts((resources.files(package) / file).read_text(encoding="utf-8"))
        assert not found.keys() & parts.keys(), f"{file} has names of other files: {found.keys() & parts.keys()}"
        found |= parts
    return found


def _parts(text: str) -> dict[str, str]:
    lines, found = text.splitlines(), {}
    for item in ast.parse(text).body:
        if isinstance(item, ast.FunctionDef | ast.ClassDef):
            start = min([item.lineno, *(d.lineno for d in item.decorator_list)])
            found[item.name] = "\n".join(lines[start - 1 : item.end_lineno])
        elif isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            found[item.targets[0].id] = "\n".join(lines[item.lineno - 1 : item.end_lineno])
    found.pop("__all__", None)
    return found


@functools.cache
def function_names() -> frozenset[str]:
    """The names that emitted modules must not give to values."""
    return frozenset(_definitions())


def sources_for(text: str) -> str:
    """The functions that a source mentions, and those that these mention."""
    definitions = _definitions()
    needed = {"Output"}
    pending = [text]
    while pending:
        words = set(re.findall(r"\b\w+\b", pending.pop()))
        new = {name for name in definitions if name in words and name not in needed}
        needed |= new
        pending.extend(definitions[name] for name in new)
    return "\n\n\n".join(["", *(definitions[name] for name in definitions if name in needed)]).lstrip("\n")
