"""What of a file could not be read, so that later stages neither miss it nor report what only follows from that."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from losslang.syntax import yaml_text
from losslang.syntax.checks import NAMING, SECTIONS
from losslang.syntax.names import is_name
from losslang.syntax.yaml_text import Node, Pair

__all__ = ["Lost", "Named", "lost_in"]


class Named(Protocol):
    """An entry, a view, a definition."""

    @property
    def name(self) -> str: ...  # noqa: D102


@dataclass
class Lost:
    """Names of entries that could not be read, and sections that lack more than these names."""

    names: set[str] = field(default_factory=set)
    sections: set[str] = field(default_factory=set)


def lost_in(root: yaml_text.Mapping, keys: Collection[str], read: Mapping[str, Sequence[Named]]) -> Lost:
    """What the mapping of a document gives beyond the entries that were `read` of each section."""
    lost = Lost()
    for pair in (*root.pairs, *root.refused):
        key = pair.key.text
        if key == "<<":
            lost.sections |= SECTIONS
        elif key not in keys:  # a misspelled section, or an entry that lacks its indentation
            lost.names |= {key, *_keys(pair.value)}
        elif key in {"views", "objective"}:
            _whole_section(pair, read[key], lost)
        elif key in NAMING:
            lost.names |= _keys(pair.value)
            lost.sections |= set() if _tells_its_names(pair.value) else {key}
    lost.names = set(filter(is_name, lost.names)) - {each.name for key in NAMING for each in read[key]}
    return lost


def _whole_section(pair: Pair, read: Sequence[Named], lost: Lost) -> None:
    """Views and terms are counted and combined, so one of them that is lost makes the section incomplete."""
    key, value = pair.key.text, pair.value
    lost.names |= _keys(value) if key == "views" else set()
    given = len(value.items) if isinstance(value, yaml_text.Sequence) else len(_keys(value))
    if given != len(read) or not given:
        lost.sections.add(key)


def _keys(node: Node) -> set[str]:
    return {pair.key.text for pair in (*node.pairs, *node.refused)} if isinstance(node, yaml_text.Mapping) else set()


def _tells_its_names(node: Node) -> bool:
    if isinstance(node, yaml_text.Mapping):
        return all(pair.key.text != "<<" for pair in node.refused)
    return isinstance(node, yaml_text.Scalar) and node.is_empty
