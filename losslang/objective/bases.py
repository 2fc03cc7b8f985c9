"""Where methods lie: files, and those that ship."""

from __future__ import annotations

from pathlib import Path

from losslang.diagnostics import Report
from losslang.shipped import shipped_specs
from losslang.syntax.load import load_source
from losslang.syntax.names import nearest
from losslang.syntax.read import read_method
from losslang.syntax.tree import Method

__all__ = ["find_base", "find_method"]


def find_method(path: str | Path) -> Path:
    """The file of a method; a name that is no file is that of a shipped method."""
    shipped = shipped_specs()
    return shipped[str(path)] if str(path) in shipped and not Path(path).exists() else Path(path)


def find_base(method: Method, report: Report) -> Method | None:
    """The method that a method extends: a file beside it, or one that ships."""
    beside = Path(method.span.source.name).parent
    own = Path(method.span.source.name).name
    candidates = [beside / f"{method.extends}{suffix}" for suffix in (".yaml", ".yml", ".loss")]
    path = next((path for path in candidates if path.name != own and path.is_file()), None)
    path = path or shipped_specs().get(method.extends)
    if path is None:
        folder = next((path for path in candidates if path.is_dir()), None)
        if folder is not None:
            report.add("E222", f"`{folder.name}` is a folder, and no method to extend", method.extends_span)
            return None
        if any(path.name == own for path in candidates):
            report.add("E205", "a method cannot extend its own file", method.extends_span)
            return None
        close = nearest(method.extends, [*shipped_specs(), *(p.stem for p in beside.glob("*.yaml"))])
        help_ = (
            f"did you mean `{close}`?" if close else "it is looked for beside this file and among the shipped methods"
        )
        report.add("E222", f"there is no method `{method.extends}` to extend", method.extends_span, help=help_)
        return None
    source = load_source(path, report)
    return None if source is None else read_method(source, report)
