"""YAML text -> nodes with places: the events of PyYAML's parser, less everything a spec has no use for.

Built from events and not composed, so that nothing is recursive, and an alias, a tag or a bomb is refused where it
stands instead of being expanded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import yaml

from losslang.diagnostics import Label, Report, Source, Span
from losslang.syntax.yaml_problems import Flow, report_problem

__all__ = ["Document", "Mapping", "Node", "Pair", "Refused", "Scalar", "Sequence", "read_nodes"]

MAX_DEPTH: Final = 16
"""Levels of nesting a document may have; a method needs four."""


@dataclass(frozen=True)
class Scalar:
    """A value that is a text; `style` is "" (plain), a quote, or `|`."""

    text: str
    style: str
    span: Span

    @property
    def is_empty(self) -> bool:
        """Nothing stands where a value should."""
        return self.span.start == self.span.end


@dataclass(frozen=True)
class Refused:
    """A value that was reported already (an alias, a tag, a folded text)."""

    span: Span


@dataclass(frozen=True)
class Pair:
    """`key: value`; keys that are no text were reported and left out."""

    key: Scalar
    value: Node


@dataclass(frozen=True)
class Mapping:
    """`key: value` lines, or `{key: value}` if `flow`."""

    pairs: tuple[Pair, ...]
    flow: bool
    span: Span
    refused: tuple[Pair, ...] = ()  # whose keys were reported: given twice, or `<<`


@dataclass(frozen=True)
class Sequence:
    """`- item` lines, or `[item]` if `flow`."""

    items: tuple[Node, ...]
    flow: bool
    span: Span


Node: TypeAlias = Scalar | Refused | Mapping | Sequence


@dataclass
class Document:
    """What was read: the outermost node, the places of all texts, and whether the reader had to stop before the end."""

    root: Node | None = None
    texts: list[Span] = field(default_factory=list)
    end: int = 0
    complete: bool = True


@dataclass
class _Open:
    """A mapping or sequence whose end has not been seen."""

    is_mapping: bool
    flow: bool
    start: int
    refused: bool = False
    children: list[Node] = field(default_factory=list)


def read_nodes(source: Source, report: Report) -> Document:
    """The document in a YAML text; whatever is wrong with it is in the report."""
    return _Reader(source, report).read()


class _Stop(Exception):
    """Reading cannot go on; the reason is in the report."""


class _Reader:
    def __init__(self, source: Source, report: Report) -> None:
        self.source = source
        self.report = report
        self.document = Document(end=len(source.text))
        self.open: list[_Open] = []
        self.documents = 0

    def read(self) -> Document:
        last = 0
        try:
            for event in self._events():
                self._take(event)
                last = event.end_mark.index
        except yaml.YAMLError as problem:
            if not self._follows(problem):
                report_problem(problem, self.source, self._flow(), self.report)
            self._refuse_last(problem)
            self._stop(last)
        except _Stop:
            self._stop(last)
        return self.document

    def _events(self) -> Iterator[Any]:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the pure one where PyYAML came without its C library
        parse: Any = yaml.parse  # its stubs allow for events without marks
        yield from parse(self.source.text, Loader=loader)

    def _flow(self) -> Flow | None:
        """The outermost `{` or `[` that is open, and the last text between it and the place where reading ended."""
        flows = [each for each in self.open if each.flow]
        if not flows:
            return None
        texts = [node.span for node in flows[-1].children if isinstance(node, Scalar)]
        values = texts[1::2] if flows[-1].is_mapping else texts
        cut = next((each for each in values if each.text.count("(") > each.text.count(")")), None)
        key = texts[texts.index(cut) - 1] if cut is not None and flows[-1].is_mapping else None
        return Flow(flows[0].start, cut, key)

    def _follows(self, problem: yaml.YAMLError) -> bool:
        """Whether reading ended on a line where an anchor, an alias or a tag was refused, and so because of that."""
        mark = getattr(problem, "problem_mark", None)
        refused = [each for each in self.report.diagnostics if each.code == "E507"]
        return bool(refused) and mark is not None and refused[-1].span.line == mark.line + 1

    def _refuse_last(self, problem: yaml.YAMLError) -> None:
        """A value on the line where reading ended may be a part of what was meant."""
        mark = getattr(problem, "problem_mark", None)
        value = self.open[-1].children[-1] if self.open and self.open[-1].children else None
        if mark is not None and isinstance(value, Scalar) and value.span.line == mark.line + 1:
            self.open[-1].children[-1] = Refused(value.span)

    def _stop(self, last: int) -> None:
        """Closes what is open, so that what was read before the problem can be checked as well."""
        self.document.complete = False
        self.document.end = last
        while self.open:
            cut = self.open[-1]
            rest = Refused(Span(self.source, cut.start, max(cut.start, last)))
            if cut.is_mapping and len(cut.children) % 2:
                cut.children.append(rest)
            if cut.children and not cut.flow:
                self._close(last)
            else:
                self.open.pop()
                self._add(rest)

    def _take(self, event: Any) -> None:
        match event:
            case yaml.ScalarEvent():
                self._add(self._scalar(event))
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._start(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close(self._span(event).end)
            case yaml.AliasEvent():
                span = self._span(event)
                self.document.texts.append(span)
                self._refuse_alias(span)
                self._add(Refused(span))
            case yaml.DocumentStartEvent():
                self._document(event)
            case _:
                pass

    def _span(self, event: Any) -> Span:
        return Span(self.source, event.start_mark.index, event.end_mark.index)

    def _document(self, event: Any) -> None:
        self.documents += 1
        place = self._span(event)
        if self.documents > 1:
            self.report.add("E509", "a file holds one document; here a second one begins", place)
            raise _Stop
        if event.version or event.tags:
            self.report.add("E509", "directives (`%YAML`, `%TAG`) are not read", place, help="leave the line out")

    def _scalar(self, event: Any) -> Node:
        span = self._span(event)
        style = event.style or ""
        if not style:
            end = span.start + len(self.source.text[span.start : span.end].rstrip())
            span = Span(self.source, span.start, end)
        if span.start < span.end:
            self.document.texts.append(span)
        if self._has_extras(event, span):
            return Refused(span)
        if style == ">":
            self.report.add(
                "E508",
                "`>` folds lines in ways that depend on their indentation; it is not read",
                Span(self.source, span.start, span.start + 1),
                help="write `|` instead",
            )
            return Refused(span)
        return Scalar(event.value, style, span)

    def _has_extras(self, event: Any, span: Span) -> bool:
        """Whether a node has an anchor or a tag; they are reported."""
        if event.anchor is not None:
            place = Span(self.source, span.start, span.start + 1 + len(event.anchor))
            self._refuse_alias(place)
        elif event.tag is not None:
            place = Span(self.source, span.start, span.start + 1)
            self.report.add(
                "E507", "tags (`!`) have no use here", place, help="a value that begins with `!` needs quotes"
            )
        else:
            return False
        return True

    def _refuse_alias(self, span: Span) -> None:
        if any(each.code == "E507" and each.span.line == span.line for each in self.report.diagnostics[-1:]):
            return  # once a line is enough
        self.report.add(
            "E507",
            "anchors and aliases (`&name`, `*name`) are not read",
            span,
            help="write the value out; a value that begins with `*` or `&` needs quotes",
        )

    def _start(self, event: Any) -> None:
        start = event.start_mark.index
        if len(self.open) == MAX_DEPTH:
            place = Span(self.source, start, start + 1)
            self.report.add("E515", f"this is nested more than {MAX_DEPTH} levels deep", place)
            raise _Stop
        refused = self._has_extras(event, Span(self.source, start, start))
        self.open.append(_Open(isinstance(event, yaml.MappingStartEvent), bool(event.flow_style), start, refused))

    def _close(self, end: int) -> None:
        done = self.open.pop()
        span = Span(self.source, done.start, max(done.start, end))
        if done.refused:
            self._add(Refused(span))
        elif done.is_mapping:
            pairs, refused = self._pairs(done)
            self._add(Mapping(pairs, done.flow, span, refused))
        else:
            self._add(Sequence(tuple(done.children), done.flow, span))

    def _add(self, node: Node) -> None:
        if self.open:
            self.open[-1].children.append(node)
        else:
            self.document.root = node

    def _pairs(self, mapping: _Open) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
        """The pairs of a mapping, and those whose keys were refused."""
        pairs: dict[str, Pair] = {}
        refused: list[Pair] = []
        children = mapping.children
        for key, value in zip(children[::2], children[1::2], strict=False):
            if isinstance(key, Scalar):
                pair = Pair(key, value)
                if self._good_key(key, pairs):
                    pairs[key.text] = pair
                else:
                    refused.append(pair)
            elif isinstance(key, Mapping | Sequence):
                self.report.add("E514", "a key must be a name", key.span)
        return tuple(pairs.values()), tuple(refused)

    def _good_key(self, key: Scalar, pairs: dict[str, Pair]) -> bool:
        if key.text == "<<" and not key.style:
            self.report.add("E507", "merge keys (`<<`) are not read", key.span, help="write the entries out")
        elif key.text in pairs:
            labels = [Label(pairs[key.text].key.span, "given here first")]
            self.report.add("E134", f"`{key.text}` is given twice", key.span, labels=labels)
        else:
            return True
        return False
