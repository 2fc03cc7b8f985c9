"""The plain values of recipes: numbers, texts, true and false, lists of those."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final, TypeAlias

__all__ = ["PATH_PART", "TRAPS", "Plain", "Setting", "plain_number", "write_setting"]

Plain: TypeAlias = int | float | str | bool
Setting: TypeAlias = Plain | tuple[Plain, ...]

PATH_PART: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

TRAPS: Final = {
    **dict.fromkeys(("yes", "on", "y", "True", "TRUE", "Yes", "YES", "On", "ON", "Y"), "true"),
    **dict.fromkeys(("no", "off", "n", "False", "FALSE", "No", "NO", "Off", "OFF", "N"), "false"),
    **dict.fromkeys(("~", "Null", "NULL"), "null"),
}
"""Spellings that some YAML readers take for something else than others do, with the one that is meant."""

_NUMBER: Final = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def plain_number(text: str) -> int | float | None:
    """The number that a text spells, if it spells one that a machine can hold."""
    if not _NUMBER.fullmatch(text) or len(text) > 400:
        return None
    if text.lstrip("+-").isdigit():
        return int(text) if abs(int(text)) < 2**63 else None
    value = float(text)
    return value if math.isfinite(value) else None


def write_setting(value: Setting, text: Callable[[str], str]) -> str:
    """A setting as both spellings write it; `text` says how a text is written."""
    if isinstance(value, tuple):
        return f"[{', '.join(write_setting(each, text) for each in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return text(value) if isinstance(value, str) else repr(value)
