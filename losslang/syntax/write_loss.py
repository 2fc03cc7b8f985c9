"""Method -> text spelling (`.loss`), canonical."""

from __future__ import annotations

from collections.abc import Iterable

from losslang.syntax.names import is_name
from losslang.syntax.settings import TRAPS, write_setting
from losslang.syntax.texts import quoted
from losslang.syntax.tree import NO_COMMENTS, Definition, Entry, Method, RecipeOverrides, View
from losslang.syntax.write import WIDTH, expression_lines
from losslang.syntax.write_definition import commented, definition_lines, remark, text_lines

__all__ = ["write_loss"]

_MARGIN = "  "


def write_loss(method: Method) -> str:
    """The canonical text of a method."""
    groups = [
        [remark(text) for text in method.head],
        _header(method),
        _entries("parameter", method.parameters),
        [*_views(method), *_forward(method)],
        _entries("network", method.networks),
        *(_definition(each) for each in method.functions),
        _entries("value", method.define),
        _objective(method.objective or ()),
        *(_recipe(each) for each in method.recipes),
        [remark(text) for text in method.tail],
    ]
    return "\n\n".join("\n".join(group) for group in groups if group) + "\n"


def _header(method: Method) -> list[str]:
    comments = dict(method.header_comments)
    # What stands above the first statement is read as the head of the file; so a comment above `method` needs one.
    first = comments.get("losslang", NO_COMMENTS)
    needed = first != NO_COMMENTS or bool(comments.get("method", NO_COMMENTS).above)
    lines = commented(["losslang 1"], first) if needed else []
    name = f"method {method.name}"
    if method.title and "title" not in comments:
        name += f" {quoted(method.title)}"
    lines += commented([name], comments.get("method", NO_COMMENTS))
    if method.title and "title" in comments:
        lines += commented([f"title {quoted(method.title)}"], comments["title"])
    if method.paper:
        lines += commented([f"paper {quoted(method.paper)}"], comments.get("paper", NO_COMMENTS))
    if method.notes:
        first_line, *rest = text_lines(method.notes)
        lines += commented([f"notes {first_line}", *rest], comments.get("notes", NO_COMMENTS))
    if method.extends:
        lines += commented([f"extends {method.extends}"], comments.get("extends", NO_COMMENTS))
    return lines


def _entries(kind: str, entries: Iterable[Entry]) -> list[str]:
    lines: list[str] = []
    for entry in entries:
        if entry.value is None:
            lines += commented([f"remove {kind} {entry.name}"], entry.comments)
        else:
            name = entry.name if kind == "value" else f"{kind} {entry.name}"
            broken = expression_lines(entry.value, len(name) + 3)
            lines += commented([f"{name} = {broken[0]}", *broken[1:]], entry.comments)
    return lines


def _views(method: Method) -> list[str]:
    views = method.views or ()
    if any(view.comments != NO_COMMENTS for view in views):
        return [line for view in views for line in commented([f"view {_view(view)}"], view.comments)]
    if not views:
        return []
    comments = dict(method.header_comments).get("views", NO_COMMENTS)
    return commented([f"view {', '.join(_view(view) for view in views)}"], comments)


def _view(view: View) -> str:
    return view.name if view.count == 1 else f"{view.name} = {view.count}"


def _forward(method: Method) -> list[str]:
    if method.forward is None:
        return []
    if isinstance(method.forward, str):
        return commented([f"forward {method.forward}"], dict(method.header_comments).get("forward", NO_COMMENTS))
    return _entries("forward", method.forward)


def _definition(definition: Definition) -> list[str]:
    comments = definition.comments
    if definition.body is None:
        return commented([f"remove def {definition.name}"], comments)
    return [*(remark(text) for text in comments.above), *definition_lines(definition)]


def _objective(terms: tuple[Entry, ...]) -> list[str]:
    if all(term.value is None for term in terms):
        return _entries("term", terms)
    lines = ["minimize"]
    for term in terms:
        if term.value is None:
            lines += commented([f"{_MARGIN}remove term {term.name}"], term.comments, _MARGIN)
            continue
        broken = expression_lines(term.value, len(term.name) + 2, WIDTH - len(_MARGIN))
        written = [f"{term.name}: {broken[0]}", *broken[1:]]
        lines += commented([_MARGIN + line for line in written], term.comments, _MARGIN)
    return lines


def _recipe(recipe: RecipeOverrides) -> list[str]:
    lines = commented([f"recipe {recipe.recipe}"], recipe.comments)
    for override in recipe.overrides:
        line = f"{_MARGIN}{'.'.join(override.path)} = {write_setting(override.value, _setting_text)}"
        lines += commented([line], override.comments, _MARGIN)
    return lines


def _setting_text(text: str) -> str:
    return text if is_name(text) and text not in TRAPS else quoted(text)
