"""The pages of all methods that ship, as `losslang explain --pages` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from losslang.questions import explanation, reading

__all__ = ["pages", "write_pages"]


def pages() -> dict[str, str]:
    """The reference page of every method that ships, and their index, by file name."""
    from losslang.analysis.explain.page import index_page, method_page
    from losslang.shipped import shipped_specs

    explanations = {name: explanation(path) for name, path in shipped_specs().items()}
    texts = {f"{name}.md": method_page(e, stability=reading(e.spec)) for name, e in explanations.items()}
    return {**texts, "README.md": index_page(explanations)}


def write_pages(folder: Path, texts: Mapping[str, str]) -> str:
    """Write pages into a folder; what was done, in words. Pages of methods that are gone are removed."""
    from losslang.commands.files import write

    folder.mkdir(parents=True, exist_ok=True)
    changed = [name for name, text in texts.items() if _read(folder / name) != text]
    for name in changed:
        write(folder / name, texts[name])
    gone = [path for path in sorted(folder.glob("*.md")) if path.name not in texts and _is_ours(path)]
    for path in gone:
        path.unlink()
    return f"{folder}: {len(texts)} pages, {len(changed)} written, {len(gone)} removed\n"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _is_ours(path: Path) -> bool:
    """Whether a page was written by this command."""
    return path.read_text(encoding="utf-8").startswith("<!-- Written by `losslang explain")
