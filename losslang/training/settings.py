"""Settings by dotted path, each with where it was set; later layers win over earlier ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from losslang.diagnostics import LosslangError, Report, Source
from losslang.syntax.names import nearest
from losslang.syntax.read import sound_text
from losslang.syntax.yaml_nodes import mapping_of, setting_of
from losslang.syntax.yaml_text import Mapping as MappingNode
from losslang.syntax.yaml_text import Pair, Refused, read_nodes
from losslang.training.recipe import Recipe

__all__ = [
    "SHORT",
    "Setting",
    "Settings",
    "flat_settings",
    "meant",
    "merge",
    "paths",
    "read_recipe_file",
    "read_value",
    "unknown_settings",
    "validate",
    "words_of",
]


@dataclass(frozen=True)
class Setting:
    """A value and where it was set: `losslang/recipes/toy.yaml:7`, `--set`."""

    value: Any
    source: str


Settings = dict[str, Setting]

OPEN = ("parameters.", "augmentation.", "optimizer.networks.")
"""Sections whose names come from the method or the data."""

# What people call settings elsewhere.
_ALIASES = {"lr": "optimizer.learning_rate", "wd": "optimizer.weight_decay", "batch": "batch_size", "dataset": "data"}

SHORT = {"augmentation": "augmentation.like"}
"""Sections that may be one value, and the setting that it is short for."""

# What a layer sets displaces what earlier layers said about the same thing in other words.
_DISPLACES = {"steps": "epochs", "epochs": "steps", "backbone.name": "backbone."}


# ---------------------------------------------------------------- reading


def read_recipe_file(path: Path) -> Settings:
    """The settings of a recipe file. Raises SpecError where it is no YAML, LosslangError where it does not read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise LosslangError(f"the recipe {path} cannot be read: {reason}") from error
    return _read_text(Source(_short(path), text))


def _read_text(source: Source) -> Settings:
    report, found = Report(), Settings()
    sound = sound_text(source, report)
    root = None if sound is None else read_nodes(sound, report).root
    if isinstance(root, MappingNode):
        _refuse_methods(root, source.name)
        found = dict(flat_settings(root.pairs, "", report))
    report.raise_errors()
    if not isinstance(root, MappingNode):
        raise LosslangError(f"{source.name} is not a recipe: it is no mapping of settings to values")
    return found


def _refuse_methods(root: MappingNode, name: str) -> None:
    entries = {pair.key.text for pair in root.pairs}
    for kind, needed in (("a method", {"method"}), ("an experiment", {"experiment", "methods"})):
        if entries >= needed:
            raise LosslangError(
                f"{name} is {kind}, not a recipe; a recipe says how to train: one of `losslang list recipes`,"
                " or a file of `losslang schema recipe`"
            )


def flat_settings(pairs: Iterable[Pair], prefix: str, report: Report) -> Iterator[tuple[str, Setting]]:
    """Nested mappings as settings by dotted path, each with its place."""
    for pair in pairs:
        path = prefix + pair.key.text
        if isinstance(pair.value, MappingNode):
            yield from flat_settings(mapping_of(pair, "a mapping of settings", report), f"{path}.", report)
        elif not isinstance(pair.value, Refused):
            value = setting_of(pair, report)
            if value is not None:
                place = pair.key.span
                path = SHORT.get(path, path)
                yield path, Setting(value, f"{place.source.name}:{place.line}")


def read_value(name: str, text: str) -> Any:
    """The value that `--set name=text` means, by the rules of recipe files. Raises SpecError."""
    report = Report()
    root = read_nodes(Source(f"--set {name}", f"{name}: {text}"), report).root
    pairs = root.pairs if isinstance(root, MappingNode) else ()
    value = setting_of(pairs[0], report) if len(pairs) == 1 and not isinstance(pairs[0].value, Refused) else None
    report.raise_errors()
    if value is None:
        raise LosslangError(f"--set {name}={text}: a number, a text, true, false, or a list of those is needed")
    return value


def _short(path: Path) -> str:
    """The path as people know it: below the working folder, or below the package's parent."""
    package = Path(__file__).parents[2]
    for base in (Path.cwd(), package):
        if path.resolve().is_relative_to(base):
            return str(path.resolve().relative_to(base))
    return str(path)


