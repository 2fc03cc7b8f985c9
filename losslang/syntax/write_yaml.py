"""Method -> YAML spelling, canonical."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Final

from losslang.syntax.settings import TRAPS, plain_number, write_setting
from losslang.syntax.tree import (
    NO_COMMENTS,
    Comments,
    Definition,
    Entry,
    Expression,
    Method,
    Name,
    Number,
    Override,
    RecipeOverrides,
    Unary,
    View,
)
from losslang.syntax.write import WIDTH, expression_lines, write_expression
from losslang.syntax.write_definition import commented, definition_lines, remark

__all__ = ["write_yaml"]

_MARGIN: Final = "  "
_FLOW_WIDTH: Final = 100

# A plain value must not begin like something else of YAML, nor hold what ends it.
_BEGINS_OTHERWISE: Final = re.compile(r"""[\[\]{},#&*!|>'"%@`]|[-?:](?:\s|$)|---|\.\.\.""")
_ENDS_EARLY: Final = re.compile(r":\s|\s#|:$|^\s|\s$|\n|\t")
_SIMPLE_TEXT: Final = re.compile(r"[A-Za-z(][^\n]*")
_FLOW_TEXT: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS: Final = frozenset({"true", "false", "null", *TRAPS})


def write_yaml(method: Method) -> str:
    """The canonical YAML of a method."""
    groups = [
        [remark(text) for text in method.head],
        _header(method),
        _numbers("parameters", method.parameters) or _section("parameters", _entries(method.parameters)),
        [*_views(method), *_forward(method)],
        _section("networks", _entries(method.networks)),
        _section("functions", [line for each in method.functions for line in _definition(each)]),
        _section("define", _entries(method.define)),
        _section("objective", _entries(method.objective or ())),
        _section("recipes", [line for each in method.recipes for line in _recipe(each)]),
        [remark(text) for text in method.tail],
    ]
    # Comments at the head stand right above the first key.
    first, *rest = groups
    groups = [first + rest[0], *rest[1:]]
    return "\n\n".join("\n".join(group) for group in groups if group) + "\n"


def _header(method: Method) -> list[str]:
    comments = dict(method.header_comments)
    lines = commented(["losslang: 1"], comments.get("losslang", NO_COMMENTS))
    for key, text in (("method", method.name), ("title", method.title), ("paper", method.paper)):
        if text:
            lines += commented([f"{key}: {_text(text)}"], comments.get(key, NO_COMMENTS))
    if method.notes:
        lines += _notes(method.notes, comments.get("notes", NO_COMMENTS))
    if method.extends:
        lines += commented([f"extends: {_text(method.extends)}"], comments.get("extends", NO_COMMENTS))
    return lines


def _notes(text: str, comments: Comments) -> list[str]:
    if "\n" not in text or "\t" in text:
        return commented([f"notes: {_text(text)}"], comments)
    lines = [_MARGIN + line if line else "" for line in text.split("\n")]
    return [*commented(["notes: |"], comments), *lines]


def _section(key: str, lines: list[str]) -> list[str]:
    return [f"{key}:", *(_MARGIN + line if line else "" for line in lines)] if lines else []


def _numbers(key: str, entries: Iterable[Entry]) -> list[str]:
    """A section on one line, if it holds nothing but numbers (and `null`), no comments, and is short."""
    found = tuple(entries)
    if any(entry.comments != NO_COMMENTS or not _is_number(entry.value) for entry in found):
        return []
    return _one_line(
        key, [f"{entry.name}: {write_expression(entry.value) if entry.value else 'null'}" for entry in found]
    )


def _is_number(value: Expression | None) -> bool:
    match value:
        case None | Number() | Unary(operator="-", operand=Number()):
            return True
        case _:
            return False


def _one_line(key: str, pairs: Sequence[str]) -> list[str]:
    """`key: {a: 1, b: 2}` if that is short."""
    line = f"{key}: {{{', '.join(pairs)}}}"
    return [line] if pairs and len(line) <= _FLOW_WIDTH else []


def _entries(entries: Iterable[Entry]) -> list[str]:
    lines: list[str] = []
    for entry in entries:
        if entry.value is None:
            lines += commented([f"{entry.name}: null"], entry.comments)
            continue
        broken = expression_lines(entry.value, len(entry.name) + 2, WIDTH - len(_MARGIN))
        if len(broken) == 1:
            lines += commented([f"{entry.name}: {_expression(broken[0])}"], entry.comments)
        else:
            lines += commented([f"{entry.name}: |"], entry.comments)
            lines += [_MARGIN + line for line in broken]
    return lines


def _expression(text: str) -> str:
    return _single_quoted(text) if _BEGINS_OTHERWISE.match(text) or _ENDS_EARLY.search(text) else text


def _single_quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _text(text: str) -> str:
    """A text that every YAML reader takes for a text."""
    if "\n" in text or "\t" in text:
        return json.dumps(text, ensure_ascii=False)
    plain = _SIMPLE_TEXT.fullmatch(text) and not _ENDS_EARLY.search(text) and text not in _WORDS
    return text if plain else _single_quoted(text)


def _views(method: Method) -> list[str]:
    views = method.views or ()
    if not views:
        return []
    sized = any(view.count != 1 for view in views)
    if any(view.comments != NO_COMMENTS for view in views):
        lines = [
            line
            for view in views
            for line in commented([f"{view.name}: {view.count}" if sized else f"- {view.name}"], view.comments)
        ]
        return _section("views", lines)
    return commented(
        [f"views: {_flow_views(views, sized=sized)}"], dict(method.header_comments).get("views", NO_COMMENTS)
    )


def _flow_views(views: tuple[View, ...], *, sized: bool) -> str:
    if sized:
        return "{" + ", ".join(f"{view.name}: {view.count}" for view in views) + "}"
    return "[" + ", ".join(view.name for view in views) + "]"


def _forward(method: Method) -> list[str]:
    forward = method.forward
    if forward is None:
        return []
    if isinstance(forward, str):
        return commented([f"forward: {forward}"], dict(method.header_comments).get("forward", NO_COMMENTS))
    lines: list[str] = []
    for entry in forward:
        assert isinstance(entry.value, Name), "the mode of a network is a word"
        lines += commented([f"{entry.name}: {entry.value.id}"], entry.comments)
    return _section("forward", lines)


def _definition(definition: Definition) -> list[str]:
    comments = definition.comments
    if definition.body is None:
        return commented([f"{definition.name}: null"], comments)
    lines = [_MARGIN + line if line else "" for line in definition_lines(definition)]
    return [*(remark(text) for text in comments.above), f"{definition.name}: |", *lines]


def _recipe(recipe: RecipeOverrides) -> list[str]:
    settings = [_setting(each) for each in recipe.overrides]
    short = _one_line(recipe.recipe, settings)
    inner = [each.comments for each in recipe.overrides if each.comments != NO_COMMENTS]
    if short and recipe.comments == NO_COMMENTS and (not inner or (len(settings) == 1 and not inner[0].above)):
        return commented(short, inner[0] if inner else NO_COMMENTS)
    lines = commented([f"{recipe.recipe}:"], recipe.comments)
    for override in recipe.overrides:
        lines += commented([_MARGIN + _setting(override)], override.comments, _MARGIN)
    return lines


def _setting(override: Override) -> str:
    return f"{'.'.join(override.path)}: {write_setting(override.value, _setting_text)}"


def _setting_text(text: str) -> str:
    """A text inside `{…}` and `[…]`, where more signs have a meaning."""
    if "\n" in text or "\t" in text:
        return json.dumps(text, ensure_ascii=False)
    plain = _FLOW_TEXT.fullmatch(text) and text not in _WORDS and plain_number(text) is None
    return text if plain else _single_quoted(text)
