"""What the statements of a text have said so far, and the method they make together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from losslang.diagnostics import NOWHERE, Label, Report, Source, Span
from losslang.syntax.checks import HEADERS, SECTIONS, check_once
from losslang.syntax.comments import join, settle_views
from losslang.syntax.layout import Line
from losslang.syntax.names import is_name
from losslang.syntax.tokens import Token
from losslang.syntax.tree import NO_COMMENTS, Comments, Definition, Entry, Method, RecipeOverrides, View

__all__ = ["Draft"]


@dataclass
class Draft:
    """Collects statements in the order they come."""

    source: Source
    first: Span  # the first token of the text
    head: tuple[str, ...] = ()
    texts: dict[str, str] = field(default_factory=dict)
    places: dict[str, Span] = field(default_factory=dict)
    headers: dict[str, Comments] = field(default_factory=dict)
    seen: list[tuple[str, Span]] = field(default_factory=list)  # statements that may come once
    sections: dict[str, list[Entry]] = field(
        default_factory=lambda: {key: [] for key in ("parameters", "networks", "define", "objective")}
    )
    functions: list[Definition] = field(default_factory=list)
    view_lines: list[tuple[Line, list[View]]] = field(default_factory=list)
    mode: str | None = None
    modes: list[Entry] = field(default_factory=list)
    recipes: list[RecipeOverrides] = field(default_factory=list)
    complete: bool = True  # no statement had to be passed over
    broken: set[str] = field(default_factory=set)  # names whose statement could not be read
    unread: set[str] = field(default_factory=set)  # sections that lack more than these names

    def once(self, word: str, line: Line, place: Span) -> None:
        """Records a statement that may come once, with its comments."""
        self.seen.append((word, line.first.span))
        self.places.setdefault(word, place)
        if line.comments != NO_COMMENTS:
            self.headers.setdefault(word, line.comments)

    def lose(self, tokens: Sequence[Token]) -> None:
        """Notes the name that a line would have given had it been readable, so that its uses are not reported too."""
        name = tokens[0] if len(tokens) < 2 or tokens[1].type in {"EQUAL", "COLON"} else tokens[1]
        if is_name(name.text):
            self.broken.add(name.text)

    def method(self, tail: tuple[str, ...], allow: frozenset[str], report: Report) -> Method:
        """The method of all statements; names and statements given twice are reported."""
        self._check_whole(report)
        views = self._views(report)
        objective = self._unique("objective", report)
        if "losslang" in self.headers:  # it is written first, and what stands above the first statement is the head
            self.head += self.headers["losslang"].above
            self.headers["losslang"] = Comments(after=self.headers["losslang"].after)
        has_objective = bool(objective) or any(word == "minimize" for word, _ in self.seen)
        return Method(
            name=self.texts.get("method", ""),
            title=self.texts.get("title", ""),
            paper=self.texts.get("paper", ""),
            notes=self.texts.get("notes", ""),
            extends=self.texts.get("extends", ""),
            parameters=self._unique("parameters", report),
            views=views,
            forward=self._forward(report),
            networks=self._unique("networks", report),
            functions=self._unique_functions(report),
            define=self._unique("define", report),
            objective=objective if has_objective else None,
            recipes=self._unique_recipes(report),
            head=self.head,
            tail=tail,
            header_comments=tuple((key, self.headers[key]) for key in HEADERS if self._has_comments(key)),
            broken=frozenset(self.broken),
            unread=frozenset(self._unread(objective, has_objective=has_objective)),
            allow=allow,
            name_span=self.places.get("method", NOWHERE),
            extends_span=self.places.get("extends", NOWHERE),
            views_span=self.places.get("views", NOWHERE),
            span=Span(self.source, 0, len(self.source.text)),
        )

    def _unread(self, objective: tuple[Entry, ...], *, has_objective: bool) -> set[str]:
        inherits = any(word == "extends" for word, _ in self.seen)
        if inherits and "extends" not in self.texts:
            return set(SECTIONS)
        return self.unread | (set() if inherits or (has_objective and objective) else {"objective"})

    def _has_comments(self, key: str) -> bool:
        return self.headers.get(key, NO_COMMENTS) != NO_COMMENTS

    def _check_whole(self, report: Report) -> None:
        first: dict[str, Span] = {}
        for word, span in self.seen:
            if word in first:
                labels = [Label(first[word], "the first one")]
                report.add("E136", f"a method has one statement `{word}`", span, labels=labels)
            first.setdefault(word, span)
        if not self.complete:
            return
        if "method" not in first:
            report.add("E141", "the method has no name", self.first, help="begin with `method name`")
        if "minimize" not in first and not self.sections["objective"] and "extends" not in first:
            report.add(
                "E142",
                "the method has no objective",
                self.first,
                help="add `minimize` with its terms on indented lines below, or `extends` another method",
            )

    def _unique(self, section: str, report: Report) -> tuple[Entry, ...]:
        return _once_each(self.sections[section], report)

    def _unique_functions(self, report: Report) -> tuple[Definition, ...]:
        again = check_once(((each.name, each.name_span) for each in self.functions), report)
        return tuple(each for at, each in enumerate(self.functions) if at not in again)

    def _unique_recipes(self, report: Report) -> tuple[RecipeOverrides, ...]:
        again = check_once(((each.recipe, each.span) for each in self.recipes), report)
        return tuple(each for at, each in enumerate(self.recipes) if at not in again)

    def _forward(self, report: Report) -> str | tuple[Entry, ...] | None:
        if self.mode is not None and self.modes:
            report.add(
                "E136",
                "`forward` is given once for all networks and once for single ones",
                self.modes[0].name_span,
                help="name every network that is not `separate`",
            )
        return self.mode or _once_each(self.modes, report) or None

    def _views(self, report: Report) -> tuple[View, ...] | None:
        """All views; comments on their lines go to the views, or to the header if there is one line."""
        views: list[View] = []
        single = len(self.view_lines) == 1
        header = NO_COMMENTS
        for line, found in self.view_lines:
            if single:
                header = line.comments
            elif found:
                found[0] = _commented(found[0], line.comments.above, "")
                found[-1] = _commented(found[-1], (), line.comments.after)
            views += found
        again = check_once(((view.name, view.span) for view in views), report)
        unique = tuple(view for at, view in enumerate(views) if at not in again)
        if not unique:
            return None
        settled, header = settle_views(unique, header)
        if header != NO_COMMENTS:
            self.headers["views"] = header
        return settled


def _commented(view: View, above: Iterable[str], after: str) -> View:
    return View(view.name, view.count, join(view.comments, above, after), view.span)


def _once_each(entries: list[Entry], report: Report) -> tuple[Entry, ...]:
    again = check_once(((entry.name, entry.name_span) for entry in entries), report)
    return tuple(entry for at, entry in enumerate(entries) if at not in again)