# ---------------------------------------------------------------- merging and checking


def merge(layers: Iterable[Mapping[str, Setting]]) -> Settings:
    """All layers as one, the last one first in rank."""
    merged: Settings = {}
    for layer in layers:
        for path in layer:
            displaced = _DISPLACES.get(path)
            if displaced is not None:
                merged = {p: s for p, s in merged.items() if not (p == displaced or p.startswith(_prefix(displaced)))}
        merged |= layer
    return merged


def _prefix(displaced: str) -> str:
    return displaced if displaced.endswith(".") else displaced + "."


def paths(model: type[BaseModel] = Recipe, prefix: str = "") -> list[str]:
    """Every setting that has a fixed name, as a dotted path."""
    found: list[str] = []
    for name, row in model.model_fields.items():
        inner = row.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found += paths(inner, f"{prefix}{name}.")
        elif f"{prefix}{name}." not in OPEN:
            found.append(prefix + name)
    return found


def unknown_settings(settings: Mapping[str, Setting]) -> Iterator[tuple[str, str]]:
    """Every setting that there is not by its path, and what is said of it, with the nearest that there is."""
    known = paths()
    for path, setting in settings.items():
        if path not in known and not path.startswith(OPEN):
            yield path, f"{setting.source}: there is no setting `{path}`{meant(path, known)}"


def meant(path: str, known: Iterable[str]) -> str:
    """The end of a message on an unknown setting: which one was probably meant, or nothing."""
    last = path.rpartition(".")[2]
    lasts = {candidate.rpartition(".")[2]: candidate for candidate in reversed(list(known))}
    sections = {candidate.partition(".")[0] for candidate in known if "." in candidate}
    if path in sections | {section.rstrip(".") for section in OPEN}:
        return f"; `{path}` is a section of settings"
    close = lasts.get(last) or _ALIASES.get(last) or nearest(path, known) or lasts.get(nearest(last, lasts) or "")
    return f"; did you mean `{close}`?" if close else ""


def validate(settings: Mapping[str, Setting]) -> Recipe:
    """The recipe that the settings make. Raises LosslangError with every value that is wrong and where it was set."""
    tree: dict[str, Any] = {}
    for path, setting in settings.items():
        at, *rest = reversed(path.split("."))
        section = tree
        for part in reversed(rest):
            section = section.setdefault(part, {})
        section[at] = setting.value
    try:
        recipe = Recipe.model_validate(tree)
    except ValidationError as error:
        raise LosslangError("\n".join(_wrong_values(error, settings))) from None
    if (recipe.steps is None) == (recipe.epochs is None):
        what = "no length" if recipe.steps is None else "two lengths"
        raise LosslangError(f"the recipe gives the run {what}: set steps, or epochs")
    return recipe


_WORDS = {
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be a section of settings",
    "too_short": "must not be empty",
    "string_pattern_mismatch": "must be one of `losslang list backbones`, torchvision:NAME or timm:NAME",
}
"""pydantic's types of error whose own messages speak of Python."""


def words_of(kind: str, message: str) -> str:
    """What pydantic says of a value, in the words of people who write YAML."""
    return _WORDS.get(kind) or re.sub(r"^Input should be", "must be", message)


def _path_of(place: Sequence[int | str], settings: Mapping[str, Setting]) -> str:
    """The longest path of a setting that leads to a place in the recipe, in which pydantic also names the kinds it tried."""

    def leads(path: str) -> bool:
        parts = iter(map(str, place))
        return path.startswith(str(place[0])) and all(part in parts for part in path.split("."))

    return max(filter(leads, settings), key=len, default="") if place else ""


def _wrong_values(error: ValidationError, settings: Mapping[str, Setting]) -> Iterator[str]:
    seen: set[str] = set()
    for problem in error.errors():
        path, section = _path_of(problem["loc"], settings), str(next(iter(problem["loc"]), ""))
        message = words_of(problem["type"], problem["msg"])
        if path and path not in seen:  # one message per value, also where it fits none of several types
            yield f"{settings[path].source}: `{path}` {message}; it is {_spelled(settings[path].value)}"
        elif not path and not any(each.startswith(section) for each in seen):
            yield f"the recipe: `{section}` {message}"
        seen.add(path or section)


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(_spelled(item) for item in value)}]"
    return f"`{value}`"
