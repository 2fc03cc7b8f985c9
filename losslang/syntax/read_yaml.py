"""The YAML spelling: text -> Method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from losslang.diagnostics import NOWHERE, Label, Report, Source, Span
from losslang.syntax.checks import HEADERS, SECTIONS, check_file_name, check_forward_mode
from losslang.syntax.comments import allowed_codes, settle_views
from losslang.syntax.names import nearest
from losslang.syntax.read_yaml_sections import read_entries, read_functions, read_recipes, read_views
from losslang.syntax.texts import shortened
from losslang.syntax.tree import NO_COMMENTS, Comments, Entry, Method, Name, View
from losslang.syntax.yaml_comments import Placed, place_comments
from losslang.syntax.yaml_lost import Lost, Named, lost_in
from losslang.syntax.yaml_nodes import plain_text_of
from losslang.syntax.yaml_text import Document, Mapping, Node, Pair, Refused, Scalar, read_nodes

__all__ = ["KEYS", "read_yaml"]

KEYS: Final = (
    *("losslang", "method", "title", "paper", "notes", "extends", "parameters", "views", "forward"),
    *("networks", "functions", "define", "objective", "recipes"),
)
"""The keys of a method file, in canonical order."""


def read_yaml(source: Source, report: Report) -> Method | None:
    """The method in a YAML text. With errors, what could be read of it; None if it is no method at all."""
    document = read_nodes(source, report)
    root = document.root
    if not isinstance(root, Mapping):
        _refuse_root(root, source, document, report)
        return None
    return _Reader(source, document, root, report).read()


def _refuse_root(root: Node | None, source: Source, document: Document, report: Report) -> None:
    if not document.complete or (root is not None and not isinstance(root, Scalar) and report.has_errors):
        return
    place = root.span if root is not None else Span(source, 0, 0)
    report.add(
        "E506",
        "this is not a method file: it is " + ("empty" if root is None else "no mapping of keys to values"),
        place,
        help="begin with `losslang: 1` and `method: name`",
    )


class _Reader:
    def __init__(self, source: Source, document: Document, root: Mapping, report: Report) -> None:
        self.source = source
        self.document = document
        self.report = report
        self.pairs = {pair.key.text: pair for pair in root.pairs}
        self.placed: Placed = place_comments(document, source)
        self.root = root
        self.listed = False  # the keys there are were listed in a message
        self.given = set(self.pairs)  # keys, and those that misspelled ones were meant to be

    def read(self) -> Method:
        self._check_keys()
        name = self._text("method")
        if name:
            check_file_name(name, self._place("method"), self.report)
        extends = self._text("extends")
        if extends and not check_file_name(extends, self._place("extends"), self.report):
            extends = ""
        views, headers = self._views_and_headers()
        sections: dict[str, tuple[Entry, ...]] = {
            key: self._entries(key) for key in ("parameters", "networks", "define", "objective")
        }
        functions = read_functions(self.pairs.get("functions"), self.placed, self.report)
        lost = self._lost(extends, {**sections, "functions": functions, "views": views or ()})
        return Method(
            name=name,
            title=self._text("title"),
            paper=self._text("paper"),
            notes=self._text("notes"),
            extends=extends,
            parameters=sections["parameters"],
            views=views,
            forward=self._forward(),
            networks=sections["networks"],
            functions=functions,
            define=sections["define"],
            objective=sections["objective"] if "objective" in self.pairs else None,
            recipes=read_recipes(self.pairs.get("recipes"), self.placed, self.report),
            head=tuple(self.placed.head),
            tail=tuple(self.placed.tail),
            header_comments=headers,
            broken=frozenset(lost.names),
            unread=frozenset(lost.sections),
            allow=allowed_codes(self.placed.all, self.report),
            name_span=self._place("method"),
            extends_span=self._place("extends"),
            views_span=self._place("views"),
            span=Span(self.source, 0, len(self.source.text)),
        )

    def _views_and_headers(self) -> tuple[tuple[View, ...] | None, tuple[tuple[str, Comments], ...]]:
        """The views, and the comments of the keys before the sections; some stand with either, as there are views."""
        pair = self.pairs.get("views")
        views = read_views(pair, self.placed, self.report) if pair is not None else None
        headers = {key: self._comments(key) for key in HEADERS}
        if headers["losslang"] != NO_COMMENTS:  # it is written first, and what stands above the first key is the head
            self.placed.head += headers["losslang"].above
            headers["losslang"] = Comments(after=headers["losslang"].after)
        if views:
            views, headers["views"] = settle_views(views, headers["views"])
        return views, tuple((key, comments) for key, comments in headers.items() if comments != NO_COMMENTS)

    def _check_keys(self) -> None:
        self._refuse_keys()
        version = self.pairs.get("losslang")
        if "losslang" not in self.given:
            self._missing("E516", "the version of the language is missing", "write `losslang: 1` in the first line")
        elif version is not None and (not isinstance(version.value, Scalar) or version.value.text != "1"):
            self.report.add(
                "E143",
                "this version of the language is not known",
                version.value.span if version.value.span.text else version.key.span,
                help="write `losslang: 1`",
            )
        if "method" not in self.given:
            self._missing("E141", "the method has no name", "add `method: name`")
        if not {"objective", "extends"} & self.given:
            self._missing(
                "E142", "the method has no objective", "add `objective:` with its terms, or `extends:` another method"
            )

    def _refuse_keys(self) -> None:
        """Reports keys that a method has not. Below a section that is empty they are its entries, not indented."""
        empty: Pair | None = None
        for pair in self.root.pairs:
            key = pair.key.text
            near = nearest(key, KEYS)
            if key in KEYS:
                is_empty = isinstance(pair.value, Scalar) and pair.value.is_empty
                empty = pair if is_empty and key in SECTIONS else None
            elif empty is not None and near is None:
                message = f"`{empty.key.text}` has no value"
                labels = [Label(pair.key.span, "this is not indented")]
                self.report.add("E511", message, empty.key.span, labels=labels, help="indent its entries")
                self.pairs[empty.key.text] = Pair(empty.key, Refused(empty.value.span))
            else:
                self._refuse_key(pair, near)
                self.given |= {near or ""}

    def _refuse_key(self, pair: Pair, near: str | None) -> None:
        key = pair.key.text
        self.report.add(
            "E510",
            f"a method has no key `{shortened(key)}`",
            pair.key.span,
            label=f"did you mean `{near}`?" if near else "",
            help="" if near or self.listed else "the keys are " + ", ".join(KEYS),
        )
        self.listed = self.listed or near is None

    def _missing(self, code: str, message: str, remedy: str) -> None:
        if self.document.complete:
            pairs = self.root.pairs
            place = pairs[0].key.span if pairs else Span(self.source, 0, 0)
            self.report.add(code, message, place, help=remedy)

    def _text(self, key: str) -> str:
        pair = self.pairs.get(key)
        return plain_text_of(pair, self.report) if pair is not None else ""

    def _comments(self, key: str) -> Comments:
        pair = self.pairs.get(key)
        return self.placed.of.get(pair.key.span.start, NO_COMMENTS) if pair is not None else NO_COMMENTS

    def _entries(self, key: str) -> tuple[Entry, ...]:
        return read_entries(self.pairs.get(key), self.placed, self.report)

    def _lost(self, extends: str, read: dict[str, Sequence[Named]]) -> Lost:
        lost = lost_in(self.root, KEYS, read)
        lost.sections |= (self.given - set(self.pairs)) & {"views", "objective"}
        inherits_unknown = "extends" in self.given and not extends
        if inherits_unknown or not self.document.complete:
            lost.sections |= SECTIONS
        elif "objective" not in self.pairs:
            lost.sections |= set() if extends else {"objective"}
        return lost

    def _forward(self) -> str | tuple[Entry, ...] | None:
        pair = self.pairs.get("forward")
        if pair is None:
            return None
        if isinstance(pair.value, Scalar) and not pair.value.is_empty:
            return pair.value.text if check_forward_mode(pair.value.text, pair.value.span, self.report) else None
        return tuple(entry for entry in read_entries(pair, self.placed, self.report) if self._is_mode(entry))

    def _is_mode(self, entry: Entry) -> bool:
        mode = entry.value
        return check_forward_mode(mode.id if isinstance(mode, Name) else entry.span.text, entry.span, self.report)

    def _place(self, key: str) -> Span:
        pair = self.pairs.get(key)
        return pair.value.span if pair is not None else NOWHERE
