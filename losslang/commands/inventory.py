"""`losslang list`: what ships, by kind; each row a name and a few words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from losslang.shipped import shipped_augmentations, shipped_experiments, shipped_recipes, shipped_specs

if TYPE_CHECKING:
    from losslang.parity import Card

__all__ = ["INVENTORY", "inventory_text"]

Row = tuple[str, str]

WIDTH = 100
"""Columns that a long row is broken to."""

# Titles, and heads of definitions, are picked from the text: to read the files as the compiler does would take most of
# the time that a command may take at its start. tests/test_cli.py compares.
_TITLE = re.compile(r"^(?:title: *|method +[\w.-]+ +)(?P<title>\S.*)$", re.MULTILINE)
_DEFINITION = re.compile(r'^def (\w+)\((.*)\) =\n +"""(.*?)(?:"""|\n)', re.MULTILINE)
_AXES = re.compile(r": \[[^]]*\]")


def inventory_text(kind: str | None) -> str:
    """The rows of one kind, or of every kind under its heading."""
    if kind == "specs":
        return _cards()
    if kind is not None:
        return _table(INVENTORY[kind]())
    return "\n".join(f"{name}\n{_table(rows(), indent='  ')}" for name, rows in INVENTORY.items())


def _table(rows: Iterable[Row], indent: str = "") -> str:
    rows = list(rows)
    width = max((len(name) for name, _ in rows), default=0)
    return "".join(f"{indent}{name:{width}}  {words}".rstrip() + "\n" for name, words in rows)


def _cards() -> str:
    """Every shipped method: title and paper, what its terms do and by which mechanisms, and what it was proved equal to."""
    from losslang.parity import USUAL, cards, scientific

    known = cards()
    names = shipped_specs()
    width = max(map(len, names))
    lines: list[str] = []
    for name, path in names.items():
        about = _about(known[name]) if name in known else [_title(path)]
        for number, text in enumerate(filter(None, about)):
            head = name if number == 0 else ""
            first, later = f"{head:{width}}  ", " " * (width + 4)
            lines += wrap(text, WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)
    lines += wrap(f"Equal: loss, gradients and state in float64, to {scientific(USUAL)} relative. {_ADAPTED}", WIDTH)
    return "".join(f"{line}\n" for line in lines)


_ADAPTED = (
    "Adapted: with definitions replaced, to take what that code takes. Every method equals a reference of our own, written"
    " from the formula."
)


def _about(card: Card) -> list[str]:
    """The lines on a method; empty ones are left out."""
    origin = [card.paper, f"variant of {card.extends}" if card.extends else ""]
    does = [_listed("roles", card.roles), _listed("mechanisms", card.mechanisms)]
    return [card.title, "; ".join(filter(None, origin)), "; ".join(filter(None, does)), card.parity]


def _listed(what: str, words: tuple[str, ...]) -> str:
    return f"{what}: {', '.join(words)}" if words else ""


def _specs() -> Iterable[Row]:
    return ((name, _title(path)) for name, path in shipped_specs().items())


def _title(path: Path) -> str:
    found = _TITLE.search(path.read_text(encoding="utf-8"))
    return found["title"].strip(" \"'") if found else ""


def _backbones() -> Iterable[Row]:
    """The names a recipe may choose, with their options and defaults."""
    from losslang.training.recipe import BACKBONES, BackboneChoice

    for name in BACKBONES:
        options = BackboneChoice(name=name).options
        yield name, ", ".join(f"{option}={value}" for option, value in options.items())


def _data() -> Iterable[Row]:
    from losslang.data.datasets import DATASETS
    from losslang.data.photo_sets import KNOWN

    return ((row.name, row.description) for row in (*DATASETS.values(), *KNOWN.values()))


def _augmentations() -> Iterable[Row]:
    return ((name, _first_comment(path)) for name, path in shipped_augmentations().items())


def _recipes() -> Iterable[Row]:
    return ((name, _first_comment(path)) for name, path in shipped_recipes().items())


def _experiments() -> Iterable[Row]:
    return ((name, _first_comment(path)) for name, path in shipped_experiments().items())


def _first_comment(path: Path) -> str:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return first.lstrip("# ") if first.startswith("#") else ""


def _codes() -> Iterable[Row]:
    from losslang.diagnostics.codes import all_codes

    return ((code, row.title) for code, row in all_codes().items())


def _primitives() -> Iterable[Row]:
    """The library in the language, then the core operations it is written with."""
    from losslang.library import FILES
    from losslang.objective.operations import OPERATIONS, SPECIAL, SPELLED_WITH_SIGNS

    for file in FILES:
        text = (resources.files("losslang.library") / file).read_text(encoding="utf-8")
        for name, parameters, summary in _DEFINITION.findall(text):
            yield f"{name}({_AXES.sub('', parameters)})", summary
    for name, operation in OPERATIONS.items():
        if name not in SPELLED_WITH_SIGNS:
            yield operation.usage, operation.summary
    for words in SPECIAL.values():
        usage, _, summary = words.partition(": ")
        yield usage, summary


def _statements() -> Iterable[Row]:
    from losslang.syntax.read_loss_parts import FORMS

    return FORMS.items()


def _axes() -> Iterable[Row]:
    from losslang.objective.axes import MEANINGS

    return MEANINGS.items()


def _networks() -> Iterable[Row]:
    from losslang.objective.constructors import CONSTRUCTORS

    return ((row.usage, row.summary) for row in CONSTRUCTORS.values())


INVENTORY: dict[str, Callable[[], Iterable[Row]]] = {
    "specs": _specs,
    "statements": _statements,
    "axes": _axes,
    "primitives": _primitives,
    "networks": _networks,
    "backbones": _backbones,
    "data": _data,
    "augmentations": _augmentations,
    "recipes": _recipes,
    "experiments": _experiments,
    "codes": _codes,
}
