"""The text spelling: `.loss` -> Method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from losslang.diagnostics import Report, Source, Span
from losslang.syntax.checks import check_file_name, check_forward_mode, check_name
from losslang.syntax.comments import allowed_codes, comment_text, join, of_token
from losslang.syntax.definitions import read_definition, refuse_lone_roles
from losslang.syntax.draft import Draft
from losslang.syntax.fragment import Fragment
from losslang.syntax.layout import Block, Line, blocks, logical_lines, report_continuation
from losslang.syntax.parser import parse_tokens
from losslang.syntax.read_loss_parts import (
    is_entry,
    read_file_name,
    read_recipe,
    read_text,
    read_views,
    refuse_statement,
    wrong_form,
)
from losslang.syntax.tokens import Token, span_of, tokenize
from losslang.syntax.tree import Comments, Definition, Entry, Method, Name

__all__ = ["read_loss"]

_REMOVED: Final = {
    "parameter": "parameters",
    "network": "networks",
    "def": "functions",
    "value": "define",
    "term": "objective",
}


def read_loss(source: Source, report: Report) -> Method | None:
    """The method in a text. With errors, what could be read of it; None if it holds no statement at all."""
    everything = tokenize(Fragment.whole(source))
    lines, tail = logical_lines(everything)
    if not lines:
        report.add(
            "E506",
            "this is not a method file: it is empty",
            Span(source, 0, 0),
            help="begin with `method name`",
        )
        return None
    draft = Draft(source, lines[0].first.span, head=tuple(comment_text(token.text) for token in lines[0].above))
    lines[0].above = []
    reader = _Reader(draft, report)
    for block in blocks(lines, report):
        reader.take(block)
    refuse_lone_roles(reader.roles, report)
    allow = allowed_codes((of_token(token) for token in everything if token.type == "COMMENT"), report)
    return draft.method(tuple(comment_text(token.text) for token in tail), allow, report)


class _Reader:
    """Reads statement by statement into a draft; each word has one method of its own."""

    def __init__(self, draft: Draft, report: Report) -> None:
        self.draft = draft
        self.report = report
        self.roles: list[Line] = []

    def take(self, block: Block) -> None:
        """One statement."""
        line = block.head
        word = line.first
        if word.type == "AT":
            self.roles.append(line)
            return
        if word.text != "def":
            refuse_lone_roles(self.roles, self.report)
            self.roles = []
        if line.continued:
            self.draft.complete = False
            self.draft.unread |= {"views"} if word.text == "view" else set()
            self.draft.lose(line.tokens)
            return
        self._statements().get(self._word(line.tokens), self._unknown)(block)

    def _word(self, tokens: list[Token]) -> str:
        if is_entry(tokens):
            return "="
        return "notes" if tokens[0].type == "LONGTEXT" else tokens[0].text

    def _statements(self) -> Mapping[str, Callable[[Block], None]]:
        return {
            "=": self._define,
            "losslang": self._version,
            "method": self._method,
            "title": self._text,
            "paper": self._text,
            "notes": self._text,
            "extends": self._extends,
            "parameter": self._entry,
            "network": self._entry,
            "view": self._views,
            "forward": self._forward,
            "def": self._definition,
            "minimize": self._minimize,
            "recipe": self._recipe,
            "remove": self._remove,
        }

    def _unknown(self, block: Block) -> None:
        self.draft.complete = False
        self.draft.lose(block.head.tokens)
        refuse_statement(block.head.tokens, self.report)

    # ------------------------------------------------------------ one value each

    def _version(self, block: Block) -> None:
        tokens = block.head.tokens
        self.draft.once("losslang", block.head, span_of(tokens))
        if len(tokens) != 2 or tokens[1].text != "1":
            message = "this version of the language is not known"
            self.report.add("E143", message, span_of(tokens[1:] or tokens), help="write `losslang 1`")

    def _method(self, block: Block) -> None:
        tokens = block.head.tokens
        name, rest = read_file_name(tokens)
        if name is None:
            wrong_form(tokens, self.report)
            self.draft.once("method", block.head, tokens[0].span)
            return
        self.draft.once("method", block.head, name)
        title = read_text(rest, self.report) if rest else ""
        if title is None:
            wrong_form(tokens, self.report)
        if check_file_name(name.text, name, self.report):
            self.draft.texts["method"] = name.text
        if title:
            self.draft.texts["title"] = title

    def _extends(self, block: Block) -> None:
        tokens = block.head.tokens
        name, rest = read_file_name(tokens)
        self.draft.once("extends", block.head, name or tokens[0].span)
        if name is None or rest:
            wrong_form(tokens, self.report)
        elif check_file_name(name.text, name, self.report):
            self.draft.texts["extends"] = name.text

    def _text(self, block: Block) -> None:
        tokens = block.head.tokens
        word = self._word(tokens)
        self.draft.once(word, block.head, span_of(tokens))
        text = read_text(tokens if tokens[0].type == "LONGTEXT" else tokens[1:], self.report)
        if text is None:
            wrong_form(tokens, self.report)
        self.draft.texts[word] = text or self.draft.texts.get(word, "")

    # ------------------------------------------------------------ entries

    def _define(self, block: Block) -> None:
        self._add("define", "value", block.head, block.head.tokens)

    def _entry(self, block: Block) -> None:
        tokens = block.head.tokens
        if not is_entry(tokens[1:]):
            wrong_form(tokens, self.report)
            self.draft.lose(tokens)
            return
        self._add(tokens[0].text + "s", tokens[0].text, block.head, tokens[1:])

    def _add(self, section: str, kind: str, line: Line, tokens: list[Token], above: tuple[str, ...] = ()) -> None:
        """The entry that `name = expression` or `name: expression` is; `above` are comments from further up."""
        name = tokens[0]
        good = check_name(name.text, kind, name.span, self.report)
        value = parse_tokens(tokens[2:], tokens[1].span, self.report)
        if good and value is not None:
            comments = join(Comments(above), line.comments.above, line.comments.after)
            self.draft.sections[section].append(Entry(name.text, value, comments, name.span, value.span))
        elif kind == "term":
            self.draft.unread.add("objective")
        else:
            self.draft.lose(tokens)

    def _minimize(self, block: Block) -> None:
        line = block.head
        self.draft.seen.append(("minimize", line.first.span))
        if len(line.tokens) > 1:
            self.draft.unread.add("objective")
            wrong_form(line.tokens, self.report)
            return
        if not block.body:
            message = "`minimize` has no terms"
            self.report.add(
                "E137", message, line.first.span, help="write them below, indented: `align: alignment(z[a], z[b])`"
            )
        above = (*line.comments.above, *filter(None, [line.comments.after]))
        for term in self._terms(block.body):
            if term.continued:
                self.draft.unread.add("objective")
            else:
                self._term(term, above)
                above = ()

    def _terms(self, body: list[Line]) -> list[Line]:
        terms: list[Line] = []
        for line in body:
            tokens = line.tokens
            begins = len(tokens) > 1 and (tokens[1].type in {"COLON", "EQUAL"} or tokens[0].text == "remove")
            if begins or not terms:
                terms.append(line)
            else:
                report_continuation(terms[-1], line, self.report)
        return terms

    def _term(self, line: Line, above: tuple[str, ...]) -> None:
        tokens = line.tokens
        if tokens[0].text == "remove" and (len(tokens) < 2 or tokens[1].type != "COLON"):
            self._take_away(tokens, join(Comments(above), line.comments.above, line.comments.after))
        elif len(tokens) > 1 and tokens[1].type == "COLON":
            self._add("objective", "term", line, tokens, above)
        elif is_entry(tokens):
            self.draft.unread.add("objective")
            remedy = f"write `{tokens[0].text}: …`"
            self.report.add("E133", "a term is written with a colon", tokens[1].span, help=remedy)
        else:
            self.draft.unread.add("objective")
            self.report.add(
                "E133",
                "a term of the objective needs a name",
                span_of(tokens),
                help="write `align: alignment(z[a], z[b])`",
            )

    def _remove(self, block: Block) -> None:
        self._take_away(block.head.tokens, block.head.comments)

    def _take_away(self, tokens: list[Token], comments: Comments) -> None:
        section = _REMOVED.get(tokens[1].text) if len(tokens) == 3 and tokens[2].type == "NAME" else None
        if section is None:
            wrong_form(tokens, self.report)
            return
        word, kind, name = tokens
        if not check_name(name.text, kind.text if kind.text != "def" else "definition", name.span, self.report):
            return
        if section == "functions":
            self.draft.functions.append(Definition(name.text, comments=comments, name_span=name.span, span=word.span))
        else:
            self.draft.sections[section].append(Entry(name.text, None, comments, name.span, word.span))

    # ------------------------------------------------------------ the rest

    def _definition(self, block: Block) -> None:
        definition = read_definition(block, self.roles, self.report)
        self.roles = []
        if definition is None:
            self.draft.lose(block.head.tokens)
        else:
            self.draft.functions.append(definition)

    def _views(self, block: Block) -> None:
        views = read_views(block.head.tokens, self.report)
        if views is None:
            self.draft.unread.add("views")
        self.draft.view_lines.append((block.head, views or []))
        self.draft.places.setdefault("views", span_of(block.head.tokens))

    def _forward(self, block: Block) -> None:
        tokens = block.head.tokens
        kinds = [token.type for token in tokens[1:]]
        if kinds == ["NAME"]:
            self.draft.once("forward", block.head, tokens[1].span)
            if check_forward_mode(tokens[1].text, tokens[1].span, self.report):
                self.draft.mode = tokens[1].text
        elif kinds == ["NAME", "EQUAL", "NAME"]:
            self.draft.places.setdefault("forward", span_of(tokens))
            network, mode = tokens[1], tokens[3]
            if check_name(network.text, "network", network.span, self.report) and check_forward_mode(
                mode.text, mode.span, self.report
            ):
                value = Name(mode.text, 0, mode.span)
                self.draft.modes.append(Entry(network.text, value, block.head.comments, network.span, mode.span))
        else:
            wrong_form(tokens, self.report)

    def _recipe(self, block: Block) -> None:
        recipe = read_recipe(block, self.report)
        if recipe is not None:
            self.draft.recipes.append(recipe)
