"""The sections of the YAML spelling: entries, views, functions, recipes."""

from __future__ import annotations

from losslang.diagnostics import Report
from losslang.syntax.checks import check_name, check_once, view_count
from losslang.syntax.comments import join, of_token
from losslang.syntax.definitions import parse_definition
from losslang.syntax.settings import PATH_PART
from losslang.syntax.tokens import tokenize
from losslang.syntax.tree import NO_COMMENTS, Comments, Definition, Entry, Override, RecipeOverrides, View
from losslang.syntax.yaml_comments import Placed
from losslang.syntax.yaml_nodes import expression_of, is_null, mapping_of, place_of, refuse_kind, setting_of
from losslang.syntax.yaml_scalars import contents
from losslang.syntax.yaml_text import Mapping, Node, Pair, Refused, Scalar, Sequence

__all__ = ["read_entries", "read_functions", "read_recipes", "read_views"]

_KINDS = {
    "parameters": "parameter",
    "networks": "network",
    "define": "value",
    "objective": "term",
    "forward": "network",
}


def read_entries(section: Pair | None, placed: Placed, report: Report) -> tuple[Entry, ...]:
    """The named expressions of a section."""
    if section is None:
        return ()
    kind = _KINDS[section.key.text]
    entries: list[Entry] = []
    for pair in mapping_of(section, "a mapping: one `name: expression` a line", report):
        good = check_name(pair.key.text, kind, pair.key.span, report)
        found = expression_of(pair, _comments(pair, placed), placed, report)
        if good and found is not None:
            value, comments = found
            span = value.span if value is not None else pair.value.span
            entries.append(Entry(pair.key.text, value, comments, pair.key.span, span))
    return tuple(entries)


def read_views(section: Pair, placed: Placed, report: Report) -> tuple[View, ...] | None:
    """`[a, b]`, or `{global: 2, local: 6}`."""
    value = section.value
    if isinstance(value, Mapping):
        pairs = mapping_of(section, "", report)
        views = [_group(pair, placed, report) for pair in pairs]
    elif isinstance(value, Sequence) and not value.items:
        report.add("E511", "`views` is empty", value.span, help="leave the key out for the views a and b")
        return None
    elif isinstance(value, Sequence) and any(isinstance(item, Mapping) for item in value.items):
        inner = value.span.text.strip("[]").strip() if value.flow else "global: 2, local: 6"
        report.add("E512", "groups with their sizes are no list", value.span, help=f"write `views: {{{inner}}}`")
        return None
    elif isinstance(value, Sequence):
        views = [_view(item, section, placed, report) for item in value.items]
    else:
        refuse_kind(section, "a list of names, [a, b], or groups with their sizes, {global: 2, local: 6}", report)
        return None
    found = [view for view in views if view is not None]
    again = check_once(((view.name, view.span) for view in found), report)
    return tuple(view for at, view in enumerate(found) if at not in again) or None


def _group(pair: Pair, placed: Placed, report: Report) -> View | None:
    if not check_name(pair.key.text, "view", pair.key.span, report):
        return None
    if not isinstance(pair.value, Scalar) or pair.value.is_empty:
        refuse_kind(pair, "a number of views", report)
        return None
    count = view_count(pair.value.text if not pair.value.style else f"'{pair.value.text}'", place_of(pair), report)
    return None if count is None else View(pair.key.text, count, _comments(pair, placed), pair.key.span)


def _view(item: Node, section: Pair, placed: Placed, report: Report) -> View | None:
    if isinstance(item, Refused):
        return None
    if not isinstance(item, Scalar) or item.is_empty:
        refuse_kind(Pair(section.key, item), "a list of names, or a mapping of names to sizes", report)
        return None
    if not check_name(item.text, "view", item.span, report):
        return None
    return View(item.text, 1, placed.of.get(item.span.start, NO_COMMENTS), item.span)


def read_functions(section: Pair | None, placed: Placed, report: Report) -> tuple[Definition, ...]:
    """`name: |` with the text of its definition, or `name: null`."""
    if section is None:
        return ()
    found: list[Definition] = []
    for pair in mapping_of(section, "a mapping: `name: |` and the definition on the lines below", report):
        definition = _function(pair, placed, report)
        if definition is not None:
            found.append(definition)
    return tuple(found)


def _function(pair: Pair, placed: Placed, report: Report) -> Definition | None:
    name, value = pair.key.text, pair.value
    good = check_name(name, "definition", pair.key.span, report)
    comments = _comments(pair, placed)
    if is_null(value):
        return Definition(name, comments=comments, name_span=pair.key.span, span=value.span) if good else None
    if not isinstance(value, Scalar) or value.is_empty:
        refuse_kind(pair, "the text of a definition: `|`, and `def name(…) = …` below", report)
        return None
    fragment = contents(value)
    placed.all += [of_token(token) for token in tokenize(fragment) if token.type == "COMMENT"]
    definition = parse_definition(fragment, report)
    if definition is None:
        return None
    if definition.name != name:
        report.add(
            "E147",
            f"the entry `{name}` defines `{definition.name}`",
            definition.name_span,
            help=f"give both the same name: `def {name}(…)`",
        )
        return None
    return _with_comments(definition, comments) if good else None


def _with_comments(definition: Definition, outer: Comments) -> Definition:
    from dataclasses import replace

    inner = definition.comments
    return replace(definition, comments=join(Comments(outer.above, inner.after), inner.above, outer.after))


def read_recipes(section: Pair | None, placed: Placed, report: Report) -> tuple[RecipeOverrides, ...]:
    """`toy: {optimiser: {lr: 0.1}}`."""
    if section is None:
        return ()
    found: list[RecipeOverrides] = []
    for pair in mapping_of(section, "a mapping of recipes to their settings", report):
        overrides = tuple(_overrides(pair, (), placed, report))
        if not PATH_PART.fullmatch(pair.key.text):
            report.add("E135", f"`{pair.key.text[:40]}` is not the name of a recipe", pair.key.span)
            continue
        check_once(((".".join(each.path), each.span) for each in overrides), report)
        found.append(RecipeOverrides(pair.key.text, overrides, _comments(pair, placed), pair.key.span))
    return tuple(found)


def _overrides(section: Pair, path: tuple[str, ...], placed: Placed, report: Report) -> list[Override]:
    found: list[Override] = []
    for pair in mapping_of(section, "a mapping of settings", report):
        parts = tuple(pair.key.text.split("."))
        if not all(PATH_PART.fullmatch(part) for part in parts):
            report.add("E135", f"`{pair.key.text[:40]}` is not the name of a setting", pair.key.span)
        elif isinstance(pair.value, Mapping):
            found += _overrides(pair, path + parts, placed, report)
        else:
            value = setting_of(pair, report)
            if value is not None:
                found.append(Override(path + parts, value, _comments(pair, placed), pair.key.span))
    return found


def _comments(pair: Pair, placed: Placed) -> Comments:
    return placed.of.get(pair.key.span.start, NO_COMMENTS)
