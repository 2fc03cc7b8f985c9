"""`extends`: one method from a chain of files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from losslang.diagnostics import Label, Report, Span
from losslang.syntax.names import nearest
from losslang.syntax.spelling import spelled
from losslang.syntax.tree import Definition, Entry, Method, Override, View

__all__ = ["FindBase", "Resolved", "resolve"]

FindBase = Callable[[Method, Report], Method | None]
"""Reads the method that a method extends; reports and returns None where it cannot."""

MAX_CHAIN = 32


class _Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def name_span(self) -> Span: ...


N = TypeVar("N", bound=_Named)


@dataclass
class Resolved:
    """A method after `extends`; every entry still points into the file it was written in."""

    method: Method
    parameters: dict[str, Entry] = field(default_factory=dict)
    networks: dict[str, Entry] = field(default_factory=dict)
    functions: dict[str, Definition] = field(default_factory=dict)
    define: dict[str, Entry] = field(default_factory=dict)
    objective: dict[str, Entry] = field(default_factory=dict)
    views: tuple[View, ...] = (View("a"), View("b"))
    forward: str | tuple[Entry, ...] = "separate"
    recipes: dict[str, dict[tuple[str, ...], Override]] = field(default_factory=dict)
    recipe_names: dict[str, Span] = field(default_factory=dict)  # where each recipe was named, last
    title: str = ""
    paper: str = ""
    notes: str = ""
    bases: tuple[str, ...] = ()
    broken: set[str] = field(default_factory=set)  # names whose entry could not be read
    answered: set[tuple[str, str]] = field(default_factory=set)  # files, and the warnings that they allow
    removed: dict[str, Span] = field(default_factory=dict)  # names of inherited entries, and where they were removed


def _chain(method: Method, find: FindBase, report: Report) -> list[Method] | None:
    chain = [method]
    names, files = {method.name}, {method.name_span.source.name}
    while chain[-1].extends:
        current = chain[-1]
        if current.extends in names or len(chain) >= MAX_CHAIN:
            _refuse(chain, current.extends, report)
            return None
        base = find(current, report)
        if base is None:
            return None
        if base.name_span.source.name in files:  # a file may be called otherwise than its method
            _refuse(chain, base.name, report)
            return None
        names.add(base.name)
        files.add(base.name_span.source.name)
        chain.append(base)
    return chain


def _refuse(chain: Sequence[Method], again: str, report: Report) -> None:
    path = " extends ".join(f"`{name}`" for name in [*(m.name for m in chain), again])
    message = f"`extends` runs in a circle: {path}"
    if len(chain) >= MAX_CHAIN:
        message = f"methods extend each other more than {MAX_CHAIN} deep"
    links = [Label(part.extends_span, f"`{part.name}` extends `{part.extends}`") for part in chain[1:]]
    report.add("E205", message, chain[0].extends_span, labels=links[:4])


def _merge(
    kind: str,
    target: dict[str, N],
    entries: Iterable[N],
    removes: Callable[[N], bool],
    report: Report,
    *,
    first: bool,
    removed: dict[str, Span],
) -> None:
    seen: dict[str, N] = {}
    for entry in entries:
        if entry.name in seen:
            report.add(
                "E206",
                f"the {kind} `{entry.name}` is given twice",
                entry.name_span,
                labels=[Label(seen[entry.name].name_span, "first here")],
            )
            continue
        seen[entry.name] = entry
        if not removes(entry):
            target[entry.name] = entry
            removed.pop(entry.name, None)
        elif first or entry.name not in target:
            close = nearest(entry.name, target)
            hint = "" if first or not close else f"did you mean `{close}`?"
            message = f"there is no inherited {kind} `{entry.name}` to remove"
            report.add("E207", message, entry.name_span, help=hint or "removing needs `extends` and an inherited entry")
        else:
            del target[entry.name]
            removed[entry.name] = entry.name_span


def _given(method: Method) -> set[str]:
    entries = {entry.name for entry in (*method.parameters, *method.networks, *method.define)}
    return entries | {definition.name for definition in method.functions}


def _apply(resolved: Resolved, method: Method, report: Report, *, first: bool) -> None:
    def gone(entry: Entry) -> bool:
        return entry.value is None

    for section in (resolved.parameters, resolved.networks, resolved.functions, resolved.define):
        for name in method.broken:
            section.pop(name, None)  # the broken entry hides the inherited one
    resolved.broken = (resolved.broken - _given(method)) | method.broken
    _merge("parameter", resolved.parameters, method.parameters, gone, report, first=first, removed=resolved.removed)
    _merge("network", resolved.networks, method.networks, gone, report, first=first, removed=resolved.removed)
    _merge(
        "function",
        resolved.functions,
        method.functions,
        lambda d: d.body is None,
        report,
        first=first,
        removed=resolved.removed,
    )
    _merge("definition", resolved.define, method.define, gone, report, first=first, removed=resolved.removed)
    _merge("term", resolved.objective, method.objective or (), gone, report, first=first, removed={})
    resolved.views = method.views if method.views is not None else resolved.views
    resolved.forward = method.forward if method.forward is not None else resolved.forward
    for recipe in method.recipes:
        settings = resolved.recipes.setdefault(recipe.recipe, {})
        settings.update({override.path: override for override in recipe.overrides})
        resolved.recipe_names[recipe.recipe] = recipe.span
    resolved.answered |= {(method.span.source.name, code) for code in method.allow}
    resolved.title, resolved.notes = method.title, method.notes  # words on a base need not be true of what extends it
    resolved.paper = method.paper or resolved.paper


def resolve(method: Method, find: FindBase, report: Report) -> Resolved | None:
    """The method with everything it inherits; None (with a diagnostic) where the chain is broken."""
    chain = _chain(method, find, report)
    if chain is None:
        return None
    resolved = Resolved(method, bases=tuple(base.name for base in chain[1:]))
    for depth, part in enumerate(reversed(chain)):
        _apply(resolved, part, report, first=depth == 0)
    if not resolved.objective:
        report.add(
            "E208",
            "nothing is minimised: the method has no objective",
            method.name_span,
            help=spelled(
                method.name_span,
                yaml="add a term to `objective`",
                loss="add `minimize`, and a term in the line below: `  name: expression`",
            ),
        )
    return resolved
