"""`losslang list`: what ships, by kind; each row a name and a few words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from losslang.shipped import shipped_recipes, shipped_specs

__all__ = ["INVENTORY", "inventory_text"]

Row = tuple[str, str]

# A title as either spelling writes it; reading the whole file would cost a hundred times more.
_TITLE = re.compile(r"""^(?:title:\s*|method\s+\w+\s+)["']?(?P<title>[^"'\n]+)""", re.MULTILINE)


def inventory_text(kind: str | None) -> str:
    """The rows of one kind, or of every kind under its heading."""
    if kind is not None:
        return _table(INVENTORY[kind]())
    return "\n".join(f"{name}\n{_table(rows(), indent='  ')}" for name, rows in INVENTORY.items())


def _table(rows: Iterable[Row], indent: str = "") -> str:
    rows = list(rows)
    width = max((len(name) for name, _ in rows), default=0)
    return "".join(f"{indent}{name:{width}}  {words}".rstrip() + "\n" for name, words in rows)


def _specs() -> Iterable[Row]:
    return ((name, _title(path)) for name, path in shipped_specs().items())


def _title(path: Path) -> str:
    found = _TITLE.search(path.read_text(encoding="utf-8"))
    return found["title"].strip() if found else ""


def _recipes() -> Iterable[Row]:
    return ((name, _first_comment(path)) for name, path in shipped_recipes().items())


def _first_comment(path: Path) -> str:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return first.lstrip("# ") if first.startswith("#") else ""


def _codes() -> Iterable[Row]:
    from losslang.diagnostics.codes import all_codes

    return ((code, row.title) for code, row in all_codes().items())


INVENTORY: dict[str, Callable[[], Iterable[Row]]] = {
    "specs": _specs,
    "recipes": _recipes,
    "codes": _codes,
}
