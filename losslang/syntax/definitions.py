"""Definitions: the lines of `def name(…) = …` -> Definition, and an index of a library that parses none of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from losslang.diagnostics import Label, Report, Source, Span
from losslang.syntax.checks import check_name, check_once
from losslang.syntax.comments import join
from losslang.syntax.fragment import Fragment
from losslang.syntax.layout import OPERATORS, Block, Line, blocks, logical_lines, report_continuation
from losslang.syntax.parser import parse_parameters, parse_tokens
from losslang.syntax.roles import read_role
from losslang.syntax.texts import plain_text
from losslang.syntax.tokens import CLOSING, OPENING, Token, span_of, tokenize
from losslang.syntax.tree import Comments, Definition, DefinitionParameter, Entry, Expression

__all__ = ["index_definitions", "parse_definition", "read_definition", "refuse_lone_roles"]

_FORM: Final = "def name(z: [batch, feature], eps=1e-4) = …"

# Texts in three quotes and comments are stepped over, so that a `def` in them is none.
_DEFINITION: Final = re.compile(
    r'"""(?:[^"]|"(?!""))*"""|"(?:[^"\\\n]|\\[^\n])*"|#[^\n]*|^((?:@[^\n]*\n(?:[ \t)\]\n][^\n]*\n|\n)*)*)def[ \t]+(\w+)',
    re.MULTILINE,
)


def index_definitions(source: Source) -> dict[str, Fragment]:
    """Where each definition of a library stands, with its roles; nothing is parsed (about 0.1 ms for 300 lines)."""
    found = [match for match in _DEFINITION.finditer(source.text) if match[2]]
    ends = [match.start() for match in found[1:]] + [len(source.text)]
    return {
        match[2]: Fragment.cut(source, match.start(), match.start() + len(source.text[match.start() : end].rstrip()))
        for match, end in zip(found, ends, strict=True)
    }


def parse_definition(fragment: Fragment, report: Report) -> Definition | None:
    """The one definition that a text holds, with its roles; otherwise None and diagnostics."""
    before = len(report.diagnostics)
    definitions = _definitions(fragment, report)
    if len(definitions) == 1:
        return definitions[0]
    if definitions:
        extra = definitions[1].name_span
        report.add("E138", "one definition is wanted here, and a second one begins", extra)
    elif len(report.diagnostics) == before:
        report.add("E138", "a definition is wanted here", fragment.span(), help=f"write `{_FORM}`")
    return None


def _definitions(fragment: Fragment, report: Report) -> list[Definition]:
    lines, _ = logical_lines(tokenize(fragment))
    roles: list[Line] = []
    found: list[Definition | None] = []
    for block in blocks(lines, report):
        if block.head.first.type == "AT":
            roles.append(block.head)
            continue
        if block.head.first.text == "def":
            found.append(read_definition(block, roles, report))
        else:
            kinds = [token.type for token in block.head.tokens]
            called = kinds[:2] == ["NAME", "LPAR"] and ("RPAR", "EQUAL") in pairwise(kinds)
            remedy = f"write `def {block.head.first.text}(…) = …`" if called else f"write `{_FORM}`"
            report.add("E149", "only definitions stand here", block.head.first.span, help=remedy)
        roles = []
    refuse_lone_roles(roles, report)
    return [each for each in found if each is not None]


def refuse_lone_roles(roles: Sequence[Line], report: Report) -> None:
    """Reports `@role` lines that no definition follows."""
    for line in roles:
        report.add("E140", "no definition follows this role", span_of(line.tokens))


@dataclass
class _Body:
    documentation: str = ""
    bindings: list[Entry] = field(default_factory=list)
    value: Expression | None = None
    comments: Comments = field(default_factory=Comments)


def read_definition(block: Block, roles: Sequence[Line], report: Report) -> Definition | None:
    """The definition in a block that begins with `def`, with the `@role` lines above it."""
    tokens = block.head.tokens
    parts = _head(tokens, report)
    read_roles = [read_role(line.tokens, report) for line in roles]
    if parts is None:
        return None
    parameters, rest = parts
    name = tokens[1]
    good = check_name(name.text, "definition", name.span, report)
    body = _read_body(_body_lines(block, rest, report), tokens, report)
    if not good or parameters is None or body is None or body.value is None:
        return None
    return Definition(
        name=name.text,
        parameters=parameters,
        roles=tuple(role for role in read_roles if role is not None),
        documentation=body.documentation,
        bindings=tuple(body.bindings),
        body=body.value,
        comments=_comments(block, roles, body.comments),
        name_span=name.span,
        span=Span(name.source, tokens[0].start, body.value.span.end),
    )


def _comments(block: Block, roles: Sequence[Line], inner: Comments) -> Comments:
    """Those above the roles and the head first; what has no place of its own in the body joins them."""
    comments = Comments()
    for line in roles:
        own = line.comments
        comments = join(comments, (*own.above, *filter(None, [own.after])))
    head = block.head.comments
    return join(join(comments, head.above, head.after), inner.above, inner.after)


def _head(tokens: Sequence[Token], report: Report) -> tuple[tuple[DefinitionParameter, ...] | None, list[Token]] | None:
    """The parameters, and what follows the `=`; None if the head has no such form."""
    if len(tokens) < 3 or tokens[1].type != "NAME" or tokens[2].type != "LPAR":
        place = tokens[1] if len(tokens) > 1 else tokens[0]
        report.add("E138", "a definition begins with its name and its parameters", place.span, help=f"write `{_FORM}`")
        return None
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token.type in OPENING) - (token.type in CLOSING)
        if at >= 2 and depth <= 0:
            break
    else:
        parse_parameters(tokens[2:], report)
        return None
    parameters = parse_parameters(tokens[2 : at + 1], report)
    if parameters is not None:
        check_once(((each.name, each.span) for each in parameters), report)
        _check_order(parameters, report)
    if at + 1 == len(tokens) or tokens[at + 1].type != "EQUAL":
        place = tokens[min(at + 1, len(tokens) - 1)]
        message = "an `=` is missing after the parameters"
        message = "a definition has `=` behind its parameters, and no `:`" if place.type == "COLON" else message
        report.add("E138", message, place.span, help=f"write `{_FORM}`")
        return None
    return parameters, list(tokens[at + 2 :])


def _check_order(parameters: Sequence[DefinitionParameter], report: Report) -> None:
    """Reports a parameter without default behind one that has one: what comes first can never be left out."""
    early = next((each for each in parameters if each.default is not None), None)
    for each in parameters[parameters.index(early) :] if early else ():
        if each.default is None and early is not None:
            report.add(
                "E150",
                f"`{each.name}` has no default, and stands behind `{early.name}`, which has one",
                each.span,
                labels=[Label(early.span, "has a default")],
                help="parameters without default come first",
            )
            return


def _body_lines(block: Block, rest: list[Token], report: Report) -> list[Line]:
    """The lines of the body, the one that began behind `=` first."""
    lines = [Line(0, [], rest)] if rest else []
    if rest and block.body and not _is_text(rest):
        report_continuation(block.head, block.body[0], report)
        lines[0].continued = True
        return lines
    base = block.body[0].indent if block.body else 0
    for line in block.body:
        if lines and (line.indent > base or line.first.type in OPERATORS):
            report_continuation(lines[-1], line, report)
        else:
            lines.append(line)
    return lines


def _is_text(tokens: Sequence[Token]) -> bool:
    return len(tokens) == 1 and tokens[0].type in {"TEXT", "LONGTEXT"}


def _read_body(lines: list[Line], head: Sequence[Token], report: Report) -> _Body | None:
    body = _Body()
    if any(line.continued for line in lines):
        return None
    if lines and _is_text(lines[0].tokens):
        body.documentation = plain_text(lines[0].first.text)
        body.comments = lines[0].comments
        lines = lines[1:]
    if not lines:
        report.add(
            "E138",
            "this definition has no value",
            span_of(head),
            help="write it behind `=`, or on indented lines below",
        )
        return None
    for line in lines[:-1]:
        _read_binding(line, lines[-1], body, report)
    last = lines[-1].tokens
    if _is_binding(last):
        report.add("E139", "a definition ends with its value, and this only names one", span_of(last[:2]))
        return None
    body.value = parse_tokens(last, span_of(last), report)
    own = lines[-1].comments
    body.comments = join(body.comments, own.above, own.after)
    check_once(((each.name, each.name_span) for each in body.bindings), report)
    return body


def _is_binding(tokens: Sequence[Token]) -> bool:
    return len(tokens) > 1 and tokens[0].type == "NAME" and tokens[1].type == "EQUAL"


def _read_binding(line: Line, last: Line, body: _Body, report: Report) -> None:
    tokens = line.tokens
    if not _is_binding(tokens):
        report.add(
            "E139",
            "a definition has one value, on its last line; the lines before it name parts: `name = …`",
            span_of(tokens),
            labels=[Label(last.last_row, "the last line")],
        )
        return
    name = tokens[0]
    value = parse_tokens(tokens[2:], tokens[1].span, report)
    if check_name(name.text, "part of a definition", name.span, report) and value is not None:
        body.bindings.append(Entry(name.text, value, line.comments, name.span, value.span))
